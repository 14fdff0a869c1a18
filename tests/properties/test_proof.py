"""What a proof says of two companies is so: held to the engine, call by call."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, combinations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.calendar import open_windows, wall_clock
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import ACTIONS, OBLIGATIONS
from policyd.model.snapshot import Snapshot
from policyd.proof.changes import Changes
from policyd.proof.compare import Callers, Comparer, Found, Where
from policyd.proof.moments import Span
from policyd.proof.space import Space
from policyd.proof.witness import Witness, Witnesses
from tests.properties.asking import targets
from tests.properties.pairs import pairs
from tests.properties.sampling import fewer, share
from tests.properties.world import DATASETS, FIELDS, INTEGRATIONS, MOMENTS, PLACES, WORDS

_ODD = [
    *(("new/api", path) for path in (None, "x")),
    ("https://unlisted.example/", None),
    ("https://a.bank.example/v1/x", None),
    ("https://erp.example/v2/x", None),
    (None, None),
]
_FIELDS = list(chain.from_iterable(combinations((*FIELDS, "other"), n) for n in range(4)))
_SAID = [
    (*level, *some)
    for level in ((), *((each,) for each in WORDS.levels[1:]))
    for n in range(3)
    for some in combinations(sorted(WORDS.categories), n)
]
_TARGETS = [
    *((action, data, (endpoint, None)) for action, data, endpoint in targets(DATASETS, PLACES)),
    *((action, data, (endpoint, None)) for action, data, endpoint in targets(DATASETS, PLACES)),
    *product(ACTIONS, (*DATASETS, "erp/other", "other/thing"), _ODD),
]
_WHOLE: list[Sequence[Any]] = [
    *([INTEGRATIONS, _TARGETS, ("POST", "POST", "POST", "GET")]),
    *([_FIELDS, [()] * len(_SAID) + _SAID, MOMENTS, (1, 1, None, 0, 2, 4), (0, 0, 1, 2, 3, 4)]),
    (*[None] * 6, *DATASETS),
]
SIZE = 1
for _each in _WHOLE:
    SIZE *= len(_each)
STEP, ASKED = 1_000_003 * 7919 % SIZE, 150


def calls(start: int, snapshot: Snapshot) -> Iterator[tuple[Call, Facts]]:
    """Calls from all over what can be asked, the same for one *start*."""
    for number in range(ASKED):
        index = (start + number * STEP) % SIZE
        chosen: list[Any] = []
        for values in _WHOLE:
            index, rest = divmod(index, len(values))
            chosen.append(values[rest])
        who, (action, data, (endpoint, path)), method, *more_ = chosen
        fields, said, now, rows, used, source = more_
        call = Call(
            Entity("integration", who),
            action,
            Entity("dataset", data),
            fields=fields,
            labels=said,
            endpoint=endpoint,
            path=path,
            method=method,
            sources=(source,) if source else (),
            rows=rows,
            supported_obligations=OBLIGATIONS,
        )
        yield call, Facts(now, dict.fromkeys(snapshot.rules, used))


def compared(pair: tuple[Snapshot, Snapshot]) -> tuple[Witnesses, Space, Comparer, list[Found]]:
    """The differences of a pair, and what makes witnesses of them."""
    space = Space(pair, Span())
    comparer = Comparer(space)
    found = list(comparer.differences(callers_of(pair)))
    return Witnesses(space), space, comparer, found


def callers_of(pair: tuple[Snapshot, Snapshot]) -> list[Callers]:
    """Every integration, as each side knows it."""
    one, two = (side.integrations for side in pair)
    return [(one.get(each), two.get(each)) for each in sorted({*one, *two})]


@fewer(2)
@given(pairs, st.integers(0, SIZE))
def test_no_difference_is_missed(pair: tuple[Snapshot, Snapshot], start: int) -> None:
    """Whatever call one side refuses, or burdens, and the other does not is in a difference."""
    witnesses, space, comparer, found = compared(pair)
    assert not comparer.gaps
    for call, facts in calls(start, pair[1]):
        witness = witnesses.ask(call, facts.now, (dict(facts.used), dict(facts.used)))
        for side in (0, 1):
            if witness.shows(side):
                assert is_found(space, found, side, witness), (call, facts, witness)


@fewer(2)
@given(pairs, st.integers(0, SIZE))
def test_every_allowed_call_is_found(pair: tuple[Snapshot, Snapshot], start: int) -> None:
    """Against a company without integrations, what is found is all that a company allows."""
    nobody = replace(pair[1], integrations={})
    witnesses, space, comparer, found = compared((nobody, pair[1]))
    assert all(witnesses.agree(where, terms) for where, terms in comparer.samples)
    for call, facts in calls(start, pair[1]):
        witness = witnesses.ask(call, facts.now, ({}, dict(facts.used)))
        if witness.shows(0):
            assert is_found(space, found, 0, witness), (call, facts, witness)


class Everything(Changes):
    """Changes that are everywhere, so that every cell is looked at."""

    def is_caller(self, who: Callers, action: str) -> bool:
        """Whatever is asked."""
        del who, action
        return True


@fewer(3)
@given(pairs)
def test_what_did_not_change_need_not_be_looked_at(pair: tuple[Snapshot, Snapshot]) -> None:
    """Looking at every cell finds nothing that looking at what changed does not."""
    _, space, _, found = compared(pair)
    callers = callers_of(pair)
    every = Comparer(space, changes=Everything(space.sides, space.spots)).differences(callers)
    assert set(map(_told, every)) == set(map(_told, found))


def _told(found: Found) -> tuple[object, ...]:
    """A difference, with what tells its cell from others."""
    where, each = found
    who = tuple(each and each.id for each in where.who)
    return who, where.action, where.data, id(where.spot), each[:6], each.source


def is_found(space: Space, found: list[Found], side: int, witness: Witness) -> bool:
    """Whether a call that shows a difference is in one that was found."""
    call, now = witness.call, witness.facts[0].now
    return any(
        each.side == side
        and call.subject.id in {who.id for who in where.who if who}
        and (each.kind == "roll-out" or _is_there(where, witness))
        and (each.kind == "roll-out" or each.bits & _saying(space, where.data, call))
        and each.when & _moment(space, now)
        for where, each in found
    )


def _is_there(where: Where, witness: Witness) -> bool:
    """Whether the call is about the same data, at the same place."""
    call = witness.call
    ends = [each.destination and each.destination.name for each in where.spot.ends]
    is_known = call.resource.id in DATASETS
    return (
        call.action == where.action
        and (call.resource.id == where.data or not is_known)
        and ends == [each.resolved.destination for each in witness.decisions]
        and (call.method or None) in {where.spot.method, "POST", "GET"}
    )


def _saying(space: Space, data: str, call: Call) -> int:
    """What the call says of the data, as the one bit that it is."""
    sayings = space.sayings(data)
    words = [side.vocabulary for side in space.sides]
    wanted = [each.label(call.labels) for each in words]
    said = next(
        number
        for number, labels in enumerate(sayings.said)
        if [each.label(labels) for each in words] == wanted
    )
    known = {name: 1 << n for n, kind in enumerate(sayings.kinds) for name in kind.names}
    chosen = 0
    for name in call.fields:
        chosen |= known.get(name, known[sayings.fresh])
    return 1 << (chosen * len(sayings.said) + said)


def _moment(space: Space, now: datetime) -> int:
    """The stretch of time that a moment is in, as the one bit that it is."""
    clock = wall_clock(space.sides[1].calendar, now)
    opened = [open_windows(side.calendar, clock) for side in space.sides]
    return space.moments.where(
        lambda each: (
            (each.dates[0] is None or each.dates[0] <= clock)
            and (each.dates[1] is None or clock < each.dates[1])
            and [*each.windows] == opened
        )
    )


@fewer(2)
@given(pairs, st.integers(0, 1 << 40))
def test_every_difference_is_one(pair: tuple[Snapshot, Snapshot], start: int) -> None:
    """Every call of a difference, whichever is taken, comes out as the difference says."""
    witnesses, _, _, found = compared(pair)
    for where, each in found[:: max(1, len(found) // 40)]:
        bits, when = one_of(each.bits, start), one_of(each.when, start >> 20)
        witness = witnesses.of((where, each), bits, when)
        assert each.kind == "roll-out" or witness.shows(each.side), (where, each, witness)


def one_of(bits: int, number: int) -> int:
    """One of the bits that are set."""
    for _ in range(number % bits.bit_count()):
        bits &= bits - 1
    return bits & -bits


def _differs(pair: tuple[Snapshot, Snapshot]) -> list[bool]:
    return [bool(compared(pair)[3])]


def test_pairs_often_differ() -> None:
    """The pairs that are drawn differ now and then, and now and then they do not."""
    assert 0.2 <= share(pairs, _differs, 40) <= 0.9


def _shows(drawn: tuple[tuple[Snapshot, Snapshot], int]) -> list[bool]:
    pair, start = drawn
    witnesses, _, _, found = compared(pair)
    asked = calls(start, pair[1]) if found else ()
    answers = [
        witnesses.ask(call, facts.now, (dict(facts.used), dict(facts.used)))
        for call, facts in asked
    ]
    return [each.shows(0) or each.shows(1) for each in answers]


def test_calls_often_show_it() -> None:
    """Of the calls that are asked of two that differ, some come out in another way."""
    assert share(st.tuples(pairs, st.integers(0, SIZE)), _shows, 20) >= 0.005
