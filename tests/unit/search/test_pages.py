"""Pages: what a query finds, wherever it lies, page by page of a log that stays the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policyd.search.asking import Bounds, Failed, Page, Refused

if TYPE_CHECKING:
    from tests.small_log import SmallLog


def is_denied(number: int) -> bool:
    """Whether the record of that number is of a denial."""
    return number % 3 == 1 and number % 2 == 0


def test_every_record_is_found_once(filled: SmallLog) -> None:
    """In segments alone, in a segment and the ledger's file, in that file alone: once each."""
    asker = filled.asker()
    assert asker.numbers() == list(range(1099, -1, -1))
    assert asker.numbers(newest_first=False) == list(range(1100))
    assert asker.numbers("decision:deny") == filled.numbers(is_denied)


def test_a_record_is_found_as_soon_as_it_is_there(filled: SmallLog) -> None:
    """Each question sees the log as it is, also where a stretch is sealed in between."""
    asker = filled.asker()
    for grown in (1, 255, 300, 700):
        filled.grow(grown)
        assert asker.numbers() == filled.numbers(lambda _: True)
        filled.seal()
        assert asker.numbers() == filled.numbers(lambda _: True)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 100, 300])
def test_pages_cover_what_is_found(filled: SmallLog, limit: int, *, newest_first: bool) -> None:
    """Page by page each record is there once, in order, whatever comes in between."""
    expected = filled.numbers(is_denied)
    size = len(filled.leaves)
    asker, cursor, found = filled.asker(), None, list[int]()
    while True:
        page = asker.page(
            "decision:deny", limit, cursor=cursor, newest_first=newest_first, size=size
        )
        found += [seq for seq, _ in page.records]
        assert len(page.records) <= limit
        cursor = page.cursor
        if cursor is None:
            break
        filled.grow(3)
    assert found == (expected if newest_first else expected[::-1])


def test_a_page_says_what_was_looked_at(filled: SmallLog) -> None:
    """A full page ends with its last record; the last page at the end of the log."""
    asker = filled.asker()
    first = asker.page("unit:sales", 5)
    assert (first.seen.first, first.seen.end) == (1086, 1100)
    last = asker.page("unit:sales", 1000, cursor=first.cursor)
    assert (last.seen.first, last.seen.end, last.cursor) == (0, 1086, None)


def test_who_is_bound_sees_no_more(filled: SmallLog) -> None:
    """Whatever is asked, only decisions of the units and integrations the asker is bound to."""
    asker = filled.asker()
    for text in ("", "-unit:sales", "unit:hr OR unit:sales", "decision:allow OR decision:deny"):
        bounds = Bounds(("sales",), ("hr/flow-1",))
        found = set(asker.numbers(text, bounds=bounds))
        assert found == {
            each
            for each in asker.numbers(text)
            if each % 3 == 0 or (each % 3 == 1 and each % 5 == 1)
        }
    assert asker.numbers(bounds=Bounds(("sale",), ("sales",))) == []


def test_a_stretch_of_time(filled: SmallLog) -> None:
    """`after` includes the moment it names, and `before` does not."""
    asker = filled.asker()
    after, before = "2026-03-01T12:00:10.000000Z", "2026-03-01T12:00:20.000000Z"
    assert asker.numbers(after=after, before=before) == list(range(19, 9, -1))


def test_a_text_that_cannot_be_read(filled: SmallLog) -> None:
    """It is refused, with its place."""
    asker = filled.asker()
    refused = asker.ask(Page(asker.scope("decision:deny unti:sales"), 10))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.column) == ("query-unknown-field", 15)


def test_a_field_that_needs_a_role(filled: SmallLog) -> None:
    """Who may not know of others' keys cannot look for them either."""
    asker = filled.asker()
    refused = asker.ask(Page(asker.scope("decision:deny -key:k2", roles=("builder",)), 10))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.column) == ("query-field-forbidden", 16)
    assert asker.numbers("-key:k1", roles=("auditor",)) == []


@pytest.mark.parametrize("how", ["deleted", "halved", "changed", "unsigned"])
def test_a_lost_segment_is_told(filled: SmallLog, how: str) -> None:
    """What was in it is not found, and the answer says so; a copy of it heals it."""
    path, manifest = filled.shelf.file(1), filled.shelf.manifest(1)
    good, signed = path.read_bytes(), manifest.read_bytes()
    asker = filled.asker()
    assert asker.page().seen.lost == ()
    if how == "deleted":
        path.unlink()
        manifest.unlink()
    elif how == "halved":
        path.write_bytes(good[: len(good) // 2])
    elif how == "changed":
        path.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    else:
        manifest.write_bytes(signed.replace(b"segment 1", b"segment 2"))
    page = asker.page()
    assert page.seen.lost == ((256, 512),)
    assert [seq for seq, _ in page.records] == [*range(1099, 511, -1), *range(255, -1, -1)]
    path.write_bytes(good)
    manifest.write_bytes(signed)
    assert asker.numbers() == filled.numbers(lambda _: True)


def test_a_damaged_segment_of_what_is_kept(filled: SmallLog) -> None:
    """As long as the ledger's file has its records, nothing is missing."""
    asker = filled.asker()
    filled.shelf.file(2).write_bytes(b"PAR1")
    page = asker.page()
    assert page.seen.lost == ()
    assert [seq for seq, _ in page.records] == list(range(1099, -1, -1))


def test_a_segment_that_goes_while_it_is_searched(filled: SmallLog) -> None:
    """Between being trusted and being read it is deleted: the rest is answered, the gap told."""
    asker = filled.asker()
    asker.page()
    trusted = asker.log._trusted  # noqa: SLF001 - there is no other way to come in between
    is_good, spoilt = trusted.is_good, list[int]()

    def spoiling(number: int) -> bool:
        was_good = is_good(number)
        if number == 1 and not spoilt:
            spoilt.append(number)
            filled.shelf.file(1).unlink()
        return was_good

    trusted.is_good = spoiling  # type: ignore[method-assign]
    page = asker.page()
    assert spoilt == [1]
    assert page.seen.lost == ((256, 512),)
    assert len(page.records) == 1100 - 256


def test_a_pruned_log(filled: SmallLog) -> None:
    """What the log does not begin with any more is not found, and is not lost either."""
    filled.prune(512)
    page = filled.asker().page()
    assert (page.seen.first, page.seen.lost) == (512, ())
    assert len(page.records) == 1100 - 512


class Hurrying:
    """A clock by which each look takes a quarter of a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time, a moment later."""
        self.now += 0.25
        return self.now


def test_a_search_that_takes_too_long(filled: SmallLog) -> None:
    """It is cut, says so and where it got to, and can be gone on with until it is through."""
    asker = filled.asker(Hurrying())
    first = asker.page("decision:deny", seconds=2.0)
    assert first.seen.cut == "time"
    assert first.cursor == first.seen.first > 0
    found, page = [seq for seq, _ in first.records], first
    while page.cursor is not None:
        before = page.cursor
        page = asker.page("decision:deny", cursor=before, seconds=2.0)
        found += [seq for seq, _ in page.records]
        assert page.cursor is None or page.cursor < before
    assert found == filled.numbers(is_denied)


def test_no_time_at_all(filled: SmallLog) -> None:
    """Nothing was looked at, and nothing else is said."""
    page = filled.asker().page(seconds=0.0)
    assert (page.records, page.seen.first, page.seen.end, page.seen.cut) == ((), 1100, 1100, "time")


def test_a_ledger_that_cannot_be_read(filled: SmallLog) -> None:
    """The answer is that there is none."""
    asker = filled.asker()
    (filled.path / "ledger.db").rename(filled.path / "elsewhere.db")
    assert isinstance(asker.ask(Page(asker.scope(), 10)), Failed)
