"""Checkpoint: what a log signs, one hash for all its records (C2SP tlog-checkpoint)."""

import re
from base64 import b64encode
from typing import NamedTuple

from policyd_audit.errors import Malformed, shown
from policyd_audit.note import decoded
from policyd_audit.tree import HASH_BYTES

# Row numbers in SQLite end here; no ledger can be longer.
MAX_SIZE = 2**63 - 1

_LINES = 3
_SIZE = re.compile("0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """The log named `origin` had `size` records, and their tree the hash `root`."""

    origin: str
    size: int
    root: bytes


def body(origin: str, size: int, root: bytes) -> str:
    """Return the text to sign; extension lines are never used."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def parse(text: str) -> Checkpoint:
    """Return the checkpoint that *text* spells, allowing exactly one spelling.

    Raises:
        Malformed: it is not origin, size and root, each on its line.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[-1] or not lines[0]:
        raise _bad("it is not three lines: origin, size, root")
    origin, size, root = lines[0], _size(lines[1]), decoded(lines[2])
    if size is None:
        raise _bad(f"{shown(lines[1])} is not a size")
    if root is None or len(root) != HASH_BYTES:
        raise _bad(f"{shown(lines[2])} is not the base64 of a 32-byte root")
    return Checkpoint(origin, size, root)


def _size(text: str) -> int | None:
    """Return the decimal number without sign, spaces or leading zeros, if it is one."""
    if not _SIZE.fullmatch(text):
        return None
    size = int(text)
    return size if size <= MAX_SIZE else None


def _bad(why: str) -> Malformed:
    return Malformed("checkpoint-malformed", f"the checkpoint is malformed: {why}")
