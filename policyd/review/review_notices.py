"""A review as notices: what lint and tests say, and a notice for each region, where its cause is.

So a whole review can be written as SARIF, JUnit or annotations of a code host.
"""

from collections.abc import Iterator
from dataclasses import replace

from policyd.review.artefact import RegionTold, Review, Spot
from policyd.review.headlines import marked
from policyd.review.notices import Level, Notice

ABOUT = {
    "opens": "Calls are allowed that were not.",
    "closes": "Calls are refused that were not.",
    "duty-dropped": "Calls owe less than they did.",
    "duty-added": "Calls owe more than they did.",
    "limit-raised": "A limit has more room than it had.",
    "limit-lowered": "A limit has less room than it had.",
    "region-unconfirmed": "The proof and the engine do not agree: please report it.",
    "not-proved": "It could not be proved that no call gains anything.",
    "test-failed": "A policy test does not come out as it says.",
    "test-undecided": "A policy test could not be decided.",
}
"""What each kind of notice says, by its id."""


def notices(review: Review, prefix: str = "") -> list[Notice]:
    """All of them; *prefix* goes before the files, to name them from the root of a repository."""
    found = [*review.lint, *_tests(review), *_regions(review), *_gaps(review)]
    return [replace(each, file=f"{prefix}{each.file}") for each in found]


def _tests(review: Review) -> Iterator[Notice]:
    for each in review.tests.told:
        is_failed = each.verdict == "failed"
        kind, level = (
            ("test-failed", Level.ERROR) if is_failed else ("test-undecided", Level.WARNING)
        )
        message = f"{each.it}: {'; '.join(each.problems)}"
        yield Notice(each.file, each.line, 1, kind, kind, level, message, f"{each.suite}/{each.it}")


def _regions(review: Review) -> Iterator[Notice]:
    places = {each.ref: each.place for each in review.changes}
    for region in review.regions:
        kind, level = _kind(region)
        spots = [places[ref] for ref in region.causes] or [_somewhere(review)]
        message = f"region {region.number}: {region.words}"
        yield _notice(spots[0], kind, level, message, about=region.words)


def _kind(region: RegionTold) -> tuple[str, Level]:
    if region.verdict != "widens":
        return "region-unconfirmed", Level.WARNING
    kind = "-".join(marked(region).split()[1:])
    return kind, Level.WARNING if region.side == "opens" else Level.INFO


def _gaps(review: Review) -> Iterator[Notice]:
    for gap in review.proof.access.gaps if review.head.snapshot else ():
        yield _notice(_somewhere(review), "not-proved", Level.WARNING, gap, about=gap)


def _somewhere(review: Review) -> Spot:
    """A line of the change, for what is about all of it."""
    places = [each.place for each in review.changes if each.decides]
    return min(places, default=Spot("policyd.yaml", 1))


def _notice(spot: Spot, kind: str, level: Level, message: str, about: str) -> Notice:
    return Notice(spot.file, spot.line, spot.column, kind, kind, level, message, about)
