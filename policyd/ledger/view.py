"""View: what one read transaction sees of the log, records and hashes of the tree alike."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import apsw

from policyd.ledger import sides
from policyd.ledger.cold import Cold
from policyd.ledger.record import time_of
from policyd.ledger.recovery import stored_state
from policyd.model.errors import RecordsLost
from policyd_audit.layout import Resource, bundle
from policyd_audit.proof import perfect_root
from policyd_audit.tree import HASH_BYTES, TILE_BYTES, TILE_WIDTH, leaf_hash, split

_MOST_ROOTS = 1 << 16  # of 32 bytes each


class Found(NamedTuple):
    """A record: its index in the log, and its bytes."""

    seq: int
    leaf: bytes


class Roots:
    """Hashes of full tiles, which never change, so that they are computed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}

    def of(self, level: int, number: int, hashes: list[bytes]) -> bytes:
        """The root of a full tile with these *hashes*, remembered."""
        if len(self._known) >= _MOST_ROOTS:
            self._known.clear()
        return self._known.setdefault((level, number), perfect_root(hashes))

    def known(self, level: int, number: int) -> bytes | None:
        """The root of that tile, if it was computed before."""
        return self._known.get((level, number))


class Stretch(NamedTuple):
    """Records in the order asked for; those of `lost` ranges are not among them.

    `last` is the index of the last one looked at, None if there was nothing to look at.
    """

    records: list[Found]
    lost: list[range]
    last: int | None


class Deadline:
    """When a look-up has to be through; the time that segments take is theirs, not the file's."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._at = clock() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._clock() > self._at

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time in the block does not count."""
        began = self._clock()
        yield
        self._at += self._clock() - began


class View:
    """What one read transaction sees; a row that cannot be is a ValueError.

    Attributes:
        state: The tree.
        size: Number of records.
        first: The record that the log begins at; what was before it was pruned.
        kept_from: Index of the oldest record whose bytes are in the ledger's file; older ones
            are in segments.
    """

    def __init__(
        self, db: apsw.Connection, roots: Roots, cold: Cold | None, deadline: Deadline
    ) -> None:
        self.db = db
        self._deadline = deadline
        self._roots = roots
        self._cold = cold
        self.state = stored_state(db)
        self.size = self.state.size
        self.first = sides.first_of(db)
        (oldest,) = db.execute("select min(seq) from leaf").fetchone() or (None,)
        self.kept_from: int = self.size if oldest is None else max(oldest, self.first)

    def first_at(self, ts: str) -> int:
        """Index of the first record that is not older than *ts*, or the size if all are.

        Raises:
            RecordsLost: it is among these, which cannot be read.
        """
        start = self.kept_from
        if self._cold and start > self.first and (start == self.size or self._time(start) >= ts):
            around = self._cold.around(ts, start)
            return self._first_sealed(ts, range(max(around.start, self.first), around.stop))
        return bisect_left(range(self.size), ts, lo=start, key=self._time)

    def _first_sealed(self, ts: str, among: range) -> int:
        """As `first_at`, by halving bundles, since a segment gives one as fast as one record."""
        bundles = range(among.start // TILE_WIDTH, -(-among.stop // TILE_WIDTH))

        def latest(number: int) -> str:
            return time_of(self._sealed(self._bundle(number, among.stop))[-1].leaf)

        at = bisect_left(bundles, ts, key=latest)
        if at == len(bundles):
            return among.stop
        return next(
            found.seq
            for found in self._sealed(self._bundle(bundles[at], among.stop))
            if time_of(found.leaf) >= ts
        )

    @staticmethod
    def _bundle(number: int, end: int) -> range:
        return range(number * TILE_WIDTH, min((number + 1) * TILE_WIDTH, end))

    def records_from(self, seq: int) -> Iterator[Found]:
        """The records from *seq* on, read one by one.

        Raises:
            RecordsLost: one of them cannot be read.
        """
        while seq < self.kept_from:
            end = min(seq - seq % TILE_WIDTH + TILE_WIDTH, self.kept_from)
            yield from self._sealed(range(seq, end))
            seq = end
        sql = "select seq, leaf from leaf where seq >= ? order by seq"
        yield from map(_found, self.db.execute(sql, (seq,)))

    def between(self, low: int, high: int, limit: int, *, newest_first: bool) -> Stretch:
        """The first or last *limit* of the records from *low* to below *high*."""
        records: list[Found] = []
        lost: list[range] = []
        last = None
        pieces = self._pieces(low, high)
        for piece in reversed(pieces) if newest_first else pieces:
            room = limit - len(records)
            if not room:
                break
            wanted = piece[-room:] if newest_first else piece[:room]
            last = wanted[0] if newest_first else wanted[-1]
            try:
                found = self._read(wanted)
            except RecordsLost:
                lost.append(wanted)
                continue
            records += reversed(found) if newest_first else found
        return Stretch(records, lost, last)

    def kept(self, first: int, end: int) -> list[Found]:
        """The records from *first* to below *end*, which are in the ledger's file."""
        sql = "select seq, leaf from leaf where seq >= ? and seq < ? order by seq"
        found = [_found(row) for row in self.db.execute(sql, (first, end))]
        if len(found) != end - first:
            raise ValueError(f"a record from {first} to {end - 1} is missing")
        return found

    def leaf(self, seq: int) -> bytes:
        """The bytes of one record; raises as `records_from`."""
        return self._read(range(seq, seq + 1))[0].leaf

    def content(self, resource: Resource) -> bytes | None:
        """The bytes of a tile or entry bundle; None where the tree has not got so far.

        A partial one is the beginning of the full one, so it can be had also later.

        Raises:
            RecordsLost: the records of the bundle cannot be read.
        """
        first = resource.number * TILE_WIDTH
        end = first + resource.width
        if end > self.size >> 8 * max(resource.level, 0):
            return None
        if not resource.is_entries:
            return b"".join(self.hashes(resource.level, first, resource.width))
        return bundle(each.leaf for piece in self._pieces(first, end) for each in self._read(piece))

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """So many hashes of one tile that the tree has, from the one numbered *first* on."""
        number, at = divmod(first, TILE_WIDTH)
        if (number + 1) * TILE_WIDTH <= self.size >> 8 * level:
            return self._full(level, number)[at : at + count]
        if level:
            return [self._root(level - 1, each) for each in range(first, first + count)]
        sql = "select hash from leaf where seq >= ? and seq < ? order by seq"
        found = [each for (each,) in self.db.execute(sql, (first, first + count))]
        if len(found) != count or any(len(each) != HASH_BYTES for each in found):
            raise ValueError(f"a hash of records {first} to {first + count - 1} is missing")
        return found

    def _pieces(self, low: int, high: int) -> list[range]:
        """The numbers from *low* to below *high*, by where their records are."""
        start = self.kept_from
        sealed = range(low, min(high, start))
        if not sealed:
            pieces = []
        elif self._cold:
            pieces = self._cold.pieces(sealed.start, sealed.stop)
        else:
            pieces = [sealed]
        kept = range(max(low, start), high)
        return [*pieces, kept] if kept else pieces

    def _read(self, piece: range) -> list[Found]:
        if piece.start >= self.kept_from:
            return self.kept(piece.start, piece.stop)
        return self._sealed(piece)

    def _sealed(self, piece: range) -> list[Found]:
        """Records out of a segment.

        Raises:
            RecordsLost: they are not those of the tree, or cannot be read.
        """
        if self._cold is None:
            raise RecordsLost(
                f"records {piece.start} to {piece.stop - 1} are in sealed segments", piece
            )
        with self._deadline.paused():
            leaves = self._cold.leaves(piece)
        # INVARIANT: nothing is shown out of a segment that the tree's own hashes do not vouch for.
        tiles = range(piece.start // TILE_WIDTH, (piece.stop - 1) // TILE_WIDTH + 1)
        hashes = [each for number in tiles for each in self._full(0, number)]
        start = piece.start % TILE_WIDTH
        if list(map(leaf_hash, leaves)) != hashes[start : start + len(piece)]:
            number = piece.start // self._cold.shelf.records
            raise self._cold.lost(number)
        return list(map(Found, piece, leaves))

    def _full(self, level: int, number: int) -> list[bytes]:
        sql = "select data from tile where level = ? and n = ?"
        row = self.db.execute(sql, (level, number)).fetchone()
        if row is None or type(row[0]) is not bytes or len(row[0]) != TILE_BYTES:
            raise ValueError(f"tile {level}/{number} is missing or is not {TILE_BYTES:,} bytes")
        return split(row[0])

    def _root(self, level: int, number: int) -> bytes:
        known = self._roots.known(level, number)
        return known or self._roots.of(level, number, self._full(level, number))

    def _time(self, seq: int) -> str:
        return time_of(self.kept(seq, seq + 1)[0].leaf)


def _found(row: tuple[Any, ...]) -> Found:
    seq, leaf = row
    if type(leaf) is not bytes:
        raise ValueError(f"record {seq} is not bytes")
    return Found(seq, leaf)
