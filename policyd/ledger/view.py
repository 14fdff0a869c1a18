"""View: what one read transaction sees of the ledger, records and hashes of the tree alike."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

import apsw

from policyd.ledger.record import time_of
from policyd.ledger.recovery import stored_state
from policyd_audit.layout import Resource, bundle
from policyd_audit.proof import perfect_root
from policyd_audit.tree import HASH_BYTES, TILE_BYTES, TILE_WIDTH, split

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


class View:
    """What one read transaction sees; a row that cannot be is a ValueError."""

    def __init__(self, db: apsw.Connection, roots: Roots) -> None:
        self._db = db
        self._roots = roots
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

    def content(self, resource: Resource) -> bytes | None:
        """The bytes of a tile or entry bundle; None where the tree has not got so far.

        A partial one is the beginning of the full one, so it can be had also later.
        """
        first = resource.number * TILE_WIDTH
        end = first + resource.width
        if end > self.size >> 8 * max(resource.level, 0):
            return None
        if not resource.is_entries:
            return b"".join(self.hashes(resource.level, first, resource.width))
        found = self.between(first, end, resource.width, newest_first=False)
        if len(found) != resource.width:
            raise ValueError(f"a record from {first} to {end - 1} is missing")
        return bundle(each.leaf for each in found)

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """So many hashes of one tile that the tree has, from the one numbered *first* on."""
        number, at = divmod(first, TILE_WIDTH)
        if (number + 1) * TILE_WIDTH <= self.size >> 8 * level:
            return self._full(level, number)[at : at + count]
        if level:
            return [self._root(level - 1, each) for each in range(first, first + count)]
        sql = "select hash from leaf where seq >= ? and seq < ? order by seq"
        found = [each for (each,) in self._db.execute(sql, (first, first + count))]
        if len(found) != count or any(len(each) != HASH_BYTES for each in found):
            raise ValueError(f"a hash of records {first} to {first + count - 1} is missing")
        return found

    def _full(self, level: int, number: int) -> list[bytes]:
        sql = "select data from tile where level = ? and n = ?"
        row = self._db.execute(sql, (level, number)).fetchone()
        if row is None or type(row[0]) is not bytes or len(row[0]) != TILE_BYTES:
            raise ValueError(f"tile {level}/{number} is missing or is not {TILE_BYTES:,} bytes")
        return split(row[0])

    def _root(self, level: int, number: int) -> bytes:
        known = self._roots.known(level, number)
        return known or self._roots.of(level, number, self._full(level, number))

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
