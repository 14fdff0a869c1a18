"""Proofs of inclusion and consistency, held to the recursive definitions of RFC 6962."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd_audit.errors import Contradiction
from policyd_audit.proof import Subtrees, check_consistency, check_inclusion
from tests.unit.audit.conftest import digest, root_of

SIZE = 700
LEAVES = [digest(b"%d" % at) for at in range(SIZE)]
ROOTS = {size: root_of(LEAVES[:size]) for size in (0, *range(1, 70), 255, 256, 257, 512, 513, 700)}


def hashes(level: int, first: int, count: int) -> list[bytes]:
    """The hashes of the tiles of a tree of `LEAVES`."""
    if not level:
        return LEAVES[first : first + count]
    return [root_of(LEAVES[at * 256 : (at + 1) * 256]) for at in range(first, first + count)]


SUBTREES = Subtrees(hashes)


def split(size: int) -> int:
    """The largest power of two below *size*."""
    return 1 << (size - 1).bit_length() - 1


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root_of(leaves[k:])]
    return [*path(index - k, leaves[k:]), root_of(leaves[:k])]


def subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], whole=whole), root_of(leaves[k:])]
    return [*subproof(old - k, leaves[k:], whole=False), root_of(leaves[:k])]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 256, 257, 700])
def test_inclusion_is_that_of_the_rfc(size: int) -> None:
    """The proof of every record is the defined one, and leads to the root."""
    for index in range(0, size, 1 if size < 100 else 17):
        proof = SUBTREES.inclusion(index, size)
        assert proof == path(index, LEAVES[:size])
        check_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 64, 257, 700])
def test_consistency_is_that_of_the_rfc(size: int) -> None:
    """The proof from every earlier size is the defined one, and leads to both roots."""
    for old in [each for each in ROOTS if 0 < each <= size]:
        proof = SUBTREES.consistency(old, size)
        assert proof == subproof(old, LEAVES[:size], whole=True)
        check_consistency(old, size, proof, ROOTS[old], ROOTS[size])


def test_the_empty_tree_has_a_root() -> None:
    """No records: the hash of nothing, from which every tree goes on."""
    assert SUBTREES.root(0, 0) == digest(b"")
    check_consistency(0, 7, [], digest(b""), ROOTS[7])
    check_consistency(0, 0, [], digest(b""), digest(b""))


SIZES = st.integers(1, 69)
CHANGES = st.sampled_from(["flip", "drop", "add", "swap", "repeat"])


def damaged(proof: Sequence[bytes], change: str, at: int) -> list[bytes]:
    """The *proof* with one hash changed, taken away, added or moved."""
    other = list(proof)
    if not other or change == "add":
        other.insert(at % (len(other) + 1), digest(b"other"))
    elif change == "flip":
        other[at % len(other)] = digest(b"other")
    elif change == "drop":
        del other[at % len(other)]
    elif change == "repeat":
        other.append(other[-1])
    else:
        other.insert(0, other.pop())
    return other


@given(st.data(), SIZES, CHANGES, st.integers(0, 9))
def test_a_changed_inclusion_proof_fails(data: st.DataObject, size: int, how: str, at: int) -> None:
    """No hash of a proof can be left out, added, replaced or moved."""
    index = data.draw(st.integers(0, size - 1))
    good = SUBTREES.inclusion(index, size)
    bad = damaged(good, how, at)
    if bad == good:
        return
    with pytest.raises(Contradiction) as caught:
        check_inclusion(index, size, LEAVES[index], bad, ROOTS[size])
    assert caught.value.code == "proof-invalid"
    assert caught.value.facts == {"record": index}


@given(st.data(), SIZES, CHANGES, st.integers(0, 9))
def test_a_changed_consistency_proof_fails(
    data: st.DataObject, size: int, how: str, at: int
) -> None:
    """The same of consistency."""
    old = data.draw(st.integers(1, size))
    good = SUBTREES.consistency(old, size)
    bad = damaged(good, how, at)
    if bad == good:
        return
    with pytest.raises(Contradiction) as caught:
        check_consistency(old, size, bad, ROOTS[old], ROOTS[size])
    assert caught.value.code == "log-rewritten"


@pytest.mark.parametrize("index", [-1, 5, 6, 4])
def test_a_proof_is_of_one_record(index: int) -> None:
    """Another number, also one that the tree does not have, is refused."""
    with pytest.raises(Contradiction):
        check_inclusion(index, 5, LEAVES[3], SUBTREES.inclusion(3, 5), ROOTS[5])


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "code"),
    [
        (5, 4, ROOTS[5], ROOTS[4], "log-shrank"),
        (5, 5, ROOTS[5], ROOTS[4], "log-rewritten"),
        (5, 9, ROOTS[4], ROOTS[9], "log-rewritten"),
        (5, 9, ROOTS[5], ROOTS[8], "log-rewritten"),
        (4, 9, ROOTS[5], ROOTS[9], "log-rewritten"),
        (0, 9, ROOTS[5], ROOTS[9], "log-rewritten"),
    ],
)
def test_other_trees_are_told_apart(
    old: int, new: int, old_root: bytes, new_root: bytes, code: str
) -> None:
    """A tree that is smaller, or of another root, does not go on from the old one."""
    proof = SUBTREES.consistency(old, new) if 0 < old <= new else []
    with pytest.raises(Contradiction) as caught:
        check_consistency(old, new, proof, old_root, new_root)
    assert caught.value.code == code
