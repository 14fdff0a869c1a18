"""Slips of a rule: one that is proved to change nothing changes no call that is asked."""

from collections.abc import Iterator

from hypothesis import assume, given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.model.facts import Facts
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import compare
from policyd.proof.witness import Witness
from policyd.review.all_calls import is_proved
from policyd.review.decisive import spoken, without
from policyd.review.mutants import Mutant, mutants_of
from tests.properties.pairs import pairs
from tests.properties.sampling import share
from tests.properties.test_proof import calls
from tests.properties.world import WORDS


@st.composite
def _slips(draw: st.DrawFn) -> tuple[Snapshot, Mutant]:
    """A company, and a mutant of one of its rules."""
    snapshot = draw(pairs)[1]
    assume(snapshot.rules)
    rule = snapshot.rules[draw(st.sampled_from(sorted(snapshot.rules)))]
    return snapshot, draw(st.sampled_from([*mutants_of(rule, WORDS.levels)]))


slips = _slips()
starts = st.integers(0, 10**9)


def asked(slip: tuple[Snapshot, Mutant], start: int) -> Iterator[Witness]:
    """Calls, each put to the company and to the company with the slip."""
    snapshot, mutant = slip
    engines = Engine(snapshot), Engine(mutant.on(snapshot))
    for call, facts in calls(start, snapshot):
        one, two = (each.decide(call, facts) for each in engines)
        yield Witness(call, (facts, facts), (one, two))


@given(slips, starts)
def test_a_slip_that_is_proved_to_be_none_is_none(
    slip: tuple[Snapshot, Mutant], start: int
) -> None:
    """Whatever is discarded as equivalent decides no call differently, and owes the same."""
    if is_proved(compare(slip[0], slip[1].on(slip[0]))):
        for witness in asked(slip, start):
            assert not witness.shows(0), witness
            assert not witness.shows(1), witness


@given(slips, starts)
def test_a_slip_opens_or_closes(slip: tuple[Snapshot, Mutant], start: int) -> None:
    """One that opens refuses nothing that was allowed, and the other way round."""
    stricter = 1 if slip[1].opens else 0
    for witness in asked(slip, start):
        assert not witness.shows(stricter), witness


@given(pairs, starts)
def test_a_case_without_a_rule_is_the_tree_without_it(
    pair: tuple[Snapshot, Snapshot], start: int
) -> None:
    """What coverage asks of a case is what the tree would decide if the rule were deleted."""
    snapshot = pair[1]
    engine = Engine(snapshot)
    for call, facts in [*calls(start, snapshot)][::15]:
        case = engine.open(call, facts.now)
        for ref in spoken(case):
            deleted = next(mutants_of(snapshot.rules[ref], WORDS.levels)).on(snapshot)
            there = Engine(deleted).decide(call, Facts(facts.now, facts.used))
            here = engine.judge(without(case, ref), Facts(facts.now, facts.used))
            assert (there.allow, there.obligations) == (here.allow, here.obligations)
            assert {each.code for each in there.reasons} == {each.code for each in here.reasons}


def test_some_slips_are_none_and_some_are_not() -> None:
    """The properties meet both kinds, and slips that open and that close."""

    def holds(slip: tuple[Snapshot, Mutant]) -> Iterator[bool]:
        yield is_proved(compare(slip[0], slip[1].on(slip[0])))

    assert 0.1 < share(slips, holds, 60) < 0.95
    assert 0.2 < share(slips, lambda slip: [slip[1].opens], 60) < 0.8
