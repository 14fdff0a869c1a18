"""Proofs that a record is in a tree, and that one tree goes on from another (RFC 6962, 2.1).

They are made from subtrees, so whoever has the tiles can make them, and checked without any: the
checks are the iterative ones of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Callable, Iterator, Sequence

from policyd_audit.errors import Contradiction
from policyd_audit.tree import EMPTY_ROOT, Tree, node_hash

Hashes = Callable[[int, int, int], Sequence[bytes]]
"""Level, first and count: so many hashes of one tile, from the first on."""

_TILE_BITS = 8


class Subtrees:
    """The hashes of a log's subtrees, out of its tiles.

    Args:
        hashes: As above; never asked for more than one tile has, nor beyond the tree.
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def root(self, first: int, end: int) -> bytes:
        """Return the hash of the records from *first* up to *end* (RFC 6962, MTH).

        It is one that occurs in a tree: *first* is a multiple of a power of two that is not
        smaller than the number of records.
        """
        parts = [self._perfect(at, height) for at, height in _perfect_parts(first, end)]
        if not parts:
            return EMPTY_ROOT
        root = parts[-1]
        for left in parts[-2::-1]:
            root = node_hash(left, root)
        return root

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that the record *index* is in the tree of *size*, from the leaf up."""
        return [self.root(*part) for part in _inclusion_parts(index, size)]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of size *new* goes on from that of size *old*.

        Args:
            old: From 1 to *new*; the proof from a tree to itself is empty.
            new: The later size.
        """
        return [self.root(*part) for part in _consistency_parts(old, new)]

    def stretch(self, first: int, end: int, size: int) -> list[bytes]:
        """Return what is beside the records from *first* up to *end* in the tree of *size*.

        `stretch_root` leads from the records' own hashes and these to the root of the tree.
        """
        return [self.root(*part) for part in _outside(0, size, range(first, end))]

    def _perfect(self, first: int, height: int) -> bytes:
        level, rest = divmod(height, _TILE_BITS)
        return perfect_root(self._hashes(level, first >> _TILE_BITS * level, 1 << rest))


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over *hashes*, whose number is a power of two."""
    while len(hashes) > 1:
        hashes = list(map(node_hash, hashes[::2], hashes[1::2]))
    return hashes[0]


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Nothing, if *proof* shows that record *index* of the tree with this *root* has that hash.

    Args:
        index: The record's number.
        size: Of the tree.
        leaf: The record's leaf hash.
        proof: 32 bytes each.
        root: Of the tree.

    Raises:
        Contradiction: it does not show that.
    """
    if not 0 <= index < size:
        why = f"record {index} cannot be in a tree of {size} records"
        raise Contradiction("proof-invalid", why, record=index)
    inner = (index ^ (size - 1)).bit_length()
    expected = inner + (index >> inner).bit_count()
    if len(proof) != expected:
        why = f"the proof of record {index} has {len(proof)} hashes, not {expected}"
        raise Contradiction("proof-invalid", why, record=index)
    found = leaf
    for at, other in enumerate(proof):
        is_left = at < inner and not index >> at & 1
        found = node_hash(found, other) if is_left else node_hash(other, found)
    if found != root:
        why = f"the proof does not lead from record {index} to the root"
        raise Contradiction("proof-invalid", why, record=index)


def stretch_root(
    records: range, size: int, leaves: Sequence[bytes], proof: Sequence[bytes]
) -> bytes:
    """Return the root of the tree of *size* in which these are the hashes of these records.

    Args:
        records: At least one, all below *size*.
        size: Of the tree.
        leaves: Their leaf hashes.
        proof: As `Subtrees.stretch` makes it, 32 bytes each.

    Raises:
        Contradiction: it has another number of hashes.
    """
    expected = sum(1 for _ in _outside(0, size, records))
    if len(proof) != expected:
        why = f"the proof of the records has {len(proof)} hashes, not {expected}"
        raise Contradiction("proof-invalid", why)
    following = iter(proof)

    def root(first: int, end: int) -> bytes:
        if end <= records.start or first >= records.stop:
            return next(following)
        if first >= records.start and end <= records.stop:
            tree = Tree()
            tree.extend(leaves[first - records.start : end - records.start])
            return tree.root()
        middle = first + _split(end - first)
        return node_hash(root(first, middle), root(middle, end))

    return root(0, size)


def check_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Nothing, if *proof* shows that the new tree has all records of the old one, at its start.

    Raises:
        Contradiction: it does not show that, or the new tree is smaller.
    """
    if new < old:
        why = f"the log had {old} records and now has {new}"
        raise Contradiction("log-shrank", why)
    if old in (0, new):
        same = old_root == (new_root if old else EMPTY_ROOT)
        if proof or not same:
            raise _inconsistent(old, new)
        return
    shift = (old & -old).bit_length() - 1
    # A perfect old tree is a subtree of the new one, so its hash need not be in the proof.
    nodes = [old_root, *proof] if old == 1 << shift else list(proof)
    inner = ((old - 1) ^ (new - 1)).bit_length()
    if len(nodes) != 1 + inner - shift + ((old - 1) >> inner).bit_count():
        raise _inconsistent(old, new)
    first = second = nodes[0]
    for at, other in enumerate(nodes[1:], shift):
        if at >= inner or (old - 1) >> at & 1:
            first, second = node_hash(other, first), node_hash(other, second)
        else:
            second = node_hash(second, other)
    if first != old_root or second != new_root:
        raise _inconsistent(old, new)


def _split(size: int) -> int:
    """Return the largest power of two below *size*."""
    return 1 << (size - 1).bit_length() - 1


def _perfect_parts(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield first record and height of the perfect subtrees of a range, left to right."""
    while first < end:
        height = (end - first).bit_length() - 1
        yield first, height
        first += 1 << height


def _outside(first: int, end: int, records: range) -> Iterator[tuple[int, int]]:
    """Yield the largest subtrees without any of these records, left to right."""
    if end <= records.start or first >= records.stop:
        yield first, end
    elif first < records.start or end > records.stop:
        middle = first + _split(end - first)
        yield from _outside(first, middle, records)
        yield from _outside(middle, end, records)


def _inclusion_parts(index: int, size: int) -> list[tuple[int, int]]:
    """Return the ranges of records whose hashes are the proof (RFC 6962, section 2.1.1)."""
    parts = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((first, middle))
            first = middle
    return parts[::-1]


def _consistency_parts(old: int, new: int) -> list[tuple[int, int]]:
    """Return the ranges of records whose hashes are the proof (RFC 6962, section 2.1.2)."""
    parts = []
    first, end = 0, new
    while end != old:
        middle = first + _split(end - first)
        if old <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((first, middle))
            first = middle
    # What is left is the last part of the old tree; where it is all of it, its root is known.
    return ([(first, end)] if first else []) + parts[::-1]


def _inconsistent(old: int, new: int) -> Contradiction:
    why = f"the log of {new} records does not go on from that of {old}: it was rewritten"
    return Contradiction("log-rewritten", why)
