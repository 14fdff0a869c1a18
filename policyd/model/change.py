"""Change: a proposed policy on its way into force, from proposal to its end.

    proposed ─► reviewed ─► approved ─► published ─► rolled back
                    ▲           └► shadow ┘
                    └─ new content ─ goes back to proposed

Until it is published it may be withdrawn by who proposed it, or refused. Pure values: a step gives
another `Change`, or a Conflict that says why it is none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import normalize

from policyd.model.errors import Conflict

LONGEST_EMERGENCY = timedelta(hours=72)
"""How long a change may be in force before anybody else has agreed to it."""


class State(StrEnum):
    """Where a change is; the last three are ends."""

    PROPOSED = "proposed"  # its review is under way
    REVIEWED = "reviewed"  # it waits for approvals
    APPROVED = "approved"
    SHADOW = "shadow"  # decides beside the policy in force, without effect
    PUBLISHED = "published"  # was put in force; another may have come after it
    ROLLED_BACK = "rolled-back"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


OPEN = frozenset({State.PROPOSED, State.REVIEWED, State.APPROVED, State.SHADOW})
"""The states of what may still come into force."""


def person(holder: str) -> str:
    """Who the holder of a key is: names that are read alike are one person's.

    >>> person("Kim  Park") == person("kim park")
    True
    """
    return " ".join(normalize("NFKC", holder).casefold().split())


@dataclass(frozen=True, slots=True)
class Demand:
    """What a review asks for.

    Attributes:
        decision: Digest of what the change does; two of the same do the same.
        lane: `fast` or `slow`.
        owners: Each of them has to agree.
        persons: How many different people have to, at least.
    """

    decision: str
    lane: str
    owners: frozenset[str]
    persons: int = 1


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's yes, given with one key, for one owner (or none), to what one review said."""

    holder: str
    key: str
    owner: str | None
    decision: str
    at: datetime

    @property
    def person(self) -> str:
        """Who it is."""
        return person(self.holder)


@dataclass(frozen=True, slots=True)
class Emergency:
    """Why a change was put in force before it was agreed to, and until when it may be."""

    holder: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One proposed policy.

    Attributes:
        id: What people call it.
        authors: Holders of the keys that its content came from; the first proposed it.
        base: Digest of the snapshot that it was made from.
        snapshot: Digest of the snapshot that it would put in force.
        tree: Digest of all its files, those that decide nothing too.
        demand: What its review asks for, once it is there.
        ended: Why it was withdrawn, refused or rolled back.
    """

    id: str
    title: str
    reason: str
    authors: tuple[str, ...]
    base: str
    snapshot: str
    tree: str
    state: State = State.PROPOSED
    demand: Demand | None = None
    approvals: tuple[Approval, ...] = ()
    emergency: Emergency | None = None
    ended: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still come into force."""
        return self.state in OPEN

    @property
    def is_agreed(self) -> bool:
        """Whether everybody has said yes who has to."""
        return self.demand is not None and not self.missing and self.lacking == 0

    @property
    def is_unreviewed(self) -> bool:
        """Whether it is in force by an emergency, and nobody has agreed to it since."""
        return self.state is State.PUBLISHED and self.emergency is not None and not self.is_agreed

    @property
    def missing(self) -> frozenset[str]:
        """Owners who have not agreed; none while nobody knows who has to."""
        owners = self.demand.owners if self.demand else frozenset()
        return owners - {each.owner for each in self.approvals}

    @property
    def lacking(self) -> int:
        """How many more people have to agree, whoever they are."""
        persons = self.demand.persons if self.demand else 1
        return max(0, persons - len({each.person for each in self.approvals}))

    def is_authors(self, holder: str) -> bool:
        """Whether this person has a part in the content."""
        return person(holder) in set(map(person, self.authors))

    def reviewed(self, demand: Demand) -> "Change":
        """The change with its review; who agreed to something else has not agreed to this.

        Raises:
            Conflict: no review of it is under way.
        """
        waits = self.state is State.PUBLISHED and self.demand is None
        if not waits:
            self._check("reviewed", State.PROPOSED)
        kept = tuple(each for each in self.approvals if each.decision == demand.decision)
        state = self.state if waits else State.REVIEWED
        return _settled(replace(self, state=state, demand=demand, approvals=kept))

    def approved(self, approval: Approval) -> "Change":
        """The change with one more yes.

        Raises:
            Conflict: it waits for none, for none of this person or owner, or of other content.
        """
        if not self.is_unreviewed:
            self._check("approved", State.REVIEWED, State.APPROVED)
        demand = self.demand
        if demand is None:
            raise Conflict(
                f"the review of change `{self.id}` is not done: wait for it", code=_EARLY
            )
        if self.is_authors(approval.holder):
            raise Conflict(
                f"`{approval.holder}` has a part in change `{self.id}`, and whoever has does not"
                " approve it: ask somebody else",
                code="own-change",
            )
        if approval.decision != demand.decision:
            raise Conflict(
                f"change `{self.id}` does not say any more what was approved: look at it again",
                code="content-changed",
            )
        if demand.owners and approval.owner not in demand.owners:
            raise Conflict(
                f"change `{self.id}` has to be approved for {', '.join(sorted(demand.owners))}:"
                " use the key of an approver that is made with one of them as its owner",
                code="not-asked",
            )
        said = {(each.person, each.owner) for each in self.approvals}
        if (approval.person, approval.owner) in said:
            raise Conflict(
                f"`{approval.holder}` has approved that already", code="approved-already"
            )
        return _settled(replace(self, approvals=(*self.approvals, approval)))

    def counting(self, stands: Callable[[Approval], bool]) -> "Change":
        """The change with the approvals that still stand; who left does not agree any more."""
        kept = tuple(filter(stands, self.approvals))
        if len(kept) == len(self.approvals):
            return self
        return _settled(replace(self, approvals=kept))

    def revised(self, author: str, base: str, snapshot: str, tree: str) -> "Change":
        """The change with new content, to be reviewed again.

        What was agreed to it counts again only if the review says that it decides the same.

        Raises:
            Conflict: it is in force or at its end.
        """
        self._check("revised", State.PROPOSED, State.REVIEWED, State.APPROVED)
        authors = self.authors if self.is_authors(author) else (*self.authors, author)
        others = tuple(each for each in self.approvals if each.person != person(author))
        return replace(
            self,
            authors=authors,
            base=base,
            snapshot=snapshot,
            tree=tree,
            state=State.PROPOSED,
            demand=None,
            approvals=others,
        )

    def shadowed(self) -> "Change":
        """The change, deciding beside what is in force.

        Raises:
            Conflict: it is not approved.
        """
        self._check("run in shadow", State.APPROVED)
        return replace(self, state=State.SHADOW)

    def out_of_shadow(self) -> "Change":
        """The change, approved as before its shadow, which came to no end.

        Raises:
            Conflict: it runs in none.
        """
        self._check("taken out of its shadow", State.SHADOW)
        return replace(self, state=State.APPROVED)

    def published(self) -> "Change":
        """The change, in force.

        Raises:
            Conflict: it is not approved.
        """
        self._check("published", State.APPROVED, State.SHADOW)
        return replace(self, state=State.PUBLISHED)

    def published_in_emergency(self, emergency: Emergency, now: datetime) -> "Change":
        """The change, in force before it is agreed to.

        Raises:
            Conflict: it is in force or at its end, or without a reason or a time limit.
        """
        self._check("published", *OPEN)
        if not emergency.reason.strip():
            raise Conflict("an emergency has a reason: say it", code="reason-missing")
        if not now < emergency.until <= now + LONGEST_EMERGENCY:
            raise Conflict(
                "an emergency ends after a time that it says, at most"
                f" {LONGEST_EMERGENCY // timedelta(hours=1)} hours",
                code="emergency-unlimited",
            )
        return replace(self, state=State.PUBLISHED, emergency=emergency)

    def rolled_back(self, why: str) -> "Change":
        """The change, not in force any more.

        Raises:
            Conflict: it never was, or is not any more.
        """
        self._check("rolled back", State.PUBLISHED)
        return replace(self, state=State.ROLLED_BACK, ended=why)

    def withdrawn(self, why: str) -> "Change":
        """The change, taken back.

        Raises:
            Conflict: it is in force or at its end.
        """
        self._check("withdrawn", *OPEN)
        return replace(self, state=State.WITHDRAWN, ended=why)

    def refused(self, why: str) -> "Change":
        """The change, which will not come into force.

        Raises:
            Conflict: it is in force or at its end.
        """
        self._check("refused", *OPEN)
        return replace(self, state=State.REFUSED, ended=why)

    def _check(self, step: str, *states: State) -> None:
        if self.state not in states:
            told = _needs(states)
            raise Conflict(
                f"change `{self.id}` is {_words(self.state)}, so it cannot be {step}: that takes"
                f" one that is {told}",
                code=_EARLY if self.is_open and step != "revised" else "change-ended",
            )


_EARLY = "change-not-ready"


def _settled(change: Change) -> Change:
    """The change in the state that its approvals make, where they make it."""
    if change.state not in {State.REVIEWED, State.APPROVED, State.SHADOW}:
        return change
    if not change.is_agreed:
        return replace(change, state=State.REVIEWED)
    return change if change.state is State.SHADOW else replace(change, state=State.APPROVED)


def _words(state: State) -> str:
    return state.value.replace("-", " ")


def _needs(states: Iterable[State]) -> str:
    return " or ".join(_words(each) for each in State if each in set(states))
