"""Values on their way between two processes of ours."""

import pytest

from policyd.policy.deliveries import Delivery
from policyd.policy.load import load
from policyd.policy.packing import Packed, Unpackable, pack, unpack, unpack_piece
from tests.servers import POLICIES


def test_a_snapshot_comes_out_as_it_went_in() -> None:
    """Also its time zone, which Python would not pack."""
    snapshot = load(POLICIES)
    assert unpack(pack(snapshot)) == snapshot
    assert unpack(pack(snapshot.calendar)).zone is snapshot.calendar.zone


def test_what_is_the_same_has_the_same_key() -> None:
    """The key is that of the content, and a packed sequence can be gone through."""
    rules = tuple(load(POLICIES).rules.values())
    assert Packed.of(rules).key == Packed.of(tuple(load(POLICIES).rules.values())).key
    assert Packed.of(rules).key != Packed.of(rules[1:]).key
    assert tuple(Packed.of(rules)) == rules


@pytest.mark.parametrize("data", [b"", b"abc", pack("it")[:-1], b"cos\nnothing\n."])
def test_what_nobody_packed(data: bytes) -> None:
    """It is one kind of error, whatever is wrong with it."""
    with pytest.raises(Unpackable):
        unpack(data)


def test_a_piece_is_what_its_key_says() -> None:
    """One that is another is refused before it is looked into."""
    piece = Packed.of("this")
    assert unpack_piece(piece.key, piece.data) == "this"
    with pytest.raises(Unpackable, match="not what its key"):
        unpack_piece(piece.key, Packed.of("that").data)


def test_a_snapshot_of_other_parts() -> None:
    """A delivery by another version of the program is refused, not half made."""
    with pytest.raises(Unpackable, match="a snapshot of 1 parts"):
        Delivery("sha256:00", {"company": "key"}, {}, ()).snapshot({"key": "us"})
