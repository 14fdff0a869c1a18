"""What must hold for every decision: total, deny by default, and the same every time."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.model.codes import CODES
from policyd.model.rules import Rule, Section
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks
from tests.properties.companies import snapshots
from tests.properties.ruling import rules
from tests.properties.sampling import fields_of, share

forbids = rules("added", Section.FORBID)


@given(snapshots, asks)
def test_deciding_is_total(snapshot: Snapshot, asked: Asks) -> None:
    """Whatever is asked gets an answer: allow exactly if nothing is in the way."""
    engine = Engine(snapshot)
    for call, now in asked:
        decision = engine.decide(call, now)
        assert decision.allow is (decision.reasons == ())
        assert decision.allow is (decision.valid_until is not None)
        assert decision.allow or decision.obligations == ()
        assert {each.code for each in decision.reasons} <= CODES.keys()
        rules = [each.rule for each in decision.reasons if each.rule in snapshot.rules]
        assert len(rules) == len(set(rules))


@given(snapshots, asks, st.sampled_from([Section.CEILING, Section.ALLOW]))
def test_denied_by_default(snapshot: Snapshot, asked: Asks, gone: Section) -> None:
    """Without any ceiling, or without any allow, nothing may run."""
    kept = {ref: each for ref, each in snapshot.rules.items() if each.section is not gone}
    engine = Engine(replace(snapshot, rules=kept))
    assert not any(engine.decide(call, now).allow for call, now in asked)


@given(snapshots, st.lists(forbids, min_size=1, max_size=3), asks)
def test_a_forbid_only_takes_away(snapshot: Snapshot, added: list[Rule], asked: Asks) -> None:
    """One more forbid, in any layer, allows nothing and removes no reason."""
    engines, rules = [Engine(snapshot)], dict(snapshot.rules)
    for number, each in enumerate(added):
        rules[f"{each.ref}{number}"] = replace(each, ref=f"{each.ref}{number}")
        engines.append(Engine(replace(snapshot, rules=dict(rules))))
    for call, now in asked:
        answers = [engine.decide(call, now) for engine in engines]
        for before, after in pairwise(answers):
            assert before.allow or not after.allow
            assert Counter(before.reasons) <= Counter(after.reasons)


@given(snapshots, asks, st.data())
def test_what_covers_only_gives(snapshot: Snapshot, asked: Asks, data: st.DataObject) -> None:
    """One ceiling or allow less allows nothing more."""
    covering = [ref for ref, each in snapshot.rules.items() if each.section is not Section.FORBID]
    gone = data.draw(st.sampled_from(covering or ["none"]))
    kept = {ref: each for ref, each in snapshot.rules.items() if ref != gone}
    before, after = Engine(snapshot), Engine(replace(snapshot, rules=kept))
    for call, now in asked:
        assert before.decide(call, now).allow or not after.decide(call, now).allow


@given(snapshots, asks, st.data())
def test_order_means_nothing(snapshot: Snapshot, asked: Asks, data: st.DataObject) -> None:
    """The same rules in another order give the same decision, reason by reason."""
    order = data.draw(st.permutations(list(snapshot.rules)))
    shuffled = Engine(replace(snapshot, rules={ref: snapshot.rules[ref] for ref in order}))
    engine = Engine(snapshot)
    for call, now in asked:
        assert engine.decide(call, now) == shuffled.decide(call, now)


@given(snapshots, asks)
def test_same_question_same_answer(snapshot: Snapshot, asked: Asks) -> None:
    """An engine keeps nothing of the calls it answers, and another one answers alike."""
    engine = Engine(snapshot)
    first = [engine.decide(call, now) for call, now in asked]
    again = [engine.decide(call, now) for call, now in reversed(asked)]
    other = Engine(snapshot)
    assert first == again[::-1] == [other.decide(call, now) for call, now in asked]


@given(snapshots, asks)
def test_one_outcome_per_field(snapshot: Snapshot, asked: Asks) -> None:
    """A field that is named owes one duty at most: that of the strictest of its cells."""
    engine = Engine(snapshot)
    for call, now in asked:
        decision = engine.decide(call, now)
        if not decision.allow:
            continue
        owed = {each.type: fields_of(each) for each in decision.obligations}
        fields = [field for names in owed.values() for field in names]
        assert len(fields) == len(set(fields))
        assert set(fields) <= set(call.fields)
        cells = snapshot.zones[decision.resolved.zone or ""].treatments
        known = snapshot.datasets[call.resource.id]
        asserted = snapshot.vocabulary.label(call.labels)
        for field in call.fields:
            mark = known.fields.get(field, known.label).joined(asserted)
            strictest = max((cells[each] for each in mark.categories), default=None)
            due = {duty for duty, names in owed.items() if field in names}
            assert due == ({strictest.word} if strictest else set())


def _allowed(drawn: tuple[Snapshot, Asks]) -> list[bool]:
    engine = Engine(drawn[0])
    return [engine.decide(call, now).allow for call, now in drawn[1]]


def test_many_calls_are_allowed() -> None:
    """The properties above are about something: of the calls drawn, enough are allowed."""
    assert share(st.tuples(snapshots, asks), _allowed, 60) >= 0.05


def _refused(drawn: tuple[Snapshot, Rule, Asks]) -> list[bool]:
    """Which of the calls that are allowed the rule refuses."""
    snapshot, added, asked = drawn
    before = Engine(snapshot)
    after = Engine(replace(snapshot, rules={**snapshot.rules, added.ref: added}))
    return [
        not after.decide(call, now).allow for call, now in asked if before.decide(call, now).allow
    ]


def test_forbids_do_take_away() -> None:
    """The forbids that are drawn are about the calls that are drawn, often enough."""
    assert share(st.tuples(snapshots, forbids, asks), _refused, 80) >= 0.05


def _owing(drawn: tuple[Snapshot, Asks]) -> list[bool]:
    engine = Engine(drawn[0])
    return [bool(engine.decide(call, now).obligations) for call, now in drawn[1]]


def test_many_calls_owe_something() -> None:
    """Among the calls drawn are enough that are allowed with a duty."""
    assert share(st.tuples(snapshots, asks), _owing, 60) >= 0.01
