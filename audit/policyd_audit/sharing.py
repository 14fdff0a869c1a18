"""Sharing: several processes, each of which reads and screens some of a log's records by itself.

What they hand back of a stretch of good records is little: the hashes of its tiles, and two times.
Of any other stretch they say nothing; the process that walks reads it then. So what is reported
depends neither on their number nor on what they saw: it must add up to the same root.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TypeAlias

from policyd_audit.alike import time_in_full
from policyd_audit.errors import VerificationError
from policyd_audit.evidence import Evidence, Shared
from policyd_audit.proof import perfect_root
from policyd_audit.screening import (
    Passed,
    PassedTile,
    Row,
    Screened,
    are_in_order,
    are_records,
    look,
    looked_at,
    unscreened,
)
from policyd_audit.tree import TILE_WIDTH

_Line: TypeAlias = "Connection[Passed | None, Passed | None]"

AFTER = 50_000
"""Records up to which starting processes takes longer than they save."""

WIDTH = 16 * TILE_WIDTH
"""Records of a stretch, where it is not said otherwise."""


def screened(
    evidence: Evidence,
    first: int,
    size: int,
    *,
    processes: int,
    after: int = AFTER,
    width: int = WIDTH,
) -> Iterator[Screened | Passed]:
    """Yield the records, looked at by so many processes; by this one if they are not two.

    Args:
        evidence: Whose records.
        first: The number of the first one.
        size: How many there should be from 0 on.
        processes: Beside this one.
        after: Where no more than so many can be shared, this process looks at all.
        width: Of a stretch, in records: a multiple of a tile's.
    """
    shared = _shared(evidence) if processes > 1 else None
    stretches = _stretches(max(first, shared.first), size, width) if shared else []
    if not shared or sum(map(len, stretches)) <= after:
        yield from looked_at(evidence.leaves(first))
        return
    with closing(_Helpers(processes, shared, stretches)) as helpers:
        if not _is_all_shared(evidence, shared.first, size):
            # Only who reads all in a row meets what stands where it should not.
            yield from looked_at(evidence.leaves(first))
            return
        # Too few are left at either end to get acquainted with them.
        yield from unscreened(evidence.leaves(first, stretches[0].start))
        for stretch, found in helpers:
            if found:
                yield found
            else:
                yield from looked_at(evidence.leaves(stretch.start, stretch.stop))
        yield from unscreened(evidence.leaves(stretches[-1].stop))


def _shared(evidence: Evidence) -> Shared | None:
    try:
        return evidence.shared()
    except VerificationError:  # the walk meets it in its place
        return None


def _is_all_shared(evidence: Evidence, first: int, size: int) -> bool:
    try:
        return evidence.has_only(first, size)
    except VerificationError:  # as above
        return False


def survey(shared: Shared, stretch: range) -> Passed | None:
    """Return what a stretch of whole tiles is; None unless all that can be told of it is right."""
    try:
        with shared.opened() as evidence:
            return _passed(evidence, stretch)
    except VerificationError:
        return None


def _passed(evidence: Evidence, stretch: range) -> Passed | None:
    rows = evidence.leaves(stretch.start, stretch.stop)
    times: list[str] = []
    tiles: list[PassedTile] = []
    for first in stretch[::TILE_WIDTH]:
        found = _tile(list(islice(rows, TILE_WIDTH)), first, evidence)
        if not found:
            return None
        tiles.append(found[0])
        times += found[1]
    if next(rows, None) or not are_in_order(times):
        return None
    return Passed(stretch.start, stretch.stop, (times[0], times[-1]), tiles)


def _tile(rows: list[Row], first: int, evidence: Evidence) -> tuple[PassedTile, list[str]] | None:
    """Return what is to be said of a tile that is right, and its times."""
    leaves = [leaf for _, leaf, _ in rows if isinstance(leaf, bytes)]
    if len(leaves) < TILE_WIDTH:
        return None
    seen = look(leaves)
    hashes = [each for each in seen.hashes if each]
    data = evidence.tile(0, first // TILE_WIDTH)
    if not are_records(rows, first, hashes) or b"".join(hashes) != data:
        return None
    again = [at for at, ts in enumerate(seen.times) if ts is None]
    for at in again:
        seen.times[at] = time_in_full(leaves[at])
    times = [ts for ts in seen.times if ts]
    if len(times) < TILE_WIDTH:
        return None
    return PassedTile(perfect_root(hashes), [(first + at, leaves[at]) for at in again]), times


def _stretches(first: int, size: int, width: int) -> list[range]:
    """Return the stretches behind *first*; before the first one there is at least one record."""
    begin, end = ((each // TILE_WIDTH) * TILE_WIDTH for each in (first + TILE_WIDTH, size))
    return [range(start, min(start + width, end)) for start in range(begin, end, width)]


def serve(line: _Line, shared: Shared, stretches: Sequence[range]) -> None:
    """Survey one stretch after the other, and say what each is, until nobody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for who walks to handle
    with closing(line), suppress(BrokenPipeError):
        for stretch in stretches:
            line.send(survey(shared, stretch))


class _Helpers:
    """Processes that survey stretches, each every so many-th; yields what they find, in order.

    Each has a pipe of its own, which ends with it: whatever one was at when it was killed, nobody
    waits for the rest. What fits into its pipe is how far one gets ahead.
    """

    def __init__(self, count: int, shared: Shared, stretches: Sequence[range]) -> None:
        self._stretches = stretches
        # A fork would take over threads and open files.
        self._context = get_context("spawn")
        self._processes: list[SpawnProcess] = []
        self._lines = [self._started(shared, stretches[at::count]) for at in range(count)]

    def __iter__(self) -> Iterator[tuple[range, Passed | None]]:
        for at, stretch in enumerate(self._stretches):
            yield stretch, self._heard(at % len(self._lines))

    def close(self) -> None:
        """End those that still run; they have nothing that is worth waiting for."""
        for process in self._processes:
            process.kill()
            process.join()
        for line in self._lines:
            if line:
                line.close()

    def _started(self, shared: Shared, stretches: Sequence[range]) -> "_Line | None":
        """Return where to listen to one more of them; None if no more may begin."""
        near, far = self._context.Pipe(duplex=False)
        process = self._context.Process(target=serve, args=(far, shared, stretches), daemon=True)
        with closing(far):
            try:
                process.start()
            except OSError:
                near.close()
                return None
        self._processes.append(process)
        return near

    def _heard(self, at: int) -> Passed | None:
        """Return what one of them says next; None, then and later, if it was killed."""
        line = self._lines[at]
        if line is None:
            return None
        try:
            found: Passed | None = line.recv()
        except (EOFError, OSError):
            line.close()
            self._lines[at] = None
            return None
        return found
