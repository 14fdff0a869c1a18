"""Assessing: a review, as far as the life of a change depends on it."""

from datetime import datetime

from policyd.policy import layout
from policyd.policy.manifest import digest
from policyd.proof.proving import Verdict
from policyd.review.artefact import RegionTold, Review
from policyd.review.assessment import Assessment, Files, Touched
from policyd.review.replayed import Past
from policyd.review.reviewing import Given, Watch, review
from policyd.review.revisions import Version, of
from policyd.review.routing import SLOW


def assess(
    base: Files,
    head: Files,
    now: datetime,
    watch: Watch = lambda _: None,
    past: Past | None = None,
) -> Assessment:
    """What the change from the whole tree *base* to *head* comes to at one moment (aware).

    The calls of *past*, if there is one, are replayed.

    Raises:
        PolicyInvalid: the base does not load.
    """
    found = review(of(_version(base), _version(head)), Given(now=now, watch=watch, past=past))
    verdict = _verdict(found)
    is_slow = found.routing.lane == SLOW
    return Assessment(
        verdict=verdict,
        decision=found.decisions,
        lane=found.routing.lane,
        owners=tuple(each.owner for each in found.routing.approvers),
        # What central IT has to look at and may open something takes more than one pair of eyes.
        persons=2 if is_slow and verdict != Verdict.PROVED else 1,
        blocked_by=found.blocked_by,
        findings=tuple(_findings(found)),
        gaps=(*found.proof.access.gaps, *found.proof.guardrails.gaps),
        regions=tuple(map(_touched, found.regions)),
        review=found.plain,
    )


def _version(files: Files) -> Version:
    """The whole tree as a review takes it."""
    deciding = {
        path: data if layout.decides(path) else b""
        for path, data in files.items()
        if not layout.lies_beside(path)
    }
    return Version(
        name=digest(files),
        commit=None,
        files=deciding,
        unreadable=(),
        suites={path: data for path, data in files.items() if layout.is_of_tests(path)},
        unreadable_suites=(),
    )


def _verdict(found: Review) -> str:
    """That of what integrations may do; where it is proved, that of what units could have."""
    access, guardrails = found.proof.access.verdict, found.proof.guardrails.verdict
    return guardrails if access == Verdict.PROVED else access


def _findings(found: Review) -> list[str]:
    lint = [
        f"{each.file}:{each.line}:{each.column}: {each.id} {each.message}"
        for each in found.lint
        if each.level == "error"
    ]
    tests = [f"{each.file}:{each.line}: {each.suite}: {each.it}" for each in found.tests.told]
    return [*lint, *tests]


def _touched(region: RegionTold) -> Touched:
    return Touched(**{name: getattr(region, name) for name in Touched.__struct_fields__})
