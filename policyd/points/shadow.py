"""Shadow: a candidate decides real calls beside what is in force, and nothing comes of it.

What was approved is a set of regions: calls that the change opens or closes. A call outside of all
of them that the candidate decides in another way is what nobody has agreed to, and ends the shadow.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.decision import Decision
from policyd.model.facts import Facts
from policyd.points.administration import Seen
from policyd.points.counters import Counters
from policyd.review import told_regions
from policyd.review.replay import Outcome, outcome_of

WAITING = 5000
"""Calls that may wait to be looked at; of more than that, those that came last are left out."""

TOLD = 100
"""Differences that are told one by one; the rest is counted."""

_TURN = 20  # calls that are looked at before checks have their turn
_IDLE_S = 0.05
_UNDECIDED = frozenset({"not-evaluated", "item-malformed", "engine-error"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that the candidate decides in another way, and whether that was approved."""

    id: str
    outcome: Outcome
    about: str
    is_approved: bool

    def __str__(self) -> str:
        """In one line, with the record it is about."""
        where = "in" if self.is_approved else "outside of"
        return f"{self.outcome.value} {where} what was approved: {self.about} (record {self.id})"


@dataclass(slots=True)
class Tally:
    """What a shadow has come to: calls that were looked at, and those that were left out."""

    calls: int = 0
    left_out: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    outside: Difference | None = None


class Shadow:
    """Looks at what was decided, after it was; one that nobody starts costs nothing."""

    def __init__(self, engine: Engine, regions: Sequence[Mapping[str, Any]], calls: int) -> None:
        """Have *engine* decide up to so many *calls*; *regions* are what was approved."""
        self.tally = Tally()
        self.over = asyncio.Event()
        self._engine = engine
        self._regions = regions
        self._most = calls
        self._waiting: deque[Seen] = deque()
        self._counters = Counters()

    def saw(self, decided: Iterable[Seen]) -> None:
        """Take along what was just decided, to be looked at when there is time."""
        for each in decided:
            if len(self._waiting) >= WAITING:
                self.tally.left_out += 1
            else:
                self._waiting.append(each)

    async def run(self) -> None:
        """Look at what was taken along, until it is enough or something was not approved."""
        while not self.over.is_set():
            for _ in range(min(_TURN, len(self._waiting))):
                self._look(self._waiting.popleft())
            await asyncio.sleep(0 if self._waiting else _IDLE_S)

    def _look(self, seen: Seen) -> None:
        if self.over.is_set():
            return
        if any(each.code in _UNDECIDED for each in seen.decision.reasons):
            return
        tally = self.tally
        try:
            candidate = self._decide(seen)
            outcome = outcome_of(seen.decision, candidate)
        except Exception:
            # A candidate whose engine fails would deny in its place; and nobody approved that.
            log.exception("shadow-failed", record=seen.id)
            candidate, outcome = seen.decision, Outcome.ERROR
        tally.calls += 1
        tally.outcomes[outcome.value] += 1
        if outcome not in {Outcome.SAME, Outcome.REASON_ONLY}:
            self._differs(seen, candidate, outcome)
        if tally.calls >= self._most:
            self.over.set()

    def _decide(self, seen: Seen) -> Decision:
        """What the candidate decides, by the same facts; what only it counts, it counts here."""
        case = self._engine.open(seen.call, seen.facts.now)
        used = {**self._counters.used(case.buckets()), **seen.facts.used}
        decision = self._engine.judge(case, Facts(seen.facts.now, used, owner_state(case)))
        self._counters.add(decision.counted, case.clock)
        return decision

    def _differs(self, seen: Seen, candidate: Decision, outcome: Outcome) -> None:
        call, tally = seen.call, self.tally
        about = f"{call.subject.id} {call.action} {call.resource.id}"
        sides = seen.decision, candidate
        is_approved = any(told_regions.has(each, call, sides, outcome) for each in self._regions)
        found = Difference(seen.id, outcome, about, is_approved)
        if len(tally.differences) < TOLD:
            tally.differences.append(found)
        if not is_approved:
            tally.outside = found
            self.over.set()


def told(tally: Tally) -> Iterator[str]:
    """What a shadow has come to, in lines."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(tally.outcomes.items()))
    left = f"; {tally.left_out} left out" if tally.left_out else ""
    yield f"{tally.calls} calls: {counts or 'none'}{left}"
