"""The proof against brute force over the composed decision, for as many pairs as there is time.

Two companies are drawn, the second of them the first after a change or two. Calls from all over
what can be asked are decided by the engines of both: each that comes out differently has to be in
a difference that the proof has found; and each difference that it has found has to show, by a call
of any of its fields, labels and moments. A batch depends on the seed and its own number alone:
`--batch` brings one back.
"""

import argparse
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from policyd.model.snapshot import Snapshot
from policyd.proof.compare import Found
from policyd.proof.space import Space
from policyd.proof.witness import Witness
from tests.properties.pairs import pairs
from tests.properties.test_proof import SIZE, calls, compared, is_found, one_of

BATCH = 100  # pairs
STARTS = 2  # of calls for each pair, 150 each
LOOKED_AT = 60  # differences of each pair
WRONG, USAGE = 1, 2
Pair = tuple[Snapshot, Snapshot]
Finds = Callable[[Space, list[Found], int, Witness], bool]
"""Whether a call that shows a difference is in one that the proof has found."""


def main(arguments: Sequence[str], size: int = BATCH, is_found: Finds = is_found) -> int:
    """Run, and say what came of it; the exit code is 1 if there was a disagreement."""
    options = _options(arguments)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    batches = range(-(-options.pairs // size)) if options.batch is None else [options.batch]
    seen: Counter[str] = Counter()
    start = time.monotonic()
    _say(f"soak: seed {seed}, {len(batches) * size:,} pairs")
    for batch in batches:
        run_batch((seed, batch, size), seen, is_found)
        if seen["disagreements"]:
            _say(f"soak: batch {batch} disagrees: ./run soak proof --seed {seed} --batch {batch}")
            break
        _say(f"soak: {seen['pairs']:,} pairs, {(time.monotonic() - start) / 60:.0f} min")
    told = ", ".join(f"{seen[each]:,} {each}" for each in _COUNTED)
    print(f"seed {seed}: {told}")
    return WRONG if seen["disagreements"] else 0


_COUNTED = (
    *("pairs", "pairs that differ", "calls", "calls that differ"),
    *("differences shown", "disagreements"),
)


def run_batch(of: tuple[int, int, int], seen: Counter[str], is_found: Finds) -> None:
    """Put the pairs of one batch to both, and count; it is *of* seed, number and size."""
    seed, batch, size = of

    @seeded(seed * 1_000_003 + batch)
    @settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(pairs, st.integers(0, SIZE))
    def put(pair: Pair, start: int) -> None:
        hold(pair, start, seen, is_found)

    put()


def hold(pair: Pair, start: int, seen: Counter[str], is_found: Finds = is_found) -> None:
    """Hold what the proof says of a pair to the engines, both ways."""
    witnesses, space, comparer, found = compared(pair)
    seen["pairs"] += 1
    seen["pairs that differ"] += bool(found)
    seen["disagreements"] += bool(comparer.gaps)
    for number in range(STARTS):
        for call, facts in calls(start + number * SIZE // STARTS, pair[1]):
            witness = witnesses.ask(call, facts.now, (dict(facts.used), dict(facts.used)))
            seen["calls"] += 1
            for side in (0, 1):
                if witness.shows(side):
                    seen["calls that differ"] += 1
                    seen["disagreements"] += not is_found(space, found, side, witness)
    for where, each in found[:: max(1, len(found) // LOOKED_AT)]:
        bits, when = one_of(each.bits, start), one_of(each.when, start >> 20)
        witness = witnesses.of((where, each), bits, when)
        seen["differences shown"] += 1
        seen["disagreements"] += not (each.kind == "roll-out" or witness.shows(each.side))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run soak proof", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2_000, metavar="N", help="default 2000")
    parser.add_argument("--seed", type=int, metavar="S", help="default: a new one, printed")
    parser.add_argument("--batch", type=int, metavar="I", help=f"only these {BATCH} pairs")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
