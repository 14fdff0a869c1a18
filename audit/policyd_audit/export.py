"""Exports: what the manifest of records that were taken out of a log says.

A manifest is a signed note of the log's key. The log stands by the first lines: that the holder of
that key took these records, of a log with that tree. The lines about files are the word of whoever
took them, so that nobody else changes them unseen; each record of a file can be held to the tree.

    policyd export v1
    origin policyd.example/log
    export 0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33
    by k3yk3yk3
    form ndjson
    tree 70000 <base64>
    records 0 70000
    left-out 0 65536
    file records.ndjson 52428800 <hex>

An export in lines has a second file, `proof`: hashes in base64, one a line, with which its records
add up to that tree (`proof.Subtrees.stretch`).
"""

import re
from base64 import b64encode
from typing import NamedTuple

from policyd_audit.errors import Malformed
from policyd_audit.note import decoded
from policyd_audit.tree import HASH_BYTES

MANIFEST, PROOF = "manifest", "proof"

_NUMBER = "(?:0|[1-9][0-9]{0,18})"
_LINES = re.compile(
    "policyd export v1\n"
    r"origin ([!-~]{1,255})\n"
    r"export ([!-~]{1,64})\n"
    r"by ([!-~]{1,64})\n"
    r"form ([a-z]{1,32})\n"
    rf"tree ({_NUMBER}) ([A-Za-z0-9+/=]{{44}})\n"
    rf"records ({_NUMBER}) ({_NUMBER})\n"
    rf"((?:left-out {_NUMBER} {_NUMBER}\n)*)"
    rf"((?:file [!-~]{{1,160}} {_NUMBER} [0-9a-f]{{64}}\n)*)"
)


class File(NamedTuple):
    """A file of an export: its path, length, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Export(NamedTuple):
    """What a manifest says; ranges are from the first record to below the last."""

    origin: str
    id: str
    by: str
    form: str
    size: int
    root: bytes
    records: tuple[int, int]
    left_out: tuple[tuple[int, int], ...]
    files: tuple[File, ...]


def body(export: Export) -> str:
    """Return the text to sign."""
    lines = [
        "policyd export v1",
        f"origin {export.origin}",
        f"export {export.id}",
        f"by {export.by}",
        f"form {export.form}",
        f"tree {export.size} {b64encode(export.root).decode()}",
        f"records {export.records[0]} {export.records[1]}",
        *(f"left-out {first} {end}" for first, end in export.left_out),
        *(f"file {each.path} {each.size} {each.sha256}" for each in export.files),
    ]
    return "\n".join(lines) + "\n"


def parse(text: str) -> Export:
    """Return what the text of a manifest says, allowing exactly one spelling.

    Raises:
        Malformed: it is none.
    """
    found = _LINES.fullmatch(text)
    root = decoded(found[6]) if found else None
    if not found or root is None or len(root) != HASH_BYTES:
        raise Malformed("manifest-malformed", "it is not the text of an export's manifest")
    gaps = [line.split(" ") for line in found[9].splitlines()]
    files = [line.split(" ") for line in found[10].splitlines()]
    export = Export(
        origin=found[1],
        id=found[2],
        by=found[3],
        form=found[4],
        size=int(found[5]),
        root=root,
        records=(int(found[7]), int(found[8])),
        left_out=tuple((int(first), int(end)) for _, first, end in gaps),
        files=tuple(File(path, int(size), sha256) for _, path, size, sha256 in files),
    )
    first, end = export.records
    # What was left out lies within, in order, with records between.
    borders = [first - 1, *(each for gap in export.left_out for each in gap), end + 1]
    if not first < end <= export.size or borders != sorted(set(borders)):
        raise Malformed("manifest-malformed", "its records are not some of its tree, in order")
    return export
