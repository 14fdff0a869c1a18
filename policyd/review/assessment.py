"""Assessment: what the life of a change depends on of its review."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from policyd.model.change import Demand
from policyd.policy import layout
from policyd.policy.manifest import digest
from policyd.proof.proving import Verdict
from policyd.review.artefact import RegionTold, Review
from policyd.review.reviewing import Given, Watch, review
from policyd.review.revisions import Version, of
from policyd.review.routing import SLOW

Files = Mapping[str, bytes]


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that the change opens or closes; see `policyd.proof.proving.Region`."""

    side: str  # opens or closes
    kind: str
    words: str
    callers: tuple[str, ...]
    action: str
    data: tuple[str, ...]
    places: tuple[str, ...]


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What a review found; `blocked_by` is empty where the change may go on.

    Attributes:
        verdict: Of "no call gains anything, and no unit could have more".
        decision: Digest of what the change does; equal digests do the same.
        lane: `fast` or `slow`.
        owners: Who has to approve.
        persons: How many different people have to, at least.
        findings: What is wrong with the tree, each with its place.
        gaps: What could not be decided.
        review: The whole review, to be read.
    """

    verdict: str
    decision: str
    lane: str
    owners: tuple[str, ...] = ()
    persons: int = 1
    blocked_by: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    regions: tuple[Touched, ...] = ()
    review: Mapping[str, Any] = {}

    @property
    def demand(self) -> Demand:
        """What it asks of people."""
        return Demand(self.decision, self.lane, frozenset(self.owners), self.persons)

    @property
    def opens_nothing(self) -> bool:
        """Whether it is proved that no call gains anything."""
        return not self.blocked_by and self.verdict == Verdict.PROVED


def assess(base: Files, head: Files, now: datetime, watch: Watch = lambda _: None) -> Assessment:
    """What the change from the whole tree *base* to *head* comes to at one moment (aware).

    Raises:
        PolicyInvalid: the base does not load.
    """
    found = review(of(_version(base), _version(head)), Given(now=now, watch=watch))
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
