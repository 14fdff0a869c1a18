"""Screening: the contents of records, looked at ahead of the walk by several processes at once.

A record that passes needs only its number, time and stored hash held to what is before and beside
it. What does not pass is looked at again by the walk, so that what is reported never depends on the
number of processes.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from typing import NamedTuple

from policyd_audit.alike import Acquaintance
from policyd_audit.errors import VerificationError
from policyd_audit.tree import leaf_hash

Row = tuple[int, object, object]
"""Number, bytes and stored leaf hash of a record, as it is stored."""

AFTER = 50_000
"""Records up to which starting processes takes longer than they save."""

_CHUNK = 512
_CHUNKS_AHEAD = 3  # for each process: one in work, one on either way


class Seen(NamedTuple):
    """Of each record its time, None where it has to be looked at again, and its leaf hash."""

    times: list[str | None]
    hashes: list[bytes | None]


class Screened(NamedTuple):
    """Some rows, at least one, with what was seen of them, if they were looked at."""

    rows: list[Row]
    seen: Seen | None


Screen = Callable[[Iterator[Row]], Iterator[Screened]]


def unscreened(rows: Iterable[Row]) -> Iterator[Screened]:
    """Yield the rows, none of them looked at."""
    for chunk in _chunks(rows):
        yield Screened(chunk, None)


def screened(rows: Iterator[Row], processes: int, after: int = AFTER) -> Iterator[Screened]:
    """Yield the rows in order, looked at by so many *processes*; by this one if they are not two.

    Args:
        rows: As the evidence has them; what it raises is raised after the rows before.
        processes: Beside this one.
        after: At so many rows this process looks first.
    """
    for chunk in _chunks(islice(rows, after) if processes > 1 else rows):
        yield Screened(chunk, look([leaf for _, leaf, _ in chunk]))
    following = next(rows, None)
    if following is None:
        return
    # A fork would take over threads and open files; an interrupt is this process' to handle.
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield from _ahead(chain([following], rows), pool, _CHUNKS_AHEAD * processes)
    finally:
        pool.shutdown(cancel_futures=True)


_acquaintance = Acquaintance()


def look(leaves: Sequence[object]) -> Seen:
    """Return what is seen of these records; of what is not even bytes, nothing."""
    each = [leaf if isinstance(leaf, bytes) else None for leaf in leaves]
    times = [None if leaf is None else _acquaintance.time(leaf) for leaf in each]
    return Seen(times, [None if leaf is None else leaf_hash(leaf) for leaf in each])


def _ahead(rows: Iterator[Row], pool: ProcessPoolExecutor, most: int) -> Iterator[Screened]:
    """Yield the rows with what was seen, while up to *most* chunks of later ones are looked at."""
    waiting: deque[tuple[list[Row], Future[Seen]]] = deque()
    failure: VerificationError | None = None
    try:
        for chunk in _chunks(rows):
            # What is no bytes stays here, and fails or passes in the walk.
            leaves = [leaf if isinstance(leaf, bytes) else None for _, leaf, _ in chunk]
            waiting.append((chunk, _submitted(pool, leaves)))
            if len(waiting) == most:
                yield _with_seen(*waiting.popleft())
    except VerificationError as error:
        failure = error
    for each in waiting:
        yield _with_seen(*each)
    if failure:
        raise failure


def _submitted(pool: ProcessPoolExecutor, leaves: Sequence[object]) -> Future[Seen]:
    try:
        return pool.submit(look, leaves)
    except BrokenProcessPool as error:
        broken: Future[Seen] = Future()
        broken.set_exception(error)
        return broken


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in lists that are not empty; what they raise, after those before."""
    chunk: list[Row] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    except VerificationError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _with_seen(chunk: list[Row], found: Future[Seen]) -> Screened:
    try:
        return Screened(chunk, found.result())
    except BrokenProcessPool:  # a process was killed: the walk does its work
        return Screened(chunk, None)
