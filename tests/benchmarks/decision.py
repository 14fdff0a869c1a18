"""What a decision costs, by number of rules: `python -m tests.benchmarks.decision [RULES ...]`.

Two things are measured, of calls in the companies of `large`, each question timed alone:

- access: the question to the guardrail layer, which rules speak about a call. Nothing of it is
  ever remembered. New calls are of other integrations and data each, so that the processor has
  little of what they need at hand; known ones are 200 that are asked again and again.
- decision: all of `Engine.decide`, from the call as it was read to the decision. New calls are
  put to an engine that remembers no flow, known ones to an engine that remembers theirs; a known
  call still has a URL that nobody asked about before.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import NamedTuple, TypeVar

from policyd.engine.access import AccessRules
from policyd.engine.decide import Engine
from policyd.model.facts import Facts
from tests.benchmarks.large import NOW, calls, company, moved

SIZES = (100, 1_000, 10_000, 100_000)
NEW, KNOWN = 20_000, 200
_MIB = 2**20
Asked = TypeVar("Asked")


class Measured(NamedTuple):
    """Medians in microseconds of single questions, and what the engine itself costs."""

    rules: int
    access_new_us: float
    access_known_us: float
    decision_new_us: float
    decision_known_us: float
    share_allowed: float
    build_s: float
    engine_mib: float


def measured(rules: int) -> Measured:
    """The figures of a company with about *rules* rules."""
    snapshot, facts = company(rules), Facts(NOW)
    start = perf_counter()
    engine = Engine(snapshot)
    build_s = perf_counter() - start
    forgetful = Engine(snapshot, flows=0)
    groups = {name: who.names for name, who in snapshot.integrations.items()}
    access = AccessRules(snapshot.rules.values(), groups, snapshot.vocabulary)
    new, few = calls(NEW, snapshot), calls(KNOWN, snapshot)
    opened = [engine.open(call, NOW).asked for call in new]
    again = [engine.open(call, NOW).asked for call in few] * (NEW // KNOWN)
    known = [moved(call, number) for number, call in enumerate(few * (NEW // KNOWN))]
    return Measured(
        rules=len(snapshot.rules),
        access_new_us=_each_us(lambda asked: access.matches("guardrail", asked), opened),
        access_known_us=_each_us(lambda asked: access.matches("guardrail", asked), again),
        decision_new_us=_each_us(lambda call: forgetful.decide(call, facts), new),
        decision_known_us=_each_us(lambda call: engine.decide(call, facts), known),
        share_allowed=sum(engine.decide(call, facts).allow for call in new) / NEW,
        build_s=build_s,
        engine_mib=_engine_mib(rules),
    )


def _each_us(do: Callable[[Asked], object], asked: Sequence[Asked]) -> float:
    """The median of how long *do* takes, each question timed alone, without collections."""
    gc.collect()
    gc.disable()
    taken = []
    for one in asked:
        start = perf_counter_ns()
        do(one)
        taken.append(perf_counter_ns() - start)
    gc.enable()
    return median(taken) / 1000


def _engine_mib(rules: int) -> float:
    """What an engine adds to the memory of its snapshot."""
    snapshot = company(rules)
    tracemalloc.start()
    engine = Engine(snapshot)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del engine
    return size / _MIB


def main() -> None:
    """Print a line of figures for each size."""
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    print("  ".join(Measured._fields))  # noqa: T201 - it talks to a terminal
    for size in sizes:
        found = measured(size)
        widths = [len(name) for name in Measured._fields]
        cells = (f"{value:>{width}.5g}" for value, width in zip(found, widths, strict=True))
        print("  ".join(cells), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
