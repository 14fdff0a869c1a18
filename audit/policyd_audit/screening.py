"""Screening: the contents of records, looked at ahead of the walk by several processes at once.

A record that passes needs only its time held to those before it. What does not pass is looked at
again by the walk, so that what is reported never depends on the number of processes.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

from policyd_audit import record
from policyd_audit.errors import Malformed, VerificationError

Row = tuple[int, object, object]
"""Number, bytes and stored leaf hash of a record, as it is stored."""
Screened = tuple[int, object, object, str | None]
"""The same, with the record's time if its content passed."""
Screen = Callable[[Iterator[Row]], Iterator[Screened]]

AFTER = 20_000
"""Records up to which starting processes takes longer than they save."""

_CHUNK = 256
_CHUNKS_AHEAD = 3  # for each process: one in work, one on either way


def unscreened(rows: Iterable[Row]) -> Iterator[Screened]:
    """Yield the rows, none of them looked at."""
    for seq, leaf, stored in rows:
        yield seq, leaf, stored, None


def screened(rows: Iterator[Row], processes: int, after: int = AFTER) -> Iterator[Screened]:
    """Yield the rows in order, looked at by so many *processes*; by none if they are not two.

    Args:
        rows: As the evidence has them; what it raises is raised after the rows before.
        processes: Beside this one.
        after: So many rows are passed on first as they are.
    """
    yield from unscreened(islice(rows, after) if processes > 1 else rows)
    following = next(rows, None)
    if following is None:
        return
    # A fork would take over threads and open files; an interrupt is this process' to handle.
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield from _ahead(_from(following, rows), pool, _CHUNKS_AHEAD * processes)
    finally:
        pool.shutdown(cancel_futures=True)


def times(leaves: Sequence[object]) -> list[str | None]:
    """Return the times of the records that are well-formed; None for each other one."""
    return [_time(each) if isinstance(each, bytes) else None for each in leaves]


def _time(leaf: bytes) -> str | None:
    try:
        content = record.parse(leaf)
    except Malformed:
        return None
    ts: str = content["ts"]
    is_same = record.id_millisecond(content["id"]) == record.ts_millisecond(ts)
    return ts if is_same else None


def _from(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _ahead(rows: Iterator[Row], pool: ProcessPoolExecutor, most: int) -> Iterator[Screened]:
    """Yield the rows with their times, while up to *most* chunks of later ones are looked at."""
    waiting: deque[tuple[list[Row], Future[list[str | None]]]] = deque()
    failure: VerificationError | None = None
    try:
        for chunk in _chunks(rows):
            waiting.append((chunk, _submitted(pool, [leaf for _, leaf, _ in chunk])))
            if len(waiting) == most:
                yield from _with_times(*waiting.popleft())
    except VerificationError as error:
        failure = error
    for each in waiting:
        yield from _with_times(*each)
    if failure:
        raise failure


def _submitted(pool: ProcessPoolExecutor, leaves: list[object]) -> Future[list[str | None]]:
    try:
        return pool.submit(times, leaves)
    except BrokenProcessPool as error:
        broken: Future[list[str | None]] = Future()
        broken.set_exception(error)
        return broken


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    except VerificationError:
        yield chunk
        raise
    yield chunk


def _with_times(chunk: list[Row], found: Future[list[str | None]]) -> Iterator[Screened]:
    try:
        passed = found.result()
    except BrokenProcessPool:  # a process was killed: the walk does its work
        passed = [None] * len(chunk)
    for (seq, leaf, stored), ts in zip(chunk, passed, strict=True):
        yield seq, leaf, stored, ts
