"""Layout: which resources a tiled log consists of, their paths and their bytes (C2SP tlog-tiles).

    checkpoint                     the signed note
    tile/<level>/<number>[.p/<w>]  256 hashes of the tree, or `w` of them at its right edge
    tile/entries/<number>[.p/<w>]  as many records, each behind its length in two bytes

Numbers are written in groups of three digits, all but the last behind an `x`: `x001/x234/067`.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policyd_audit.errors import Malformed, shown
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH

CHECKPOINT = "checkpoint"
ENTRIES = -1
"""The level of entry bundles, which lie below the hashes of level 0."""

_LENGTH_BYTES = 2
# Six groups stay below 2^63, so every number that is read fits a row number of SQLite.
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])"
    r"/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class Resource(NamedTuple):
    """A tile, or at the level `ENTRIES` a bundle; `width` is 256 where it is full."""

    level: int
    number: int
    width: int

    @property
    def is_entries(self) -> bool:
        """Whether it holds records, and not only hashes."""
        return self.level == ENTRIES

    @property
    def path(self) -> str:
        """Where it lies below the log's prefix."""
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.is_entries else self.level
        return f"tile/{level}/{number}" + ("" if self.width == TILE_WIDTH else f".p/{self.width}")


def parse_path(path: str) -> Resource | None:
    """Return the resource that lies at *path*; None where none can, in this one spelling."""
    found = _PATH.fullmatch(path)
    if not found:
        return None
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    number = int(found["number"].replace("x", "").replace("/", ""))
    resource = Resource(level, number, int(found["width"] or TILE_WIDTH))
    # Neither `x000` in front nor a width that is none leads to a second path.
    return resource if resource.width <= TILE_WIDTH and resource.path == path else None


def resource_at(size: int, level: int, number: int) -> Resource | None:
    """Return that tile or bundle as it is in a tree of *size*; None where it would be empty."""
    hashes = size >> 8 * max(level, 0)
    width = min(TILE_WIDTH, hashes - TILE_WIDTH * number)
    return Resource(level, number, width) if width > 0 else None


def resources(size: int, *, first: int = 0) -> Iterator[Resource]:
    """Yield all that a log of *size* records serves beside its checkpoint, bundles first.

    Args:
        size: Number of records.
        first: Leave out what holds nothing of the records from this one on.
    """
    for level in range(ENTRIES, max(1, -(-size.bit_length() // 8))):
        below = 8 * max(level, 0)
        for number in range((first >> below) // TILE_WIDTH, -(-(size >> below) // TILE_WIDTH)):
            width = min(TILE_WIDTH, (size >> below) - TILE_WIDTH * number)
            yield Resource(level, number, width)


def bundle(records: Iterable[bytes]) -> bytes:
    """Return the bytes of an entry bundle."""
    return b"".join(len(each).to_bytes(_LENGTH_BYTES) + each for each in records)


def unbundle(data: bytes, resource: Resource) -> list[bytes]:
    """Return the records of the entry bundle *resource*.

    Raises:
        Malformed: it does not hold that many, or has bytes beyond them.
    """
    records: list[bytes] = []
    at = 0
    for _ in range(resource.width):
        try:
            (length,) = struct.unpack_from(">H", data, at)
        except struct.error:
            raise _bad(resource, f"it ends after {len(records)} records") from None
        at += _LENGTH_BYTES + length
        records.append(data[at - length : at])
    if at != len(data):
        why = "it ends within its last record" if at > len(data) else "there are bytes after them"
        raise _bad(resource, why)
    return records


def hashes_of(data: bytes, resource: Resource) -> bytes:
    """Return *data*, the hashes of the tile *resource*.

    Raises:
        Malformed: they are not as many as they should be.
    """
    if len(data) != resource.width * HASH_BYTES:
        raise _bad(resource, f"it has {len(data):,} bytes")
    return data


def _bad(resource: Resource, why: str) -> Malformed:
    what = "records" if resource.is_entries else "hashes"
    code = "bundle-malformed" if resource.is_entries else "tile-malformed"
    message = f"{shown(resource.path)} is not {resource.width} {what}: {why}"
    return Malformed(code, message, tile=resource.path)
