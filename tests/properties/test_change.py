"""A change's life as a state machine: whatever people do, nobody slips a policy past the others.

What is held against the model is kept here as people would tell it: who wrote the content that is
there, and who has looked at what it does and said yes.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from policyd.model.change import (
    LONGEST_EMERGENCY,
    OPEN,
    Approval,
    Change,
    Demand,
    Emergency,
    State,
    person,
)
from policyd.model.errors import Conflict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNERS = ["hr-apps", "data-office"]
# Two spellings of one person; keys are drawn apart from persons, so that one has several.
NAMES = ["Ann", "ann ", "Bob", "Kim", "Lea"]
people = st.sampled_from(NAMES)
authors = st.sampled_from(["Ann"] * 4 + NAMES)  # if all have a part in it, nobody can agree
keys = st.sampled_from(["k1", "k2"])
owners = st.sampled_from([*OWNERS, *OWNERS, None])
decisions = st.sampled_from(["d1", "d2"])
demands = st.builds(
    Demand,
    decisions,
    st.sampled_from(["fast", "slow"]),
    st.sampled_from([frozenset(), *[frozenset({each}) for each in OWNERS]]),
    st.sampled_from([1, 1, 2]),
)
mostly = st.sampled_from([True] * 5 + [False])  # what is only refused teaches little
hours = st.integers(-1, 80)
reasons = st.sampled_from(["", "  ", "the CRM leaks"])


class Life(RuleBasedStateMachine):
    """What people do with one change, in any order."""

    @initialize(author=authors, patience=st.integers(0, 25))
    def propose(self, author: str, patience: int) -> None:
        """Somebody proposes it; what ends lives is not done before so many other steps."""
        self.patience = patience
        self.change = Change("c1", "t", "r", (author,), "b0", "s0", "t0")
        self.written_by = {person(author)}
        self.content = 0
        self.yes: list[Approval] = []  # given, and not taken back
        self.was_agreed = False  # when it was put in force

    @precondition(lambda self: self.change.demand is None)
    @rule(demand=demands)
    def review(self, demand: Demand) -> None:
        """A review says what it asks for."""
        self._try(lambda: self.change.reviewed(demand))

    @rule(holder=people, key=keys, owner=owners, seen=decisions, is_asked=mostly, has_looked=mostly)
    def approve(
        self,
        holder: str,
        key: str,
        owner: str | None,
        seen: str,
        *,
        is_asked: bool,
        has_looked: bool,
    ) -> None:
        """Somebody says yes; if that counts, it is not the author's, and to what is there."""
        demand = self.change.demand
        if demand and is_asked:
            owner = min(self.change.missing, default=owner)
        if demand and has_looked:
            seen = demand.decision
        given = Approval(holder, key, owner, seen, NOW)
        if self._try(lambda: self.change.approved(given)):
            assert demand is not None
            assert seen == demand.decision
            assert person(holder) not in self.written_by
            assert not demand.owners or owner in demand.owners
            self.yes.append(given)

    @precondition(lambda self: self.change.state is not State.PROPOSED or self.change.approvals)
    @rule(author=authors)
    def revise(self, author: str) -> None:
        """Somebody gives it new content; what nobody has reviewed is mostly left as it is."""
        content = self.content + 1
        made = self._try(
            lambda: self.change.revised(author, f"b{content}", f"s{content}", f"t{content}")
        )
        if made:
            self.content = content
            self.written_by.add(person(author))

    @rule(key=keys)
    def leave(self, key: str) -> None:
        """The key of an approver is revoked."""
        self.change = self.change.counting(lambda each: each.key != key)
        self.yes = [each for each in self.yes if each.key != key]

    @precondition(lambda self: self.change.state is State.APPROVED or self.patience <= 0)
    @rule()
    def shadow(self) -> None:
        """It runs in shadow."""
        if self._try(self.change.shadowed):
            assert self._is_agreed()

    @precondition(lambda self: self.change.state is State.SHADOW)
    @rule()
    def come_out(self) -> None:
        """Its shadow comes to no end."""
        assert self._try(self.change.out_of_shadow)

    @precondition(lambda self: self.patience <= 0)
    @rule()
    def publish(self) -> None:
        """It is put in force in the ordinary way: only if enough others agreed."""
        if self._try(self.change.published):
            self.was_agreed = True
            assert self._is_agreed()
            assert self.change.emergency is None

    @precondition(lambda self: self.patience <= 0)
    @rule(holder=people, why=reasons, after=hours)
    def publish_in_emergency(self, holder: str, why: str, after: int) -> None:
        """It is put in force at once: with a reason, and for a time."""
        emergency = Emergency(holder, why, NOW + timedelta(hours=after))
        if self._try(lambda: self.change.published_in_emergency(emergency, NOW)):
            assert why.strip()
            assert NOW < emergency.until <= NOW + LONGEST_EMERGENCY

    @precondition(lambda self: self.patience <= 0)
    @rule(how=st.sampled_from(["rolled_back", "withdrawn", "refused"]))
    def end(self, how: str) -> None:
        """It is rolled back if it is in force, and else withdrawn or refused if it can be yet."""
        change = self.change
        can = change.state is State.PUBLISHED if how == "rolled_back" else change.is_open
        assert self._try(lambda: getattr(change, how)("why")) == can

    @invariant()
    def nothing_is_in_force_without_agreement(self) -> None:
        """But by the emergency path, which stays told of until somebody else agrees."""
        change = self.change
        if change.state is State.PUBLISHED and not self.was_agreed:
            assert change.emergency is not None
            assert change.is_unreviewed == (not self._is_agreed())

    @invariant()
    def its_state_is_that_of_its_approvals(self) -> None:
        """Approved is what enough others agreed to, and nothing else is."""
        change = self.change
        if change.state in {State.APPROVED, State.SHADOW}:
            assert self._is_agreed()
        elif change.state is State.REVIEWED:
            assert not self._is_agreed()
        assert (change.state is State.PROPOSED) <= (change.demand is None)
        assert change.is_open == (change.state in OPEN)

    @invariant()
    def content_is_of_who_wrote_it(self) -> None:
        """Everybody who wrote a part of it has a part in it."""
        assert self.change.tree == f"t{self.content}"
        assert set(map(person, self.change.authors)) == self.written_by

    def _is_agreed(self) -> bool:
        """Whether enough others have said yes to what the content does, told independently."""
        demand = self.change.demand
        if demand is None:
            return False
        counts = [
            each
            for each in self.yes
            if each.decision == demand.decision and person(each.holder) not in self.written_by
        ]
        has_owners = demand.owners <= {each.owner for each in counts}
        return has_owners and len({person(each.holder) for each in counts}) >= demand.persons

    def _try(self, step: Callable[[], Change]) -> bool:
        """Whether the step is one; if not, nothing has changed."""
        self.patience -= 1
        before = self.change
        try:
            self.change = step()
        except Conflict:
            return False
        if self.change.demand and not before.demand:  # of what else was agreed to is forgotten
            decision = self.change.demand.decision
            self.yes = [each for each in self.yes if each.decision == decision]
        return True


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=300, stateful_step_count=30)
