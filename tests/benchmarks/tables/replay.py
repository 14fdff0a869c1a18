"""Table `replay`: a million recorded calls against a change of ten rules among a thousand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from statistics import median
from time import perf_counter, process_time

from policyd.engine.decide import Engine
from policyd.ledger.shelf import LEVEL
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Comparison
from policyd.review.replay import Replay, Sample, replay
from policyd.review.replayed import Replaying, Wanted
from policyd.review.reviewing import proved
from policyd.search.assessor import past_of
from policyd.search.past import Past
from tests.benchmarks.company import Company
from tests.benchmarks.kept_log import KeptLog, kept_log
from tests.benchmarks.plan import Plan
from tests.benchmarks.recorded_calls import records
from tests.benchmarks.report import Cell, Column, Table, at_most
from tests.benchmarks.tables.review import CHANGED, RULES, changed_pair, sides_of

RECORDS, FEW, SHARE = 1_000_000, 20_000, 5_000
REACH_S = 30.0
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2100))
COLUMNS = [
    Column("what", "what"),
    Column("calls", "calls"),
    Column("wall", "took", "s"),
    Column("cpu", "of the processor", "s"),
    Column("each", "a call", "µs"),
    Column("asked", "put to both engines"),
]
NOTES = (
    "Each call has another path; they are about 50,000 flows, each of which was decided once.",
    "All but the newest lie in sealed segments; each is held to its signed manifest first.",
    "Where a proof has gaps, any call may differ: up to 50,000 are asked, here a part of them.",
)
Sides = tuple[Snapshot, Snapshot]


def run(plan: Plan) -> Table:
    """Replay the log by the regions of the change; then put some of the calls to both engines."""
    size = FEW if plan.quick else plan.records or RECORDS
    table = Table("replay", f"A replay of {size:,} recorded calls", COLUMNS, notes=list(NOTES))
    sides = sides_of(changed_pair())
    made = partial(records, Company(RULES), sides[0])
    log = kept_log(size, plan.say, name="calls", leaves=made)
    found = proved(*sides)
    assert found.opens, f"the change of {CHANGED} rules opens nothing"
    assert not found.gaps
    all_of_it = []
    for turn in range(plan.rounds):
        plan.say(f"replaying {size:,} records, {turn + 1}")
        all_of_it.append(_replayed(log, found, sides, size))
    table.rows = [_reading(log, size), _row("all of a replay", all_of_it)]
    plan.say("asking both engines")
    in_full = replace(found, gaps=("as if it could not be proved",))
    table.rows.append(
        _row("calls that are all asked", [_replayed(log, in_full, sides, min(SHARE, size))])
    )
    took = median(each[0] for each in all_of_it) if size >= RECORDS else None
    table.goals = [
        at_most("12", "replay of 1,000,000 distinct recorded calls", REACH_S, took, " s")
    ]
    return table


_Took = tuple[float, float, Replay]


def _replayed(log: KeptLog, found: Comparison, sides: Sides, most: int) -> _Took:
    """Seconds of the wall and of the processor for at most so many records, and the result."""
    engines = Engine(sides[0]), Engine(sides[1])
    start, used = perf_counter(), process_time()
    with _past(log) as past:
        some = islice(past.records(lambda _: None), most)
        done = replay(found, engines, some, lambda _: None, sample=Sample(seed=7))
    wall, cpu = perf_counter() - start, process_time() - used
    assert done.surprises == 0, "the proof is wrong"
    assert done.drifted == 0, "the log was made by another company"
    return wall, cpu, done


def _reading(log: KeptLog, size: int) -> dict[str, Cell]:
    start, used = perf_counter(), process_time()
    with _past(log) as past:
        count = sum(1 for _ in past.records(lambda _: None))
    wall, cpu = perf_counter() - start, process_time() - used
    assert count == size, f"{count} of {size} records were read"
    return _cells("reading the log alone", count, wall, cpu, 0)


@contextmanager
def _past(log: KeptLog) -> Iterator[Past]:
    wanted = Wanted(_FIRST, _LAST, 10 * RECORDS, 0)
    with past_of(Replaying(str(log.home.data), LEVEL, wanted)) as past:
        assert past is not None
        yield past


def _row(what: str, took: list[_Took]) -> dict[str, Cell]:
    wall, cpu = median(each[0] for each in took), median(each[1] for each in took)
    done = took[0][2]
    return _cells(what, done.calls, wall, cpu, done.asked)


def _cells(what: str, calls: int, wall: float, cpu: float, asked: int) -> dict[str, Cell]:
    return {
        "what": what,
        "calls": calls,
        "wall": wall,
        "cpu": cpu,
        "each": 1e6 * wall / max(calls, 1),
        "asked": asked,
    }
