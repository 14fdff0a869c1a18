"""A review as notices: what lint and tests say, and a notice for each region, where its cause is.

So a whole review can be written as SARIF, JUnit or annotations of a code host.
"""

from collections.abc import Iterator
from dataclasses import replace

from policyd.review.artefact import RegionTold, Review, Spot
from policyd.review.headlines import marked
from policyd.review.notices import Level, Notice
from policyd.review.replay_words import told_rows
from policyd.review.replayed import CONTRADICTED

ABOUT = {
    "opens": "Calls are allowed that were not.",
    "closes": "Calls are refused that were not.",
    "duty-dropped": "Calls owe less than they did.",
    "duty-added": "Calls owe more than they did.",
    "limit-raised": "A limit has more room than it had.",
    "limit-lowered": "A limit has less room than it had.",
    "region-unconfirmed": "The proof and the engine do not agree: please report it.",
    "not-proved": "It could not be proved that no call gains anything.",
    "proof-contradicted": "A recorded call shows that the proof is wrong: please report it.",
    "replay-lost": "Calls that were made would be refused.",
    "replay-gained": "Calls that were refused would be allowed.",
    "replay-duty-lost": "Calls that were made would owe less.",
    "replay-duty-added": "Calls that were made would owe more.",
    "test-failed": "A policy test does not come out as it says.",
    "test-undecided": "A policy test could not be decided.",
}
"""What each kind of notice says, by its id."""


def notices(review: Review, prefix: str = "") -> list[Notice]:
    """All of them; *prefix* goes before the files, to name them from the root of a repository."""
    found = [*review.lint, *_tests(review), *_regions(review), *_gaps(review)]
    found += _replay(review)
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


def _replay(review: Review) -> Iterator[Notice]:
    """What becomes of recorded calls: of each row, at the first cause of its region."""
    replay = review.replay
    if replay is None:
        return
    places = {each.ref: each.place for each in review.changes}
    causes = {each.number: each.causes for each in review.regions}
    for row, told in zip((*replay.contradictions, *replay.rows), told_rows(replay), strict=True):
        kind = CONTRADICTED if told.is_bad else f"replay-{row.outcome}"
        if kind not in ABOUT:  # reasons alone
            continue
        refs = [ref for number in row.regions for ref in causes[number]]
        spot = next((places[ref] for ref in refs), _somewhere(review))
        level = Level.ERROR if told.is_bad else _LEVELS.get(row.outcome, Level.INFO)
        message = f"{told.what[2:]}; {told.records}"
        yield _notice(spot, kind, level, message, about=f"{row.caller} {row.action} {row.data}")


_LEVELS = {"lost": Level.WARNING, "duty-lost": Level.WARNING}


def _somewhere(review: Review) -> Spot:
    """A line of the change, for what is about all of it."""
    places = [each.place for each in review.changes if each.decides]
    return min(places, default=Spot("policyd.yaml", 1))


def _notice(spot: Spot, kind: str, level: Level, message: str, about: str) -> Notice:
    return Notice(spot.file, spot.line, spot.column, kind, kind, level, message, about)
