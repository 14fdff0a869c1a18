"""A tiled log as evidence: its records and hashes, out of a folder or a running server.

It is read as of one checkpoint. A partial tile or bundle of that size may have given way to the
full one, which begins with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType

from policyd_audit import record
from policyd_audit.errors import Malformed
from policyd_audit.evidence import Absent, Shared
from policyd_audit.layout import (
    CHECKPOINT,
    ENTRIES,
    Resource,
    bundle,
    hashes_of,
    resource_at,
    unbundle,
)
from policyd_audit.sources import Source
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH, Tree, from_edge, leaf_hash, split

_MAX_NOTE_BYTES = 1 << 18
_MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + record.MAX_BYTES)
# Those that are looked at in turn; records are read some way ahead of their tiles.
_KEPT_BUNDLES = 4
_KEPT_TILES = 1024


class TiledLog(AbstractContextManager["TiledLog"]):
    """The resources of a log, some kept; a context manager that closes their source.

    Every method raises `Malformed` for what is damaged or missing, and `Unreadable` for what
    cannot be had now.

    Attributes:
        size: Number of records, as of the checkpoint that it is read by; set it first.
    """

    def __init__(self, source: Source) -> None:
        self.size = 0
        self._first: int | None = None
        self._source = source
        self._bundles: dict[Resource, bytes] = {}
        self._tiles: dict[Resource, bytes] = {}
        self._loss: Malformed | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()

    def note(self) -> str:
        """Return the signed checkpoint."""
        data = self._source.get(CHECKPOINT, _MAX_NOTE_BYTES)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise Malformed("note-malformed", "the checkpoint is not UTF-8") from error

    def leaves(
        self, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, object, object]]:
        """Yield number, bytes and leaf hash of the records from *first* to below *end*.

        In place of bytes that the log has lost there is `Absent`.
        """
        end = self.size if end is None else end
        for number in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
            start = number * TILE_WIDTH
            try:
                records: list[bytes] | list[Absent] = self._bundle(number)
            except Malformed as error:
                if error.code != "records-lost":
                    raise
                # Their hashes are left, so all others can still be held to the tree.
                records = [Absent(self._lost(error))] * min(TILE_WIDTH, self.size - start)
            stored: Sequence[object] = self._level_0(number) or list(map(_hash, records))
            for at in range(max(first - start, 0), min(end - start, len(records))):
                yield start + at, records[at], stored[at]

    def leaf(self, seq: int) -> tuple[object, object] | None:
        """Return bytes and leaf hash of one record, or None."""
        if not 0 <= seq < self.size:
            return None
        return self.record(seq), self.hashes(0, seq, 1)[0]

    def record(self, seq: int) -> bytes:
        """Return the bytes of a record that the log has."""
        return self._bundle(seq // TILE_WIDTH)[seq % TILE_WIDTH]

    def first(self) -> int:
        """Return the number of the record that the log begins at, as its bundles have it."""
        if self._first is None:
            self._first = self._find_first()
        return self._first

    def beside(self, seq: int) -> None:
        """Return None: what is kept apart of records is not part of a tiled log."""

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a full tile."""
        return self._tile(Resource(level, index, TILE_WIDTH))

    def shared(self) -> Shared:
        """Return how other processes can read it, each over a connection of its own."""
        return Shared(0, partial(_reopened, self._source, self.size))

    def has_only(self, first: int, size: int) -> bool:  # noqa: ARG002
        """Return True: there is nothing in it that no number leads to."""
        return True

    def hashes(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """Return so many hashes of one tile that the tree has, from *first* on."""
        number, at = divmod(first, TILE_WIDTH)
        resource = resource_at(self.size, level, number)
        if resource is None or at + count > resource.width:
            raise Malformed("tile-missing", f"a log of {self.size} records has no such hash")
        return split(self._tile(resource)[at * HASH_BYTES : (at + count) * HASH_BYTES])

    def tree(self, size: int) -> Tree:
        """Return the tree of the first *size* records, as the hashes have it."""
        edge = []
        for level in range(max(1, -(-size.bit_length() // 8))):
            count = (size >> 8 * level) % TILE_WIDTH
            first = (size >> 8 * level) - count
            edge.append(list(self.hashes(level, first, count)) if count else [])
        return from_edge(size, edge)

    def find(self, record_id: str) -> int | None:
        """Return the number of the record with this id, by halving: ids begin with their time."""
        wanted = record.id_millisecond(record_id)
        low, high = self.first(), self.size
        while low < high:
            middle = (low + high) // 2
            if self._millisecond(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        while low < self.size and self._millisecond(low) == wanted:
            if self._id(low) == record_id:
                return low
            low += 1
        return None

    def _find_first(self) -> int:
        """Return where the bundles begin, by halving; 0 where there is none at all."""
        low, high = 0, max(0, self.size - 1) // TILE_WIDTH
        if not self.size or self._has_bundle(low) or not self._has_bundle(high):
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            if self._has_bundle(middle):
                high = middle
            else:
                low = middle
        return high * TILE_WIDTH

    def _has_bundle(self, number: int) -> bool:
        try:
            self._bundle(number)
        except Malformed as error:
            return error.code != "resource-missing"
        return True

    def _millisecond(self, seq: int) -> int:
        return record.id_millisecond(self._id(seq))

    def _id(self, seq: int) -> str:
        found = record.claimed_id(self.record(seq))
        if found is None:
            raise Malformed("record-malformed", f"record {seq}: it has no id", record=seq)
        return found

    def _lost(self, error: Malformed) -> Malformed:
        """Return the one error for all bundles that are lost for the same reason."""
        if self._loss is None or self._loss.message != error.message:
            self._loss = error
        return self._loss

    def _level_0(self, number: int) -> list[bytes] | None:
        """Return the leaf hashes of one bundle; None where their tile is damaged.

        Whoever walks the log meets that tile again and reports it, once.
        """
        try:
            resource = resource_at(self.size, 0, number)
            return split(self._tile(resource)) if resource else None
        except Malformed:
            return None

    def _bundle(self, number: int) -> list[bytes]:
        width = min(TILE_WIDTH, self.size - TILE_WIDTH * number)
        resource = Resource(ENTRIES, number, width)
        return unbundle(self._fetch(resource), resource)

    def _tile(self, resource: Resource) -> bytes:
        return hashes_of(self._fetch(resource), resource)

    def _fetch(self, resource: Resource) -> bytes:
        kept, most = (
            (self._bundles, _KEPT_BUNDLES) if resource.is_entries else (self._tiles, _KEPT_TILES)
        )
        found = kept.get(resource)
        if found is None:
            found = self._cut(resource)
            if len(kept) >= most:
                del kept[next(iter(kept))]
            kept[resource] = found
        return found

    def _cut(self, resource: Resource) -> bytes:
        """Return the bytes of a resource; a partial one perhaps out of the full one."""
        most = _MAX_BUNDLE_BYTES if resource.is_entries else TILE_WIDTH * HASH_BYTES
        try:
            return self._source.get(resource.path, most)
        except Malformed as error:
            if error.code != "resource-missing" or resource.width == TILE_WIDTH:
                raise
            full = resource._replace(width=TILE_WIDTH)
            try:
                data = self._source.get(full.path, most)
            except Malformed:
                raise error from None
        if not resource.is_entries:
            return data[: resource.width * HASH_BYTES]
        return bundle(unbundle(data, full)[: resource.width])


def _reopened(source: Source, size: int) -> TiledLog:
    log = TiledLog(source)
    log.size = size
    return log


def _hash(leaf: bytes | Absent) -> bytes | None:
    return None if isinstance(leaf, Absent) else leaf_hash(leaf)
