"""Evidence: what a verification needs of a log, however the log is kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from policyd_audit.errors import Malformed, VerificationError
from policyd_audit.proof import perfect_root
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH, split


class Absent(NamedTuple):
    """Stands for the bytes of a record that are not looked at here, but by their leaf hash.

    They lie in a file that was found good; or `trouble` is why they cannot be had.
    """

    trouble: VerificationError | None


class Evidence(Protocol):
    """A log's records and hashes; nothing in it is taken on trust.

    Every method raises `Malformed` where the evidence is damaged and `Unreadable` where it cannot
    be had now.
    """

    def leaves(
        self, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, object, object]]:
        """Yield number, bytes and stored leaf hash of the records from *first* to below *end*.

        They come in order. In place of bytes there may be `Absent`.
        """

    def leaf(self, seq: int) -> tuple[object, object] | None:
        """Return bytes and stored leaf hash of one record, or None."""

    def first(self) -> int:
        """Return the number of the record that the log begins at; what was before was pruned."""

    def beside(self, seq: int) -> Sequence[bytes] | None:
        """Return what is kept apart of a record; None where it is kept elsewhere."""

    def tile(self, level: int, index: int) -> bytes:
        """Return the 256 hashes of a full tile, concatenated."""

    def shared(self) -> "Shared | None":
        """Return how other processes can read its records too; None where they cannot."""

    def has_only(self, first: int, size: int) -> bool:
        """Return whether no more is stored than a record for each number from *first* on.

        Any other is missed by whoever looks for records by number.

        Args:
            first: As what is shared begins.
            size: The number behind the last record.
        """


class Shared(NamedTuple):
    """How other processes can read a log: they find its records from `first` on by number.

    `opened` gives them evidence of their own, which may be of a later moment. It can be pickled.
    """

    first: int
    opened: Callable[[], AbstractContextManager[Evidence]]


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
