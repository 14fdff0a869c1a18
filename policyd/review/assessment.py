"""Assessment: what the life of a change depends on of its review.

A server reads these. What makes them (`assessing`) takes much longer to load, and runs in a process
of its own (`policyd.search.assessor`).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from policyd.model.change import Demand

PROVED = "proved"
"""What `proof.proving.Verdict` says where nothing opens."""

Files = Mapping[str, bytes]
"""A whole tree."""


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that the change opens or closes; see `policyd.proof.proving.Region`."""

    side: str  # opens or closes
    kind: str
    words: str
    callers: tuple[str, ...]
    action: str
    data: tuple[str, ...]
    places: tuple[str, ...]
    methods: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("",)


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
        return not self.blocked_by and self.verdict == PROVED
