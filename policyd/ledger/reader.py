"""Reader: looks records up in the ledger's file, beside the writer and without holding it up.

There is no index but the sequence number: times never decrease along it, and a record's id has
the millisecond of its time, so both are found by halving.
"""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from policyd.ledger.record import id_of, time_of
from policyd.ledger.recovery import State, stored_state
from policyd.ledger.stamp import millisecond_of, timestamp
from policyd.ledger.trouble import explain
from policyd.model.errors import LedgerUnavailable
from policyd_audit.errors import VerificationError

_BUSY_MS = 1000
_STEPS = 1000  # SQLite's virtual machine steps between two looks at the clock


class Found(NamedTuple):
    """A record: its index in the log, and its bytes."""

    seq: int
    leaf: bytes


class Page(NamedTuple):
    """Records in order; `cursor` asks for the next page, None if this was the last."""

    records: list[Found]
    cursor: int | None
    size: int  # of the log the page was taken from


class Reader:
    """Read-only connections to a ledger; may be used by many threads at a time.

    Every method raises LedgerUnavailable if the file cannot be read, or not in time.

    Args:
        path: The ledger.
        seconds: Time for one look-up.
    """

    def __init__(
        self, path: Path, *, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._clock = clock
        self._idle: deque[apsw.Connection] = deque()

    def state(self) -> State:
        """The tree as of the last commit, and the signed checkpoint of it."""
        with self._view() as view:
            return view.state

    def record_by_id(self, record_id: str) -> Found | None:
        """The record with an id such as `uuid`, or `uuid/3` for an item of a batch."""
        start = millisecond_of(record_id.partition("/")[0])
        if start is None:
            return None
        with self._view() as view:
            for found in view.records_from(view.first_at(start)):
                if not time_of(found.leaf).startswith(start):
                    return None
                if id_of(found.leaf) == record_id:
                    return found
        return None

    def page(
        self,
        *,
        limit: int,
        after: datetime | None = None,
        before: datetime | None = None,
        cursor: int | None = None,
        newest_first: bool = True,
    ) -> Page:
        """Records by time.

        Args:
            limit: Number of records, at most.
            after: None is older than this.
            before: All are older than this.
            cursor: Of the page before.
            newest_first: Otherwise the oldest comes first.
        """
        with self._view() as view:
            low = view.first_at(timestamp(after)) if after else 0
            high = view.first_at(timestamp(before)) if before else view.size
            if cursor is not None and newest_first:
                high = min(high, cursor)
            elif cursor is not None:
                low = max(low, cursor + 1)
            records = view.between(low, high, limit, newest_first=newest_first)
            has_more = 0 < len(records) < high - low
            return Page(records, records[-1].seq if has_more else None, view.size)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _view(self) -> Iterator["_View"]:
        """One state of the ledger, on a connection that nobody else uses meanwhile."""
        db: apsw.Connection | None = None
        try:
            db = self._connection()
            deadline = self._clock() + self._seconds
            db.set_progress_handler(lambda: self._clock() > deadline, _STEPS)
            with db:
                yield _View(db)
        except (apsw.Error, ValueError, VerificationError) as error:
            if db:
                db.close()
            raise LedgerUnavailable(self._problem(error)) from error
        self._idle.append(db)

    def _connection(self) -> apsw.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            db.set_busy_timeout(_BUSY_MS)
            return db

    def _problem(self, error: Exception) -> str:
        if isinstance(error, apsw.InterruptError):
            return f"looking it up took longer than {self._seconds:g} s: ask for less"
        return explain(error, str(self._path)).message


class _View:
    """What one read transaction sees; a row that cannot be is a ValueError."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.state = stored_state(db)
        self.size = self.state.size

    def first_at(self, ts: str) -> int:
        """Index of the first record that is not older than *ts*, or the size if all are."""
        return bisect_left(range(self.size), ts, key=self._time)

    def records_from(self, seq: int) -> Iterator[Found]:
        """The records from *seq* on, read one by one."""
        sql = "select seq, leaf from leaf where seq >= ? order by seq"
        return map(_found, self._db.execute(sql, (seq,)))

    def between(self, low: int, high: int, limit: int, *, newest_first: bool) -> list[Found]:
        """The first or last *limit* of the records from *low* to below *high*."""
        order = "desc" if newest_first else "asc"
        sql = f"select seq, leaf from leaf where seq >= ? and seq < ? order by seq {order} limit ?"  # noqa: S608 - one of two words
        return [_found(row) for row in self._db.execute(sql, (low, high, limit))]

    def _time(self, seq: int) -> str:
        found = next(self.records_from(seq), None)
        if found is None or found.seq != seq:
            raise ValueError(f"record {seq} is missing")
        return time_of(found.leaf)


def _found(row: tuple[Any, ...]) -> Found:
    seq, leaf = row
    if type(leaf) is not bytes:
        raise ValueError(f"record {seq} is not bytes")
    return Found(seq, leaf)
