"""Replay: what a change would have done to calls that were recorded.

Three decisions are held against each other: the recorded one, the base's and the candidate's, all
with the facts of the record. Only calls inside a region that a proof has found can come out in
another way; these are put to the real engines, and a sample of the others as a check on the proof.
Where the proof has gaps, any call can. Of very many, so many are drawn, and the others are unknown.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappush, heapreplace
from typing import NamedTuple

import msgspec

from policyd.engine.decide import Engine
from policyd.model.decision import Decision, Obligation
from policyd.proof.proving import Comparison, Region
from policyd.proof.regions import ANYTHING
from policyd.proof.witness import NOTHING, strictness
from policyd.review.recorded import Head, Recorded, head_of, recorded

SAMPLE = 200
"""Calls outside of every region that are put to the engines all the same."""

ASKED = 50_000
"""Calls inside of regions that are put to the engines; of more than that, so many are drawn."""


class Outcome(StrEnum):
    """What becomes of a call; `unknown` if its record does not tell, `error` if nobody could."""

    SAME = "same"
    GAINED = "gained"
    LOST = "lost"
    DUTY_LOST = "duty-lost"
    DUTY_ADDED = "duty-added"
    REASON_ONLY = "reason-only"
    UNKNOWN = "unknown"
    ERROR = "error"


class Difference(NamedTuple):
    """A recorded call that the candidate decides in another way, and its record.

    Attributes:
        has_drifted: The base decides otherwise than was recorded: that is no work of the change.
        is_surprise: It is outside of every region: the proof or the engine is wrong there.
    """

    outcome: Outcome
    seq: int
    id: str
    ts: str
    recorded: Recorded
    base: Decision
    candidate: Decision
    has_drifted: bool
    is_surprise: bool


Tell = Callable[[Difference], None]
"""Told of each difference: those inside of a region as they come, of the others at the end."""


@dataclass(slots=True)
class Replay:
    """What a replay has come to; all numbers are of records.

    Attributes:
        seen: Records of any kind that were looked at.
        calls: Decisions among them, from `first` to `last`; `counts` says what became of each.
        asked: Calls put to both engines, the `sampled` ones among them.
        drifted: Calls asked that the base decides otherwise than was recorded.
        surprises: Differences outside of every region.
        why: Why calls are unknown or errors.
        snapshots: By which policy the calls were decided.
    """

    seen: int = 0
    calls: int = 0
    asked: int = 0
    sampled: int = 0
    drifted: int = 0
    surprises: int = 0
    first: str | None = None
    last: str | None = None
    counts: Counter[Outcome] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    snapshots: Counter[str] = field(default_factory=Counter)


class Sample(NamedTuple):
    """How many calls outside of every region are asked; the *seed*, of 128 bits, says which."""

    size: int = SAMPLE
    seed: int = 0


def replay(
    comparison: Comparison,
    engines: tuple[Engine, Engine],
    records: Iterable[tuple[int, bytes]],
    tell: Tell,
    *,
    sample: Sample = Sample(),  # noqa: B008 - a value that never changes
) -> Replay:
    """What the engines of the base and of the candidate make of recorded calls.

    Args:
        comparison: What a proof has found between the two.
        engines: Of its two sides.
        records: The index and the bytes of each record, in order.
        tell: Told of each call that comes out differently.
        sample: Of the calls outside of every region, as a check on the proof.
    """
    replaying = _Replaying(comparison, engines, tell, sample)
    for index, leaf in records:
        replaying.take(index, leaf)
    return replaying.end()


class _Replaying:
    def __init__(
        self, comparison: Comparison, engines: tuple[Engine, Engine], tell: Tell, sample: Sample
    ) -> None:
        regions = (*comparison.opens, *comparison.closes)
        self._touched = None if comparison.gaps else _Touched(regions)
        self._engines = engines
        self._tell = tell
        self._insiders = _Drawn(Sample(ASKED, sample.seed))
        self._others = _Drawn(sample)
        self._found = Replay()

    def take(self, index: int, leaf: bytes) -> None:
        """Look at the next record."""
        found = self._found
        found.seen += 1
        try:
            head = head_of(leaf)
        except msgspec.MsgspecError:
            self._give_up(Outcome.ERROR, "the record cannot be read")
            return
        if head.kind != "decision":
            return
        found.calls += 1
        found.first, found.last = found.first or head.ts, head.ts
        found.snapshots[head.snapshot] += 1
        if self._touched is None or self._touched.has(head):
            self._insiders.offer(index, head, leaf)
        else:
            found.counts[Outcome.SAME] += 1
            self._others.offer(index, head, leaf)

    def end(self) -> Replay:
        """Ask what was drawn; what all came to."""
        found = self._found
        drawn = self._insiders.drawn()
        for each in drawn:
            self._ask(*each)
        if left := self._insiders.offered - len(drawn):
            why = f"more than {ASKED:,} could come out differently, and so many were drawn"
            found.counts[Outcome.UNKNOWN] += left
            found.why[why] += left
        for index, head, leaf in self._others.drawn():
            found.sampled += 1
            found.counts[Outcome.SAME] -= 1
            self._ask(index, head, leaf, is_outside=True)
        return found

    def _ask(self, index: int, head: Head, leaf: bytes, *, is_outside: bool = False) -> None:
        found = self._found
        try:
            was = recorded(leaf)
        except msgspec.MsgspecError:
            self._give_up(Outcome.ERROR, "the record cannot be read")
            return
        if was is None:
            self._give_up(Outcome.UNKNOWN, "it was never decided")
            return
        found.asked += 1
        try:
            base, candidate = (_decided(each, was) for each in self._engines)
        except Exception as error:  # noqa: BLE001 - a fault of an engine is a result of the replay
            self._give_up(Outcome.ERROR, f"the engine failed: {type(error).__name__}")
            return
        has_drifted = not _is_as_recorded(was, base.decision)
        found.drifted += has_drifted
        unknown = next((each.unsaid for each in (base, candidate) if each.unsaid), None)
        if unknown:
            self._give_up(Outcome.UNKNOWN, f"the record has no count of `{unknown}`")
            return
        outcome = outcome_of(base.decision, candidate.decision)
        found.counts[outcome] += 1
        if outcome is Outcome.SAME:
            return
        # A proof speaks of what is allowed and owed, not why.
        is_surprise = is_outside and outcome is not Outcome.REASON_ONLY
        found.surprises += is_surprise
        decisions = base.decision, candidate.decision
        where = index, head.id, head.ts
        self._tell(Difference(outcome, *where, was, *decisions, has_drifted, is_surprise))

    def _give_up(self, outcome: Outcome, why: str) -> None:
        self._found.counts[outcome] += 1
        self._found.why[why] += 1


class _Touched:
    """Which calls are in some region, by caller, action and data; more than are, never fewer."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._data: defaultdict[tuple[str, str], list[frozenset[str]]] = defaultdict(list)
        self._whole: set[str] = set()
        for each in regions:
            data = frozenset(each.data)
            for caller in each.callers:
                if each.action == ANYTHING:
                    self._whole.add(caller)
                else:
                    self._data[caller, each.action].append(data)

    def has(self, head: Head) -> bool:
        """Whether the call of a decision's record is among them."""
        call = head.call
        if call is None or call.subject in self._whole:
            return True
        return any(call.dataset in each for each in self._data.get((call.subject, call.action), ()))


class _Drawn:
    """The calls with the least lots: nonces are random, so each is as likely as any other.

    The seed puts them in another order, so that no two reviews look at the same calls alone.
    """

    def __init__(self, sample: Sample) -> None:
        self.offered = 0
        self._size, self._seed = sample
        self._heap: list[tuple[int, int, Head, bytes]] = []

    def offer(self, index: int, head: Head, leaf: bytes) -> None:
        """Draw for one call; *index* is not that of another one."""
        self.offered += 1
        lot = -(int(head.nonce, 16) ^ self._seed)
        if len(self._heap) < self._size:
            heappush(self._heap, (lot, index, head, leaf))
        elif self._heap and lot > self._heap[0][0]:
            heapreplace(self._heap, (lot, index, head, leaf))

    def drawn(self) -> list[tuple[int, Head, bytes]]:
        """The sample, in the order of the records."""
        return sorted((index, head, leaf) for _, index, head, leaf in self._heap)


class _Decided(NamedTuple):
    """A decision; `unsaid` is a limit it hangs on, of which the record has no count."""

    decision: Decision
    unsaid: str | None


def _decided(engine: Engine, was: Recorded) -> _Decided:
    case = engine.open(was.call, was.facts.now)
    decision = engine.judge(case, was.facts)
    unsaid = (ref for ref in case.buckets() if ref not in was.facts.used)
    return _Decided(decision, next(unsaid, None) if decision.allow else None)


def outcome_of(base: Decision, candidate: Decision) -> Outcome:
    """What the candidate makes of a call, against the base."""
    if base.allow != candidate.allow:
        return Outcome.GAINED if candidate.allow else Outcome.LOST
    if not base.allow:
        reasons = [{(each.code, each.rule) for each in one.reasons} for one in (base, candidate)]
        return Outcome.SAME if reasons[0] == reasons[1] else Outcome.REASON_ONLY
    if _asks_less(base.obligations, candidate.obligations):
        return Outcome.DUTY_LOST
    if _asks_less(candidate.obligations, base.obligations):
        return Outcome.DUTY_ADDED
    return Outcome.SAME


def _asks_less(first: Iterable[Obligation], second: Iterable[Obligation]) -> bool:
    """Whether some duty of the first is owed less strictly in the second, or not at all."""
    left = strictness(second)
    return any(left.get(what, NOTHING) < weight for what, weight in strictness(first).items())


def _is_as_recorded(was: Recorded, base: Decision) -> bool:
    if was.allow != base.allow:
        return False
    return not was.allow or strictness(was.obligations) == strictness(base.obligations)
