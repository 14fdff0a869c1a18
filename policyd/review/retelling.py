"""Retelling: a replay of a log in the few rows that a person reads.

Calls that come out differently in the same way are one row, with their number and some records.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import to_builtins
from msgspec.structs import replace

from policyd.engine.decide import Engine
from policyd.model.decision import Decision
from policyd.model.errors import PolicydError
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Comparison, Verdict
from policyd.review.artefact import Proof, RegionTold
from policyd.review.replay import Difference, Outcome, Replay, Sample, replay
from policyd.review.replayed import CONTRADICTED, EXAMPLES, TOLD, Answer, Past, Replayed, Row
from policyd.review.sentences import owed
from policyd.review.told_regions import has

_TOLD_IDS = 3
_KEPT = 5_000  # rows that are counted apart while the log is read
_TOLD_REASONS = 12
_ORDER = {str(outcome): at for at, outcome in enumerate(Outcome)}


def retold(
    found: Comparison,
    sides: tuple[Snapshot, Snapshot],
    regions: Sequence[RegionTold],
    past: Past,
    watch: Callable[[str], None],
) -> Replayed:
    """What a change does to the calls of a log, by what a proof has *found* between two sides.

    Trouble with the log is part of what is told.
    """
    rows, contradictions = _Rows(regions), _Rows(())

    def tell(each: Difference) -> None:
        (contradictions if each.is_surprise else rows).add(each)

    engines = Engine(sides[0]), Engine(sides[1])
    sample = Sample(seed=past.wanted.seed)
    try:
        done = replay(found, engines, past.records(watch), tell, sample=sample)
    except PolicydError as error:
        trouble = f"{error.code}: {error.message}"
        return Replayed(window=past.window(), seed=_hex(past), trouble=trouble)
    told, more = rows.told()
    by_base, by_others, by_unkept = _by_whom(done.snapshots, sides[0].digest, past.wanted.kept)
    return replace(
        _counted(done, past),
        by_base=by_base,
        by_others=by_others,
        by_unkept=by_unkept,
        rows=told,
        more=more,
        contradictions=contradictions.told()[0],
    )


def contradicted(proof: Proof, replay: Replayed | None) -> Proof:
    """The proof, which counts as none if a recorded call shows otherwise."""
    if replay is None or not replay.contradictions:
        return proof
    ids = ", ".join(each.records[0] for each in replay.contradictions[:_TOLD_IDS])
    gap = (
        f"{CONTRADICTED}: recorded calls come out differently outside of every region, which the"
        f" proof excludes; please report it, with the records {ids}"
    )
    gaps = (*proof.access.gaps, gap)
    return replace(proof, access=replace(proof.access, verdict=str(Verdict.NOT_PROVED), gaps=gaps))


def _counted(done: Replay, past: Past) -> Replayed:
    return Replayed(
        window=past.window(),
        records=done.seen,
        calls=done.calls,
        oldest=done.first,
        newest=done.last,
        matched=done.asked - done.sampled,
        sampled=done.sampled,
        seed=_hex(past),
        counts={str(each): done.counts[each] for each in Outcome},
        drifted=done.drifted,
        why=dict(sorted(done.why.items())),
    )


def _by_whom(snapshots: Mapping[str, int], base: str, kept: frozenset[str]) -> tuple[int, int, int]:
    """How many calls the base decided, other policies that are kept, and others."""
    others = {name: count for name, count in snapshots.items() if name != base}
    by_kept = sum(count for name, count in others.items() if name in kept)
    return snapshots.get(base, 0), by_kept, sum(others.values()) - by_kept


def _hex(past: Past) -> str:
    return f"{past.wanted.seed:032x}"


class _Way(NamedTuple):
    """What the calls of one row have in common."""

    outcome: Outcome
    caller: str
    action: str
    data: str
    to: str | None
    was_allowed: bool
    regions: tuple[int, ...]


@dataclass(slots=True)
class _Alike:
    """The calls of one row; `example` is the first of them."""

    example: Difference
    last: str = ""
    count: int = 0
    drifted: int = 0
    records: list[str] = field(default_factory=list)

    def add(self, each: Difference) -> None:
        """Take one more call."""
        self.count += 1
        self.drifted += each.has_drifted
        self.last = each.ts
        self.records = [*self.records[-EXAMPLES + 1 :], each.id]


class _Rows:
    """Rows in the making; calls that would be more rows than are kept are counted."""

    def __init__(self, regions: Iterable[RegionTold]) -> None:
        self._regions = [(each.number, to_builtins(each)) for each in regions]
        self._alike: dict[_Way, _Alike] = {}
        self._more = 0

    def add(self, each: Difference) -> None:
        """Take one call that comes out differently."""
        way = _way(each, tuple(self._numbers(each)))
        found = self._alike.get(way)
        if found is None and len(self._alike) >= _KEPT:
            self._more += 1
            return
        if found is None:
            found = self._alike[way] = _Alike(each)
        found.add(each)

    def _numbers(self, each: Difference) -> Iterator[int]:
        sides = each.base, each.candidate
        for number, region in self._regions:
            if has(region, each.recorded.call, sides, each.outcome):
                yield number

    def told(self) -> tuple[tuple[Row, ...], int]:
        """The rows that weigh most, and the number of calls in others."""
        rows = [_row(way, each) for way, each in self._alike.items()]
        rows.sort(key=lambda each: (_ORDER[each.outcome], -each.count, _named(each)))
        more = self._more + sum(each.count for each in rows[TOLD:])
        return tuple(rows[:TOLD]), more


def _way(each: Difference, regions: tuple[int, ...]) -> _Way:
    call, seen = each.recorded.call, each.candidate.resolved
    host = seen.url.host if seen.url else None
    to = seen.destination or each.base.resolved.destination or host
    names = call.subject.id, call.action, call.resource.id
    return _Way(each.outcome, *names, to, each.recorded.allow, regions)


def _named(row: Row) -> tuple[str, ...]:
    told = (row.to or "", str(row.recorded.allow), str(row.regions))
    return row.caller, row.action, row.data, *told


def _row(way: _Way, alike: _Alike) -> Row:
    first = alike.example
    was = first.recorded
    return Row(
        outcome=str(way.outcome),
        caller=way.caller,
        action=way.action,
        data=way.data,
        to=way.to,
        count=alike.count,
        drifted=alike.drifted,
        first=first.ts,
        last=alike.last,
        records=tuple(alike.records),
        regions=way.regions,
        recorded=Answer(allow=was.allow, reasons=was.against, owes=owed(was.obligations)),
        before=_answer(first.base),
        after=_answer(first.candidate),
    )


def _answer(decision: Decision) -> Answer:
    against = dict.fromkeys(each.rule or each.code for each in decision.reasons)
    return Answer(
        allow=decision.allow,
        reasons=tuple(against)[:_TOLD_REASONS],
        owes=owed(decision.obligations),
    )
