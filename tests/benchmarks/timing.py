"""Timing of calls in one process: blocks of distinct calls, in turns, medians."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

Arguments = tuple[Any, ...]
FEWEST = 3  # calls in a block, however slow they are


@dataclass
class Contender:
    """Something to be called, and the arguments of each call, none of them twice.

    Attributes:
        ask: What is measured.
        calls: Its arguments, call by call.
        seconds: Of one call, in each turn so far.
    """

    ask: Callable[..., Any]
    calls: Sequence[Arguments]
    seconds: list[float] = field(default_factory=list)

    def measure(self, share: Sequence[Arguments], budget_s: float) -> None:
        """Time calls of *share* that take about *budget_s* together, or all of them."""
        first = self._time(share[:FEWEST])
        # The turn is as long as the first calls suggest; they themselves count only if slow.
        fitting = share[FEWEST : int(budget_s / first)]
        self.seconds.append(self._time(fitting) if len(fitting) >= FEWEST else first)

    def _time(self, block: Sequence[Arguments]) -> float:
        """Seconds of one call of a block."""
        ask = self.ask
        started = perf_counter()
        for arguments in block:
            ask(*arguments)
        return (perf_counter() - started) / len(block)


def in_turns(contenders: Sequence[Contender], rounds: int, budget_s: float) -> None:
    """Measure each of them once a round, so that what the machine does besides hits all alike."""
    gc.collect()
    gc.freeze()  # what was built before is looked at no more, as in a server at work
    for turn in range(rounds):
        for each in contenders:
            share = len(each.calls) // rounds
            each.measure(each.calls[turn * share : (turn + 1) * share], budget_s)
    gc.unfreeze()
