"""Evidence: what a verification needs of a log, however the log is kept."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from policyd_audit.errors import Malformed
from policyd_audit.proof import perfect_root
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH, split


class Evidence(Protocol):
    """A log's records and hashes; nothing in it is taken on trust.

    Every method raises `Malformed` where the evidence is damaged and `Unreadable` where it cannot
    be had now.
    """

    def leaves(self, first: int = 0) -> Iterator[tuple[int, object, object]]:
        """Yield number, bytes and stored leaf hash of the records from *first* on, in order."""

    def leaf(self, seq: int) -> tuple[object, object] | None:
        """Return bytes and stored leaf hash of one record, or None."""

    def tile(self, level: int, index: int) -> bytes:
        """Return the 256 hashes of a full tile, concatenated."""


def stored_hashes(evidence: Evidence, size: int) -> Callable[[int, int, int], Sequence[bytes]]:
    """Return the hashes of a tree of *size*, out of full tiles and stored leaf hashes.

    They are what `proof.Subtrees` asks for.
    """

    def hashes(level: int, first: int, count: int) -> Sequence[bytes]:
        number, at = divmod(first, TILE_WIDTH)
        if (number + 1) * TILE_WIDTH <= size >> 8 * level:
            return split(evidence.tile(level, number))[at : at + count]
        if level:
            below = range(first, first + count)
            return [perfect_root(split(evidence.tile(level - 1, each))) for each in below]
        return [_leaf_hash(evidence, seq) for seq in range(first, first + count)]

    return hashes


def _leaf_hash(evidence: Evidence, seq: int) -> bytes:
    _, stored = evidence.leaf(seq) or (None, None)
    if type(stored) is not bytes or len(stored) != HASH_BYTES:
        raise Malformed("record-missing", f"record {seq}: it has no leaf hash", record=seq)
    return stored
