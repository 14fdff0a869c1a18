"""Assessment: what the life of a change depends on of its review."""

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from policyd.model.change import Demand
from policyd.model.snapshot import Snapshot
from policyd.policy.load import draft
from policyd.proof.proving import Comparison, Region, Verdict, compare
from policyd.review.all_calls import words

FAST, SLOW = "fast", "slow"
Files = Mapping[str, bytes]
Watch = Callable[[str], None]
"""Told which step begins."""


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
        verdict: Of "no call gains anything".
        decision: Digest of what the change does; equal digests do the same.
        lane: `fast` or `slow`.
        owners: Who has to approve.
        persons: How many different people have to, at least.
        findings: What is wrong with the tree, each with its place.
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
    review: Mapping[str, Any] | None = None

    @property
    def demand(self) -> Demand:
        """What it asks of people."""
        return Demand(self.decision, self.lane, frozenset(self.owners), self.persons)

    @property
    def opens_nothing(self) -> bool:
        """Whether it is proved that no call gains anything."""
        return not self.blocked_by and self.verdict == Verdict.PROVED


def assess(base: Files, head: Files, watch: Watch = lambda _: None) -> Assessment:
    """What the change from the whole tree *base* to *head* comes to.

    Raises:
        PolicyInvalid: the base does not load.
    """
    watch("loading both trees")
    old, _ = draft(base)
    new, findings = draft(head)
    if old is None or new is None:
        told = tuple(map(str, findings))
        return Assessment(
            verdict="not-proved", decision="", lane=SLOW, blocked_by=("lint",), findings=told
        )
    sides = old.snapshot(), new.snapshot()
    watch("proving what opens and closes")
    found = compare(*sides)
    is_slow = found.verdict in {Verdict.MAYBE, Verdict.NOT_PROVED} or any(
        not path.startswith("units/") for path in _changed(base, head)
    )
    regions = tuple(_regions(found))
    return Assessment(
        verdict=str(found.verdict),
        decision=_digest(found, base, head),
        lane=SLOW if is_slow else FAST,
        owners=tuple(sorted(set(_owners(sides, found, base, head)))),
        gaps=found.gaps,
        regions=regions,
    )


def _changed(base: Files, head: Files) -> list[str]:
    return [path for path in sorted({*base, *head}) if base.get(path) != head.get(path)]


def _owners(
    sides: tuple[Snapshot, Snapshot], found: Comparison, base: Files, head: Files
) -> Iterator[str]:
    """Owners of the files that change, and of the data that more calls reach."""
    old, new = sides
    for path in _changed(base, head):
        unit = path.split("/")[1] if path.startswith("units/") else ""
        known = old.units.get(unit) or new.units.get(unit)
        yield known.owner if known else old.destinations_owner
    for region in found.opens:
        for data in region.data:
            system = old.systems.get(data.partition("/")[0])
            if system:
                yield system.owner


def _regions(found: Comparison) -> Iterator[Touched]:
    yield from (_touched("opens", each) for each in found.opens)
    yield from (_touched("closes", each) for each in found.closes)


def _touched(side: str, region: Region) -> Touched:
    return Touched(
        side=side,
        kind=region.kind,
        words=words(region),
        callers=region.callers,
        action=region.action,
        data=region.data,
        places=region.places,
    )


def _digest(found: Comparison, base: Files, head: Files) -> str:
    said = [msgspec.to_builtins(each) for each in _regions(found)]
    files = {path: sha256(head.get(path, b"")).hexdigest() for path in _changed(base, head)}
    text = json.dumps([said, found.gaps, files], sort_keys=True)
    return f"sha256:{sha256(text.encode()).hexdigest()}"
