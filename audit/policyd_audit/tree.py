"""The Merkle tree of the ledger: RFC 6962 hashing, and what is kept to append to it.

Hashes are 32 bytes. The tree is stored in tiles 256 hashes wide (C2SP tlog-tiles): hash `i` of
level `L` is the leaf hash of record `i` for level 0, and the root of the full tile `i` of level
`L - 1` above. Tile `n` of a level holds its hashes `256 n` to `256 n + 255`.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from policyd_audit.errors import Contradiction, Malformed

HASH_BYTES = 32
TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_BYTES
EMPTY_ROOT = sha256(b"").digest()

_TILE_BITS = 8


class Tile(NamedTuple):
    """A full tile: `data` is its 256 hashes, concatenated."""

    level: int
    index: int  # type: ignore[assignment]  # the tile's number, not the method of tuples
    data: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one record's bytes (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def split(data: bytes) -> list[bytes]:
    """Return the 32-byte hashes that *data* concatenates."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class Tree:
    """The append state of a tree: enough for its root and for all that is appended later.

    `size` counts the leaves. `stack` holds the roots of the largest perfect subtrees, left to
    right, one for each set bit of `size` (the compact range).

    Args:
        size: Number of leaves so far.
        stack: As above.
        edge: Per level, from the leaves upwards, the hashes of the tile not yet full.

    Raises:
        Malformed: *stack* or *edge* has another number of hashes than *size* asks for.
    """

    def __init__(
        self, size: int = 0, stack: Sequence[bytes] = (), edge: Sequence[Sequence[bytes]] = ((),)
    ) -> None:
        levels = max(len(edge), -(-size.bit_length() // _TILE_BITS))
        wanted = [(size >> _TILE_BITS * level) % TILE_WIDTH for level in range(levels)]
        if len(stack) != size.bit_count() or [len(hashes) for hashes in edge] != wanted:
            raise Malformed("tree-state", f"the tree state is not one of a tree of size {size}")
        self.size = size
        self.stack = list(stack)
        self._edge = [list(hashes) for hashes in edge]

    def extend(self, hashes: Iterable[bytes]) -> list[Tile]:
        """Append leaf hashes; return the tiles this completed, children before parents."""
        tiles: list[Tile] = []
        for leaf in hashes:
            self.size += 1
            self._carry(0, leaf, tiles)
        return tiles

    def extend_by_tile(self, root: bytes) -> list[Tile]:
        """Append a full tile of leaf hashes by its *root*; return the tiles above it completed.

        Raises:
            Malformed: the leaves before it do not end with a tile.
        """
        if self._edge[0]:
            raise Malformed("tree-state", f"no tile begins behind {self.size} leaves")
        if len(self._edge) == 1:
            self._edge.append([])
        tiles: list[Tile] = []
        self.size += TILE_WIDTH
        self._carry(1, root, tiles)
        return tiles

    @property
    def edge(self) -> list[list[bytes]]:
        """The hashes of the tile not yet full of each level, from the leaves upwards."""
        return [list(hashes) for hashes in self._edge]

    def root(self) -> bytes:
        """Return the root hash over all leaves (RFC 6962, MTH)."""
        if not self.stack:
            return EMPTY_ROOT
        root = self.stack[-1]
        for left in self.stack[-2::-1]:
            root = node_hash(left, root)
        return root

    def _seal(self, level: int, root: bytes, tiles: list[Tile]) -> None:
        """Hand out the full tile of *level* and carry its *root* one level up."""
        edge = self._edge[level]
        index = (self.size >> _TILE_BITS * (level + 1)) - 1
        tiles.append(Tile(level, index, b"".join(edge)))
        edge.clear()
        if level + 1 == len(self._edge):
            self._edge.append([])
        self._carry(level + 1, root, tiles)

    def _carry(self, level: int, node: bytes, tiles: list[Tile]) -> None:
        """Append *node* to *level*, merging the perfect subtrees it completes there."""
        edge = self._edge[level]
        edge.append(node)
        count = len(edge)
        while not count & 1:
            node = node_hash(self.stack.pop(), node)
            count >>= 1
        if len(edge) < TILE_WIDTH:
            self.stack.append(node)
        else:
            self._seal(level, node, tiles)


def restore(
    size: int,
    stack: Sequence[bytes],
    leaves: Sequence[bytes],
    tiles: Callable[[int, int], Iterable[bytes]],
) -> Tree:
    """Return the tree of *size* leaves, rebuilt from what a ledger stores.

    Args:
        size: Number of leaves.
        stack: The stored compact range, held against what the other parts imply.
        leaves: Leaf hashes of the unfinished level-0 tile, the last `size % 256`.
        tiles: Called with a level and a first index; gives the data of that tile and of all later
            full tiles of the level, in order.

    Raises:
        Malformed: a part has another length than *size* asks for.
        Contradiction: *stack* is not what leaves and tiles add up to.
    """
    edge = [list(leaves)]
    while count := size >> _TILE_BITS * len(edge):
        below = len(edge) - 1
        edge.append([_tile_root(below, data) for data in tiles(below, count - count % TILE_WIDTH)])
    tree = from_edge(size, edge)
    if tree.stack != list(stack):
        raise Contradiction("tree-state", "the stored tree state is not that of the stored hashes")
    return tree


def from_edge(size: int, edge: Sequence[Sequence[bytes]]) -> Tree:
    """Return the tree of *size* leaves with these hashes of its unfinished tiles.

    Raises:
        Malformed: *edge* has another number of hashes than *size* asks for.
    """
    return Tree(size, [root for hashes in reversed(edge) for root in _subtrees(hashes)], edge)


def _tile_root(level: int, data: bytes) -> bytes:
    if type(data) is not bytes or len(data) != TILE_BYTES:  # a database may hold anything
        raise Malformed("tile-malformed", f"a tile of level {level} is not {TILE_BYTES:,} bytes")
    return _subtrees(split(data))[0]


def _subtrees(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the largest perfect subtrees of at most one tile's hashes."""
    tree = Tree()
    tree.extend(hashes)
    return tree.stack
