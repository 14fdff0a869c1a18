"""A replay by region comes to what asking both engines about every recorded call comes to."""

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import compare
from policyd.review.replay import Difference, Outcome, Replay, Sample, outcome_of, replay
from tests.properties.asking import Asks, facts, sensible_calls
from tests.properties.pairs import pairs
from tests.properties.sampling import share

SENDER = Request("127.0.0.1", "aaaaaaaa", "r-1")
asked_calls = st.lists(st.tuples(sensible_calls, facts), min_size=20, max_size=40)


def records_of(engine: Engine, asked: Asks) -> Iterator[tuple[int, bytes]]:
    """The records of what *engine* decides of these calls."""
    basis = Basis("sha256:" + "0" * 64, "folder", "1", engine.snapshot.vocabulary)
    for index, (call, known) in enumerate(asked):
        decision = engine.decide(call, known)
        stamp = Stamp(known.now, timestamp(known.now), f"{index:08x}", f"{index:032x}")
        yield index, decision_record(stamp, SENDER, call, known, decision, basis)


def replayed(
    pair: tuple[Snapshot, Snapshot], asked: Asks, sample: int
) -> tuple[Replay, list[Difference]]:
    """The replay of calls that the first of a pair has decided, and what it told."""
    told: list[Difference] = []
    engines = Engine(pair[0]), Engine(pair[1])
    log, size = records_of(engines[0], asked), Sample(sample)
    return replay(compare(*pair), engines, log, told.append, sample=size), told


@given(pairs, asked_calls)
def test_a_replay_misses_nothing(pair: tuple[Snapshot, Snapshot], asked: Asks) -> None:
    """Whatever a change does to a call that was recorded is counted, and it is told of which."""
    base, candidate = Engine(pair[0]), Engine(pair[1])
    wanted = {
        index: outcome_of(base.decide(call, known), candidate.decide(call, known))
        for index, (call, known) in enumerate(asked)
        if not any(engine.open(call, known.now).buckets() for engine in (base, candidate))
    }

    found, differences = replayed(pair, asked, 0)

    told = {each.seq: each.outcome for each in differences}
    quiet = {Outcome.SAME, Outcome.REASON_ONLY}
    for index, outcome in wanted.items():
        if outcome not in quiet:
            assert told[index] is outcome, asked[index]
        else:
            assert told.get(index, Outcome.SAME) in quiet
    assert found.calls == found.counts.total() == len(asked)
    assert found.drifted == 0


@given(pairs, asked_calls)
def test_no_sampled_call_comes_out_differently(
    pair: tuple[Snapshot, Snapshot], asked: Asks
) -> None:
    """Outside of every region nothing changes; the whole is counted as before."""
    found, differences = replayed(pair, asked, len(asked))
    assert found.surprises == 0
    assert not any(each.is_surprise for each in differences)
    assert found.asked + found.why.total() >= len(asked)
    assert found.counts.total() == len(asked)


def test_the_drawn_replays_have_differences() -> None:
    """The properties above are not about nothing."""
    drawn = st.tuples(pairs, asked_calls)
    counts: Counter[Outcome] = Counter()

    def differs(example: tuple[tuple[Snapshot, Snapshot], Asks]) -> Iterator[bool]:
        found, differences = replayed(*example, 0)
        counts.update(found.counts)
        yield bool(differences)

    assert share(drawn, differs, 60) > 0.1
    assert counts[Outcome.GAINED]
    assert counts[Outcome.LOST]
