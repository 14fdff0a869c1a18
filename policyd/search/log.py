"""Log: what a search process sees of the log, by pieces, each as a relation of SQL.

Full stretches of the log are searched in their segments. What is not sealed yet, or whose segment
is damaged, is searched in memory, as long as the ledger's file has it; the rest is lost. A record
may lie in the ledger's file and in a segment: each stretch is read from one of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from policyd.ledger.reader import Reader
from policyd.model.errors import LedgerUnavailable
from policyd.search.contents import Contents
from policyd.search.database import Broken, Cut, Database, Deadline, files
from policyd.search.trusted import Trusted

GROWTH = 4
"""So many times as many segments has each piece as the one before it."""

Holds: TypeAlias = Callable[[Contents], bool]
"""Whether there may be anything among such contents that is asked for."""

_CHUNK = 2048  # records read from the ledger at a time


@dataclass(frozen=True, slots=True)
class Way:
    """How the log is gone through.

    Attributes:
        records: Where to look.
        newest_first: The direction.
        least: Segments in the first piece.
        until: Sooner than the whole question has to be through.
    """

    records: range
    newest_first: bool = True
    least: int = 16
    until: Deadline | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the log.

    Attributes:
        records: Their numbers.
        relation: Those of them that can be read, in parentheses, as SQL has them; empty if there
            are none that the question is about.
        segments: The numbers of the segments that are read.
        lost: Those that cannot be read.
    """

    records: range
    relation: str
    segments: tuple[int, ...]
    lost: tuple[range, ...]


class Log:
    """Segments and tail together.

    Attributes:
        size: Number of records when it was looked at last.
        first: The record that the log begins at.

    Args:
        reader: Of the ledger's file.
        trusted: The segments.
        database: Has the tail, which nobody else changes.
    """

    def __init__(self, reader: Reader, trusted: Trusted, database: Database) -> None:
        self.size = 0
        self.first = 0
        self._reader = reader
        self._trusted = trusted
        self._database = database
        self._sealed: set[int] = set()  # there is a file, good or not
        self._kept_from = 0
        self._held: dict[int, int] = {}  # by stretch: the record up to which the tail has it
        self._contents: dict[int, Contents | None] = {}  # None: nobody can say

    def refresh(self) -> None:
        """See how far the log has got.

        Raises:
            LedgerUnavailable: its file cannot be read.
        """
        self._sealed = set(self._trusted.numbers())
        self.first = self._reader.first()
        self._kept_from = self._reader.kept_from()
        self.size = self._reader.state().size

    def prepare(self) -> bool:
        """Check a segment that was not, or see what is in it, the newest first.

        Whether there was anything to do.
        """
        if self._trusted.prepare():
            return True
        unread = [each for each in self._trusted.numbers() if each not in self._contents]
        if unread:
            self._read(unread[-1])
        return bool(unread)

    def _read(self, number: int) -> None:
        """See what is in a segment: what it says is signed, so that it has that for ever."""
        known = self._trusted.known(number)
        contents = None
        if known.is_good:
            with suppress(Cut, Broken):
                contents = self._database.contents(self._trusted.shelf.file(number))
        is_same = self._trusted.known(number) is known  # and was read as the file that is good
        self._contents[number] = contents if is_same else None

    def doubt(self, piece: Piece) -> bool:
        """Check the segments of a piece again; whether one of them is not what it was."""
        for number in piece.segments:
            self._trusted.doubt(number)
        return not all(map(self._trusted.is_good, piece.segments))

    def pieces(self, way: Way, deadline: Deadline, may_hold: Holds) -> Iterator[Piece]:
        """The stretches of the log on a way, growing, the first with the least segments.

        Segments that have nothing of what *may_hold* are gone by.

        Raises:
            Cut: the next one could not be made in time.
            LedgerUnavailable: the ledger's file cannot be read.
        """
        least, left = way.least, self._numbers(way.records)
        if not way.newest_first:
            left.reverse()
        while left:
            some: list[int] = []
            read = 0
            while left and read < least:
                some.append(left.pop())
                read += self._may_hold(some[-1], may_hold)
            stretch = self._stretch(min(some), max(some))
            yield self._piece(sorted(some), _within(stretch, way.records), deadline, may_hold)
            least *= GROWTH

    def piece(self, records: range, deadline: Deadline) -> Piece:
        """One stretch of the log; raises as `pieces`."""
        return self._piece(self._numbers(records), records, deadline)

    def around(self, records: Sequence[int], deadline: Deadline) -> Piece:
        """A stretch that has these records, and no segments without any; raises as `pieces`."""
        numbers = sorted({each // self._trusted.shelf.records for each in records})
        return self._piece(numbers, range(min(records), max(records) + 1), deadline)

    def _numbers(self, records: range) -> list[int]:
        """The segments in which these records are, or will be."""
        width = self._trusted.shelf.records
        return [*range(records.start // width, -(-records.stop // width))] if records else []

    def _stretch(self, first: int, last: int) -> range:
        shelf = self._trusted.shelf
        return range(shelf.range(first).start, shelf.range(last).stop)

    def _may_hold(self, number: int, may_hold: Holds) -> bool:
        contents = self._contents.get(number)
        return contents is None or may_hold(contents)

    def _piece(
        self,
        numbers: Iterable[int],
        records: range,
        deadline: Deadline,
        may_hold: Holds | None = None,
    ) -> Piece:
        good, lost = [], []
        has_tail = False
        for number in numbers:
            deadline.check()
            if number in self._sealed and self._trusted.is_good(number):
                self._release(number)
                if may_hold is None or self._may_hold(number, may_hold):
                    good.append(number)
            elif self._hold(number, deadline):
                has_tail = True
            else:
                lost.append(_within(self._trusted.shelf.range(number), records))
        is_empty = may_hold is not None and not good and not has_tail
        relation = "" if is_empty else self._relation(records, good, has_tail=has_tail)
        return Piece(records, relation, tuple(good), tuple(lost))

    def _relation(self, records: range, good: Sequence[int], *, has_tail: bool) -> str:
        shelf = self._trusted.shelf
        stretch = f"seq >= {records.start} and seq < {records.stop}"
        parts = []
        if good:
            paths = files(shelf.file(each) for each in good)
            # Files need no condition, unless the stretch cuts one of them in two.
            is_whole = shelf.range(good[0]).start >= records.start
            is_whole = is_whole and shelf.range(good[-1]).stop <= records.stop
            parts.append(f"select * from {paths}" + ("" if is_whole else f" where {stretch}"))
        if has_tail or not good:
            parts.append(f"select * from tail where {stretch}")
        return f"({' union all by name '.join(parts)})"

    def _release(self, number: int) -> None:
        """Take what is in a good segment out of the tail."""
        if self._held.pop(number, None) is not None:
            self._database.drop(self._trusted.shelf.range(number))

    def _hold(self, number: int, deadline: Deadline) -> bool:
        """Have in the tail what there is of a stretch; whether it can be had."""
        wanted = _within(self._trusted.shelf.range(number), range(self.first, self.size))
        held = self._held.get(number, wanted.start)
        while held < wanted.stop:
            if held < self._kept_from:
                return False
            deadline.check()
            end = min(held + _CHUNK, wanted.stop)
            try:
                self._database.add(self._reader.leaves(held, end))
            except LedgerUnavailable:
                self._kept_from = self._reader.kept_from()
                if held >= self._kept_from:
                    raise
                continue  # they have left the file in the meantime
            held = self._held[number] = end
        return True


def _within(records: range, bounds: range) -> range:
    return range(max(records.start, bounds.start), min(records.stop, bounds.stop))
