"""What a caller says of its own data can only be held against it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.engine.destination import DestinationTable
from policyd.engine.flow import flow_into
from policyd.engine.resolve import resolve
from policyd.model.decision import Decision
from policyd.model.labels import Label, Treatment
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks, label_words
from tests.properties.companies import labels, marked_snapshots, snapshots
from tests.properties.sampling import fields_of, more, share
from tests.properties.world import FIELDS

more_words = label_words.filter(bool)
more_fields = st.lists(st.sampled_from([*FIELDS, "other"]), min_size=1, max_size=3).map(tuple)


def _is_no_milder(now: Decision, before: Decision) -> bool:
    """Whether *now* allows nothing that *before* did not, and treats every field as strictly."""
    if not (now.allow and before.allow):
        return before.allow or not now.allow
    treated, was = _treatments(now), _treatments(before)
    return all(treated.get(field, Treatment.PASS) >= how for field, how in was.items())


def _treatments(decision: Decision) -> dict[str, Treatment]:
    return {
        field: Treatment.of(each.type) for each in decision.obligations for field in fields_of(each)
    }


@more(2)
@given(marked_snapshots, asks, more_words)
def test_asserted_labels_only_raise(
    snapshot: Snapshot, asked: Asks, words: tuple[str, ...]
) -> None:
    """More labels never turn a deny into an allow, and never soften what a field owes."""
    engine = Engine(snapshot)
    for call, now in asked:
        labelled = replace(call, labels=call.labels + words)
        assert _is_no_milder(engine.decide(labelled, now), engine.decide(call, now))


def _nothing_lifted(_: str) -> bool:
    return False


@given(snapshots, asks, more_words)
def test_asserted_labels_open_no_zone(
    snapshot: Snapshot, asked: Asks, words: tuple[str, ...]
) -> None:
    """In the flow table alone: more labels refuse every field that was refused, or more."""
    table = DestinationTable(snapshot.destinations)
    for call, now in asked:
        plain = resolve(snapshot, table, call, now.now)
        labelled = resolve(snapshot, table, replace(call, labels=call.labels + words), now.now)
        before = flow_into(plain.zone, plain, _nothing_lifted)
        after = flow_into(labelled.zone, labelled, _nothing_lifted)
        assert before.above.keys() <= after.above.keys()
        for category, fields in before.never.items():
            assert set(fields) <= set(after.never[category])


@more(2)
@given(marked_snapshots, asks, more_fields)
def test_more_fields_are_no_milder(
    snapshot: Snapshot, asked: Asks, fields: tuple[str, ...]
) -> None:
    """A call that names fields gains nothing by naming more of them."""
    engine = Engine(snapshot)
    for call, now in asked:
        first = replace(call, fields=call.fields or ("no",))
        wider = replace(first, fields=first.fields + fields)
        assert _is_no_milder(engine.decide(wider, now), engine.decide(first, now))


@given(labels, labels, labels)
def test_joined_is_the_worst_of_all(one: Label, other: Label, third: Label) -> None:
    """The order and number of times in which labels are joined do not matter; nothing is lost."""
    assert one.joined(other).joined(third) == one.joined(other.joined(third))
    assert one.joined(other) == other.joined(one)
    assert one.joined(one) == one
    worst = one.joined(other)
    assert worst.rank == max(one.rank, other.rank)
    assert worst.categories == one.categories | other.categories


def _turned(drawn: tuple[Snapshot, Asks, tuple[str, ...]]) -> list[bool]:
    """For each call that is allowed, whether more labels change its answer."""
    snapshot, asked, words = drawn
    engine = Engine(snapshot)
    answers = [
        (engine.decide(call, now), engine.decide(replace(call, labels=call.labels + words), now))
        for call, now in asked
    ]
    return [
        (before.allow, before.obligations) != (after.allow, after.obligations)
        for before, after in answers
        if before.allow
    ]


def test_labels_do_raise() -> None:
    """The properties above are about something: more labels often change an answer."""
    assert share(st.tuples(marked_snapshots, asks, more_words), _turned, 300) >= 0.05
