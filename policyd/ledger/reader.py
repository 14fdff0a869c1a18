"""Reader: looks records up in the ledger's file, beside the writer and without holding it up.

There is no index but the sequence number: times never decrease along it, and a record's id has
the millisecond of its time, so both are found by halving.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import apsw

from policyd.ledger.record import id_of, time_of
from policyd.ledger.recovery import State
from policyd.ledger.stamp import millisecond_of, timestamp
from policyd.ledger.trouble import explain
from policyd.ledger.view import Found, Roots, View
from policyd.model.errors import LedgerUnavailable
from policyd_audit.errors import VerificationError
from policyd_audit.layout import Resource
from policyd_audit.proof import Subtrees

_BUSY_MS = 1000
_STEPS = 1000  # SQLite's virtual machine steps between two looks at the clock


class Page(NamedTuple):
    """Records in order; `cursor` asks for the next page, None if this was the last."""

    records: list[Found]
    cursor: int | None
    size: int  # of the log the page was taken from


class Inclusion(NamedTuple):
    """A record's leaf hash, and the hashes that lead from there to the root."""

    leaf_hash: bytes
    path: tuple[bytes, ...]


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
        self._roots = Roots()

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

    def content(self, resource: Resource) -> bytes | None:
        """The bytes of a tile or entry bundle; None where the log has not got so far."""
        with self._view() as view:
            return view.content(resource)

    def inclusion(self, index: int, size: int) -> Inclusion:
        """The proof that a record is among the first *size* records; the log has as many."""
        with self._view() as view:
            path = Subtrees(view.hashes).inclusion(index, size)
            return Inclusion(view.hashes(0, index, 1)[0], tuple(path))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of *new* records goes on from that of *old*; it has as many.

        The one from the empty log is empty (C2SP tlog-witness).
        """
        with self._view() as view:
            return Subtrees(view.hashes).consistency(old, new) if old else []

    def root(self, size: int) -> bytes:
        """The hash of the tree when the log had *size* records; it has as many now."""
        with self._view() as view:
            return Subtrees(view.hashes).root(0, size)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _view(self) -> Iterator[View]:
        """One state of the ledger, on a connection that nobody else uses meanwhile."""
        db: apsw.Connection | None = None
        try:
            db = self._connection()
            deadline = self._clock() + self._seconds
            db.set_progress_handler(lambda: self._clock() > deadline, _STEPS)
            with db:
                yield View(db, self._roots)
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
