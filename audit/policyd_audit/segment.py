"""Segments: stretches of the log that were sealed into a file, and what their manifests say.

A manifest is a signed note of the log's key. Its text names the file, its SHA-256 and length, and
the hash of the tree over the records in it:

    policyd segment v1
    origin policyd.example/log
    segment 3
    records 196608 262144
    times 2026-03-01T12:00:00.000000Z 2026-03-01T12:09:30.000000Z
    root <base64>
    file segment-000003.parquet 9437184 <hex>

The first line has spaces, as no name of a log has, so that none is ever taken for a checkpoint.
"""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

from policyd_audit.errors import Malformed, Unreadable, shown
from policyd_audit.note import decoded
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH

FOLDER = "segments"
"""Where segments lie, beside the ledger's file."""

RECORDS = 65_536
"""How many records a segment has: one full subtree, 256 tiles of 256."""

_TS = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_NUMBER = "(0|[1-9][0-9]{0,18})"
_TEXT = re.compile(
    "policyd segment v1\n"
    r"origin ([!-~]{1,255})\n"
    rf"segment {_NUMBER}\n"
    rf"records {_NUMBER} {_NUMBER}\n"
    rf"times ({_TS}) ({_TS})\n"
    r"root ([A-Za-z0-9+/=]{44})\n"
    rf"file (segment-[0-9]{{6,19}}\.parquet) {_NUMBER} ([0-9a-f]{{64}})\n"
)


class Segment(NamedTuple):
    """What a manifest says.

    The file holds the records from `first` to below `end`, the oldest of `earliest`, the newest
    of `latest`. They are one full subtree of the log's tree, whose hash is `root`.
    """

    origin: str
    number: int
    first: int
    end: int
    earliest: str
    latest: str
    root: bytes
    size: int
    sha256: str

    @property
    def file(self) -> str:
        """Name of the file with the records."""
        return file_name(self.number)


def file_name(number: int) -> str:
    """Return the name of the file of a segment.

    >>> file_name(3)
    'segment-000003.parquet'
    """
    return f"segment-{number:06d}.parquet"


def manifest_name(number: int) -> str:
    """Return the name of the manifest of a segment."""
    return f"segment-{number:06d}.manifest"


def body(segment: Segment) -> str:
    """Return the text to sign."""
    return (
        "policyd segment v1\n"
        f"origin {segment.origin}\n"
        f"segment {segment.number}\n"
        f"records {segment.first} {segment.end}\n"
        f"times {segment.earliest} {segment.latest}\n"
        f"root {b64encode(segment.root).decode()}\n"
        f"file {segment.file} {segment.size} {segment.sha256}\n"
    )


def parse(text: str) -> Segment:
    """Return what the text of a manifest says, allowing exactly one spelling.

    Raises:
        Malformed: it is none.
    """
    found = _TEXT.fullmatch(text)
    root = decoded(found[7]) if found else None
    if not found or root is None or len(root) != HASH_BYTES:
        raise Malformed("manifest-malformed", "it is not the text of a segment's manifest")
    first, end, number = int(found[3]), int(found[4]), int(found[2])
    segment = Segment(
        found[1], number, first, end, found[5], found[6], root, int(found[9]), found[10]
    )
    records = end - first
    is_subtree = TILE_WIDTH <= records <= RECORDS and not records & (records - 1)
    if found[8] != segment.file or first != number * records or not is_subtree:
        raise Malformed("manifest-malformed", "its number, records and file do not fit together")
    return segment


def check_file(path: Path, segment: Segment) -> None:
    """Nothing, if the file at *path* is the one that *segment* names.

    Raises:
        Malformed: it is missing, or has another length or other bytes.
        Unreadable: it cannot be read now.
    """
    try:
        size = path.stat().st_size
        if size == segment.size:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise _bad(segment, "is missing") from None
    except OSError as error:
        why = f"{shown(segment.file)} cannot be read: {error.strerror}"
        raise Unreadable("file-unreadable", why) from error
    if size != segment.size:
        raise _bad(segment, f"has {size:,} bytes, not the {segment.size:,} of its manifest")
    if found != segment.sha256:
        raise _bad(segment, "has other bytes than its manifest says")


def _bad(segment: Segment, why: str) -> Malformed:
    message = f"{shown(segment.file)}, with records {segment.first} to {segment.end - 1}, {why}"
    return Malformed("segment-damaged", message, segment=segment.number)
