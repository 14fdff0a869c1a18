"""Screening: what is seen of records before the walk takes them."""

from collections.abc import Iterator

import pytest

from policyd_audit.errors import Malformed
from policyd_audit.screening import Row, are_in_order, are_records, look, looked_at
from policyd_audit.tree import leaf_hash
from tests.unit.audit.conftest import content, encoded, leaf


def rows(size: int) -> Iterator[Row]:
    """Records of a good log."""
    return ((at, leaf(at), b"") for at in range(size))


def test_what_passes_has_its_time() -> None:
    """The time of a record that is right in itself; nothing of one that is not."""
    good, bad = leaf(1), leaf(2).replace(b'"v":1', b'"v":2')
    moved = encoded(content(5) | {"id": content(6)["id"]})
    found = look([good, bad, moved, "text", None])
    assert found.times == [content(1)["ts"], None, None, None, None]
    assert found.hashes == [*map(leaf_hash, (good, bad, moved)), None, None]


@pytest.mark.parametrize("size", [0, 1, 512, 1_100])
def test_rows_come_in_order_and_whole(size: int) -> None:
    """Every row comes with what was seen of it."""
    found = list(looked_at(rows(size)))
    assert [row for each in found for row in each.rows] == list(rows(size))
    times = [ts for each in found if each.seen for ts in each.seen.times]
    assert times == [content(at)["ts"] for at in range(size)]


def test_what_the_evidence_raises_comes_after_the_rows_before() -> None:
    """A log that breaks off is walked to where it does."""

    def broken(size: int) -> Iterator[Row]:
        yield from rows(size)
        raise Malformed("ledger-damaged", "it ends here")

    for size in (700, 512, 0):
        met: list[int] = []

        def walk(size: int = size, met: list[int] = met) -> None:
            for chunk in looked_at(broken(size)):
                met.extend(seq for seq, *_ in chunk.rows)

        with pytest.raises(Malformed, match="it ends here"):
            walk()
        assert met == list(range(size))


@pytest.mark.parametrize(
    ("row", "is_one"),
    [
        ((7, b"a", b"h"), True),
        ((8, b"a", b"h"), False),
        ((7, b"a", b"g"), False),
        ((7, b"a", "h"), False),
        ((7, b"a", bytearray(b"h")), False),
    ],
)
def test_a_record_has_its_number_and_its_hash(row: Row, *, is_one: bool) -> None:
    """A row is the record that it should be if number and stored hash say so."""
    assert are_records([(6, b"a", b"h"), row], 6, [b"h", b"h"]) is is_one


def test_times_may_stand_still() -> None:
    """They may never go back."""
    assert are_in_order(["a", "a", "b"])
    assert not are_in_order(["a", "b", "a"])
