"""Trust in segments: each is read once, before it is needed where there is time for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policyd.search.trusted import Trusted

if TYPE_CHECKING:
    from policyd.ledger.shelf import Shelf
    from tests.small_log import SmallLog


class Looking(Trusted):
    """Tells which segments were read."""

    def __init__(self, small: SmallLog) -> None:
        super().__init__(small.shelf, small.signer)
        self.read: list[int] = []

    def _check(self, number: int) -> bool:
        self.read.append(number)
        return super()._check(number)


def test_each_is_read_once(filled: SmallLog) -> None:
    """The newest first, one at a time, until all are known; a question reads none again."""
    trusted = Looking(filled)

    assert [trusted.prepare() for _ in range(6)] == [True] * 4 + [False] * 2
    assert trusted.read == [3, 2, 1, 0]
    assert all(map(trusted.is_good, range(4)))
    assert trusted.read == [3, 2, 1, 0]


def test_what_was_replaced_is_read_again(filled: SmallLog) -> None:
    """Being prepared is no reason to trust what has changed since."""
    trusted = Looking(filled)
    while trusted.prepare():
        pass
    _spoil(filled.shelf, 2)

    assert [trusted.is_good(each) for each in range(4)] == [True, True, False, True]
    assert trusted.read[4:] == [2]


def test_a_folder_without_segments(small: SmallLog) -> None:
    """There is nothing to be done."""
    assert not Looking(small).prepare()


def _spoil(shelf: Shelf, number: int) -> None:
    path = shelf.file(number)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
