"""The comparison with pycasbin, for as many cases as there is time for.

Each case depends on the seed and its own number alone: `--case` brings one back.
"""

import argparse
import secrets
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random  # noqa: TID251 - seeded

from tests.properties.casbin.case import Case
from tests.properties.casbin.comparing import Compared, compare
from tests.properties.casbin.drawing import draw_case
from tests.properties.casbin.faults import FAULTS
from tests.properties.casbin.shrinking import shrink

Compare = Callable[[Case], Iterable[Compared]]
"""Puts a case to both."""

EVERY = 2_000  # cases between two lines of progress
ENOUGH = 5  # wrong cases, after which it stops
WRONG, USAGE = 1, 2


def numbered_case(seed: int, number: int) -> Case:
    """The case with *number* of the soak with *seed*."""
    return draw_case(Random(f"{seed}:{number}"))  # noqa: S311 - not a secret


def main(arguments: Sequence[str]) -> int:
    """Run, and say what came of it; the exit code is 1 if there was an unexplained difference."""
    options = _options(arguments)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    warnings.simplefilter("ignore")  # Python's, about the odd matchers and patterns that are drawn
    if options.case is not None:
        return _replay(seed, options.case)
    return Soak(seed, options.cases).run()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--cases", type=_count, default=100_000, metavar="N", help="default 100000")
    parser.add_argument("--seed", type=_count, metavar="S", help="default: a new one, printed")
    parser.add_argument("--case", type=_count, metavar="I", help="only this one, in full")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number from 0 on")
    return int(text)


class Soak:
    """One run over *cases* cases, and its tally."""

    def __init__(self, seed: int, cases: int, put: Compare = compare) -> None:
        self.seed, self.cases, self.put = seed, cases, put
        self.done = 0
        self.seen: Counter[str] = Counter()
        self.wrong: list[int] = []

    def run(self) -> int:
        """Compare case after case; the exit code."""
        _say(f"soak: seed {self.seed}, {self.cases:,} cases")
        start = time.monotonic()
        try:
            while self.done < self.cases and len(self.wrong) < ENOUGH:
                self._compare(self.done)
                self.done += 1
                if self.done % EVERY == 0:
                    pace = self.done / (time.monotonic() - start)
                    left = (self.cases - self.done) / pace / 60
                    _say(f"soak: {self.done:,} cases, {pace:.0f} a second, {left:.0f} min left")
        except KeyboardInterrupt:
            _say("soak: interrupted")
        self._report(time.monotonic() - start)
        return WRONG if self.wrong else 0

    def _compare(self, number: int) -> None:
        case = numbered_case(self.seed, number)
        compared = list(self.put(case))
        self._count(compared)
        if is_wrong(compared):
            self.wrong.append(number)
            _say(f"soak: case {number} differs: ./run soak --seed {self.seed} --case {number}")
            _show(shrink(case, lambda each: is_wrong(self.put(each))), self.put)

    def _count(self, compared: Iterable[Compared]) -> None:
        for each in compared:
            if each.question is None:
                self.seen["policies that neither loads"] += 1
                continue
            self.seen["questions"] += 1
            if each.fault:
                self.seen[f"explained: {each.fault}"] += 1
            elif isinstance(each.theirs, str):
                self.seen["that both refuse"] += 1
            else:
                self.seen["allowed" if each.theirs[0] else "denied"] += 1

    def _report(self, seconds: float) -> None:
        print(f"seed {self.seed}: {self.done:,} cases in {seconds:.0f} s")
        for name, count in sorted(self.seen.items()):
            print(f"  {count:12,} {name}")
            code = name.removeprefix("explained: ")
            if code in FAULTS:
                print(f"  {'':12} ({FAULTS[code].says})")
        print(f"  {len(self.wrong):12,} cases with unexplained differences")


def _replay(seed: int, number: int) -> int:
    case = numbered_case(seed, number)
    _show(case, compare)
    return WRONG if is_wrong(compare(case)) else 0


def is_wrong(compared: Iterable[Compared]) -> bool:
    """Whether any of the differences is unexplained."""
    return any(each.is_unexplained for each in compared)


def _show(case: Case, put: Compare) -> None:
    print(f"{case}\n")
    for each in put(case):
        if each.theirs != each.ours:
            why = each.fault or "UNEXPLAINED"
            print(f"{each.question}: pycasbin {each.theirs}, compiled {each.ours}: {why}")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
