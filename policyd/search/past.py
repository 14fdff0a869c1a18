"""Past: the records of a window of the log, in order, wherever they lie.

What is still in the ledger's file is read from there, and the rest from its segments, each once it
is known to be what its manifest says. What can be read nowhere is passed over, and told.
"""

from collections.abc import Callable, Iterator, Sequence

from policyd.ledger.parquet import Files, Unusable
from policyd.ledger.reader import Reader
from policyd.ledger.record import time_of
from policyd.ledger.stamp import timestamp
from policyd.model.errors import LedgerUnavailable
from policyd.review.replayed import Wanted, Window
from policyd.search.trusted import Trusted
from policyd_audit.disclosure import NAMES, act_of

_CHUNK = 2048  # records read at a time
_SEALED = 1 << 14  # the same of a segment, where finding the first takes longer
_STEP = 1 << 16  # records between two words about how far it is
_MARK = f'"{NAMES}":'.encode()
Records = Sequence[tuple[int, bytes]]


class Past:
    """The records that are wanted, once, up to how far the log is now.

    Args:
        reader: Of the ledger's file, with what it needs to find a time in segments.
        trusted: The segments.
        files: Reads them.
        wanted: Which records.
    """

    def __init__(self, reader: Reader, trusted: Trusted, files: Files, wanted: Wanted) -> None:
        self.wanted = wanted
        self._reader = reader
        self._trusted = trusted
        self._files = files
        self._first = self._end = self._kept_from = 0
        self._left_out = 0
        self._pruned_until: str | None = None
        self._lost: list[tuple[int, int]] = []
        self._erased = 0

    def window(self) -> Window:
        """What was read, once it was."""
        return Window(
            after=timestamp(self.wanted.after),
            before=timestamp(self.wanted.before),
            first=self._first,
            end=self._end,
            left_out=self._left_out,
            pruned_until=self._pruned_until,
            lost=tuple(self._lost),
            erased=self._erased,
        )

    def records(self, watch: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of each that can be read, in order.

        Raises:
            LedgerUnavailable: the ledger's file cannot be read.
        """
        self._begin()
        at, told = self._first, self._first
        whole = f"{self._end - self._first:,} records"
        watch(f"replaying {whole}")
        while at < self._end:
            some, at = self._next(at)
            self._erased += self._erased_of(some)
            yield from some
            if at - told >= _STEP:
                told = at
                watch(f"replaying: {at - self._first:,} of {whole}")

    def _begin(self) -> None:
        """See how far the log is, and which of its records are meant."""
        wanted, reader = self.wanted, self._reader
        found = reader.span(wanted.after, wanted.before)
        self._end = max(found.start, found.stop)
        self._first = max(found.start, self._end - wanted.most)
        self._left_out = self._first - found.start
        self._pruned_until = self._begins() if reader.first() else None
        self._kept_from = reader.kept_from()

    def _next(self, at: int) -> tuple[Records, int]:
        """Records from *at* on, and where the next ones begin."""
        if at < self._kept_from:
            return self._sealed(at)
        end = min(at + _CHUNK, self._end)
        try:
            return self._reader.leaves(at, end), end
        except LedgerUnavailable:
            self._kept_from = self._reader.kept_from()
            if at >= self._kept_from:
                raise
            return (), at  # they have left the file in the meantime

    def _sealed(self, at: int) -> tuple[Records, int]:
        number = at // self._trusted.shelf.records
        end = min(self._trusted.shelf.range(number).stop, self._kept_from, self._end)
        stop = min(at + _SEALED, end)
        try:
            if self._trusted.is_good(number):
                return [*self._files.leaves(self._trusted.shelf.file(number), at, stop)], stop
        except Unusable:
            self._trusted.doubt(number)
        self._lost.append((at, end))
        return (), end

    def _begins(self) -> str | None:
        """When the log begins, if that is in the window."""
        oldest = self._reader.page(limit=1, newest_first=False).records
        ts = time_of(oldest[0].leaf) if oldest else timestamp(self.wanted.before)
        return ts if ts > timestamp(self.wanted.after) else None

    def _erased_of(self, some: Records) -> int:
        """Of how many of the records something was erased."""
        hiding = [seq for seq, leaf in some if _MARK in leaf]
        if not hiding:
            return 0
        beside = self._reader.disclosures(hiding)
        return sum(any(act_of(data) is not None for data in each) for each in beside.values())
