"""The Merkle tree."""

import json
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit.errors import Contradiction, Malformed
from policyd_audit.proof import perfect_root
from policyd_audit.tree import EMPTY_ROOT, Tile, Tree, leaf_hash, node_hash, restore, split

SAMPLE = json.loads((Path(__file__).parent / "vectors.json").read_text())["policyd_sample"]
HASHES = [leaf_hash(b"%d" % number) for number in range(140_000)]
LARGE = [65_535, 65_536, 65_537, 131_328]

# The leaves, and the roots over the first one to eight of them, that implementations of
# Certificate Transparency are tested with.
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(first: int, end: int) -> bytes:
    """The tree hash of some of `HASHES`, as RFC 6962 defines it."""
    if end - first < 2:
        return HASHES[first] if end > first else EMPTY_ROOT
    middle = first + (1 << (end - first - 1).bit_length() - 1)
    return node_hash(naive_root(first, middle), naive_root(middle, end))


def grown(size: int) -> tuple[Tree, dict[tuple[int, int], bytes]]:
    """A tree of so many leaves, and its full tiles."""
    tree = Tree()
    return tree, {(tile.level, tile.index): tile.data for tile in tree.extend(HASHES[:size])}


def restored(tree: Tree, tiles: dict[tuple[int, int], bytes]) -> Tree:
    """The same tree again, from what a ledger stores."""

    def load(level: int, index: int) -> Iterable[bytes]:
        while (level, index) in tiles:
            yield tiles[level, index]
            index += 1

    unfinished = HASHES[tree.size - tree.size % 256 : tree.size]
    return restore(tree.size, tree.stack, unfinished, load)


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """The root over no leaves is SHA-256 of the empty string (RFC 6962)."""
    assert Tree().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """Roots agree with the test vectors other implementations use."""
    tree = Tree()
    tree.extend(leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES[:size])
    assert tree.root().hex() == CT_ROOTS[size - 1]


def sample_entry(seq: int) -> bytes:
    """A record of the sample log."""
    entry = {
        "v": 1,
        "seq": seq,
        "decision": "allow" if seq % 3 else "deny",
        "nonce": sha256(str(seq).encode()).hexdigest()[:32],
    }
    return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()


def test_root_and_tile_of_the_sample_log() -> None:
    """A log of 300 records has the root and the first tile an independent program computed."""
    tree = Tree()
    tiles = tree.extend(leaf_hash(sample_entry(seq)) for seq in range(300))
    assert b64encode(tree.root()).decode() == SAMPLE["checkpoint_300"].split("\n")[2]
    assert [(tile.level, tile.index) for tile in tiles] == [(0, 0)]
    assert sha256(tiles[0].data).hexdigest() == SAMPLE["tile_0_0_sha256"]


def check_growth(size: int, cuts: list[int]) -> None:
    """Hold a tree that grew in batches to the definitions."""
    bounds = [0, *sorted(cut for cut in cuts if cut < size), size]
    tree, tiles = Tree(), []
    for first, end in pairwise(bounds):
        tiles += tree.extend(HASHES[first:end])
    assert (tree.size, tree.root()) == (size, naive_root(0, size))
    assert [tile for tile in tiles if tile.level == 0] == [
        Tile(0, n, b"".join(HASHES[256 * n : 256 * n + 256])) for n in range(size >> 8)
    ]
    assert [tile for tile in tiles if tile.level > 0] == [
        Tile(1, n, b"".join(naive_root(at << 8, at + 1 << 8) for at in range(n << 8, n + 1 << 8)))
        for n in range(size >> 16)
    ]


@settings(deadline=None)
@given(size=st.integers(0, 1_100), cuts=st.lists(st.integers(0, 1_100), max_size=6))
def test_any_batching_gives_the_tree_of_the_definition(size: int, cuts: list[int]) -> None:
    """However leaves arrive, root and tiles are those RFC 6962 and tlog-tiles define."""
    check_growth(size, cuts)


@pytest.mark.parametrize("size", LARGE)
def test_a_large_tree_is_that_of_the_definition(size: int) -> None:
    """Around a full tile of level 1, root and tiles of both levels are those defined."""
    check_growth(size, [1, 65_535, 65_536])


@pytest.mark.parametrize("first", [0, 256, 65_536 - 256])
def test_a_tile_may_be_appended_by_its_root(first: int) -> None:
    """The tree, and the tiles above, are those of the leaves one by one."""
    hashes = [leaf_hash(b"%d" % at) for at in range(first + 600)]
    one_by_one, by_tile = Tree(), Tree()
    one_by_one.extend(hashes[:first])
    by_tile.extend(hashes[:first])
    for at in (first, first + 256):
        tiles = one_by_one.extend(hashes[at : at + 256])
        assert by_tile.extend_by_tile(perfect_root(hashes[at : at + 256])) == tiles[1:]
    one_by_one.extend(hashes[first + 512 :])
    by_tile.extend(hashes[first + 512 :])
    assert (by_tile.size, by_tile.edge[0]) == (one_by_one.size, one_by_one.edge[0])
    assert (by_tile.stack, by_tile.edge) == (one_by_one.stack, one_by_one.edge)
    with pytest.raises(Malformed, match="no tile begins"):
        by_tile.extend_by_tile(hashes[0])


def test_tiles_come_children_first() -> None:
    """A tile is handed out after all tiles under it."""
    tiles = Tree().extend(HASHES[:65_536])
    assert [tile.level for tile in tiles] == [0] * 256 + [1]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_000, *LARGE])
def test_a_restored_tree_grows_like_the_one_that_was_stored(size: int) -> None:
    """A tree read back from stored parts gives the same root and tiles from then on."""
    tree, tiles = grown(size)
    again = restored(tree, tiles)
    assert again.root() == tree.root()
    assert again.extend(HASHES[:700]) == tree.extend(HASHES[:700])
    assert again.stack == tree.stack


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 1_100), data=st.data())
def test_a_changed_part_is_not_restored(size: int, data: st.DataObject) -> None:
    """A stack that is not what leaves and tiles add up to is refused."""
    tree, tiles = grown(size)
    at = data.draw(st.integers(0, len(tree.stack) - 1))
    tree.stack[at] = bytes(32)
    with pytest.raises(Contradiction) as caught:
        restored(tree, tiles)
    assert caught.value.code == "tree-state"


@pytest.mark.parametrize("size", [256, 300, 512, 65_536])
def test_a_missing_tile_is_not_restored(size: int) -> None:
    """A tree whose last tile is not stored is refused."""
    tree, tiles = grown(size)
    del tiles[max(tiles)]
    with pytest.raises(Malformed, match="not one of a tree of size"):
        restored(tree, tiles)


@pytest.mark.parametrize("data", [b"", bytes(8191), "0" * 8192], ids=["empty", "short", "text"])
def test_a_malformed_tile_is_not_restored(data: bytes) -> None:
    """A stored tile that is not 256 hashes is refused, whatever it is instead."""
    tree, tiles = grown(300)
    tiles[0, 0] = data
    with pytest.raises(Malformed, match="a tile of level 0 is not 8,192 bytes"):
        restored(tree, tiles)


@pytest.mark.parametrize(
    ("size", "stack", "edge"),
    [
        (1, [], [[HASHES[0]]]),
        (1, [HASHES[0]], [[]]),
        (1, [HASHES[0]], []),
        (256, [HASHES[0]], [[]]),
        (0, [], [[HASHES[0]]]),
    ],
)
def test_a_state_of_another_size_is_refused(
    size: int, stack: list[bytes], edge: list[list[bytes]]
) -> None:
    """A tree cannot start from parts that do not belong to its size."""
    with pytest.raises(Malformed) as caught:
        Tree(size, stack, edge)
    assert caught.value.code == "tree-state"


def test_split_takes_a_concatenation_apart() -> None:
    """Concatenated hashes come back one by one."""
    assert split(HASHES[0] + HASHES[1]) == HASHES[:2]
