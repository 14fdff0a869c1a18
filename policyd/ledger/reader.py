"""Reader: looks records up in the ledger's file, beside the writer and without holding it up.

There is no index but the sequence number: times never decrease along it, and a record's id has
the millisecond of its time, so both are found by halving.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import apsw

from policyd.ledger import sides
from policyd.ledger.cold import Cold
from policyd.ledger.record import id_of, time_of
from policyd.ledger.recovery import State
from policyd.ledger.stamp import millisecond_of, timestamp
from policyd.ledger.trouble import explain
from policyd.ledger.view import Deadline, Found, Roots, View
from policyd.model.errors import Gone, LedgerUnavailable, NotFound, RecordsLost
from policyd_audit.errors import VerificationError
from policyd_audit.layout import Resource
from policyd_audit.proof import Subtrees
from policyd_audit.tree import TILE_WIDTH, leaf_hash

_BUSY_MS = 1000
_STEPS = 1000  # SQLite's virtual machine steps between two looks at the clock


def pruned(what: str, first: int) -> Gone:
    """The error for something that lay before the record the log begins at."""
    return Gone(f"{what} was pruned: this log begins at record {first}", code="record-pruned")


class Page(NamedTuple):
    """Records in order; `cursor` asks for the next page, None if this was the last."""

    records: list[Found]
    cursor: int | None
    size: int  # of the log the page was taken from
    lost: tuple[range, ...] = ()  # records that should be among them, but cannot be read


class Inclusion(NamedTuple):
    """A record's leaf hash, and the hashes that lead from there to the root."""

    leaf_hash: bytes
    path: tuple[bytes, ...]


class Reader:
    """Read-only connections to a ledger; may be used by many threads at a time.

    Every method raises LedgerUnavailable if the file cannot be read, or not in time.

    Args:
        path: The ledger.
        cold: Reads what has left the ledger's file; without it, such records count as lost.
        seconds: Time for one look-up.
    """

    def __init__(
        self,
        path: Path,
        cold: Cold | None = None,
        *,
        seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._cold = cold
        self._seconds = seconds
        self._clock = clock
        self._idle: deque[apsw.Connection] = deque()
        self._roots = Roots()

    def state(self) -> State:
        """The tree as of the last commit, and the signed checkpoint of it."""
        with self._view() as view:
            return view.state

    def kept_from(self) -> int:
        """Index of the oldest record whose bytes are in the ledger's file."""
        with self._view() as view:
            return view.kept_from

    def leaves(self, first: int, end: int) -> list[Found]:
        """The records from *first* to below *end*, out of the ledger's file alone."""
        with self._view() as view:
            return view.kept(first, end)

    def subtree(self, level: int, number: int) -> bytes:
        """The hash of the tree over the *number*-th 256 ** *level* records."""
        with self._view() as view:
            return view.hashes(level, number, 1)[0]

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
            low = _at(view, after).start if after else view.first
            high = _at(view, before).stop if before else view.size
            if cursor is not None and newest_first:
                high = min(high, cursor)
            elif cursor is not None:
                low = max(low, cursor + 1)
            found = view.between(low, high, limit, newest_first=newest_first)
            end = low if newest_first else high - 1
            more = found.last if found.last != end else None
            return Page(found.records, more, view.size, tuple(found.lost))

    def span(self, after: datetime | None, before: datetime | None) -> range:
        """The numbers of the records that are not older than *after*, and older than *before*."""
        with self._view() as view:
            low = _at(view, after).start if after else view.first
            return range(low, _at(view, before).stop if before else view.size)

    def content(self, resource: Resource) -> bytes | None:
        """The bytes of a tile or entry bundle; None where the log has not got so far.

        Raises:
            Gone: the records of that bundle were pruned.
        """
        with self._view() as view:
            first = view.first
            is_gone = resource.is_entries and resource.number * TILE_WIDTH < first
            data = None if is_gone else view.content(resource)
        if is_gone:
            raise pruned(f"`{resource.path}`", first)
        return data

    def first(self) -> int:
        """The record that the log begins at; those before it were pruned."""
        with self._view() as view:
            return view.first

    def prunable(self, index: int) -> int:
        """The last record, up to *index*, that the log can begin at: no segment is cut in two."""
        return self._cold.whole(index) if self._cold else index

    def records(self, seqs: Sequence[int]) -> list[Found]:
        """The records with these numbers, those that are there."""
        with self._view() as view:
            found = (next(view.records_from(each), None) for each in seqs)
            return [each for each, seq in zip(found, seqs, strict=True) if each and each.seq == seq]

    def vouched(self, found: Iterable[Found]) -> tuple[list[Found], list[Found]]:
        """The records among *found* that the tree has, byte for byte, and the others."""
        good: list[Found] = []
        bad: list[Found] = []
        with self._view() as view:
            for each in found:
                is_good = leaf_hash(each.leaf) == view.hashes(0, each.seq, 1)[0]
                (good if is_good else bad).append(each)
        return good, bad

    def disclosures(self, seqs: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
        """What is kept apart of these records, and what stands where some of it was erased."""
        with self._view() as view:
            return {each: sides.disclosures_of(view.db, each) for each in seqs}

    def disclosures_with(self, first: int, end: int, part: bytes) -> list[tuple[int, bytes]]:
        """Record and disclosure, of records from *first* to before *end*, where it has *part*."""
        with self._view() as view:
            return sides.disclosures_with(view.db, first, end, part)

    def standing(self, seq: int) -> list[tuple[int, bytes]]:
        """Id and disclosure of what is not erased of a record."""
        with self._view() as view:
            return sides.standing(view.db, seq)

    def holds(self) -> list[sides.PlacedHold]:
        """All holds that were ever placed on what is there now."""
        with self._view() as view:
            return sides.holds(view.db, view.leaf)

    def lowest(self) -> int:
        """The first record of which anything is there still, perhaps to be swept away."""
        with self._view() as view:
            found = sides.lowest(view.db)
            return view.size if found is None else found

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
            deadline = Deadline(self._clock, self._seconds)
            db.set_progress_handler(lambda: deadline.is_over, _STEPS)
            with db:
                yield View(db, self._roots, self._cold, deadline)
        except (Gone, NotFound, LedgerUnavailable):
            if db:
                self._idle.append(db)
            raise
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


def _at(view: View, moment: datetime) -> range:
    """Where the first record not older than *moment* is; a stretch, where that is lost."""
    try:
        at = view.first_at(timestamp(moment))
    except RecordsLost as lost:
        return lost.records
    return range(at, at)
