"""The tail: what counts as something, what is chosen, and what is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from policyd.ledger.reader import Page
from policyd.ledger.view import Found
from policyd.points.tail import Since, _chosen, _is_news, _lost
from policyd.search.language import parse
from tests.sample_log import SAMPLE

NOW = datetime(2026, 3, 12, tzinfo=UTC)
RECORDS = [Found(seq, leaf) for seq, leaf in enumerate(SAMPLE)]


def asking(**members: object) -> Found:
    """The record of an asking."""
    record = json.loads(SAMPLE[16]) | members
    return Found(0, json.dumps(record, sort_keys=True, separators=(",", ":")).encode())


def test_only_a_tails_own_asking_is_no_news() -> None:
    """Neither another question, nor a record that says the same words somewhere else."""
    assert not _is_news(asking(ask="tail"))
    assert _is_news(asking(ask="page"))
    assert _is_news(asking(text='"ask":"tail"'))
    assert _is_news(asking(options={"ask": "tail"}))
    assert _is_news(asking(kind="admin", ask="tail"))
    assert all(map(_is_news, RECORDS))


@pytest.mark.parametrize(
    ("text", "limit", "numbers", "cursor"),
    [
        ("decision:deny", 200, [13, 15, 17, 21], 27),
        ("decision:deny", 2, [13, 15], 15),
        ("decision:deny", 4, [13, 15, 17, 21], 21),
        ("kind:gap", 200, [], 27),
    ],
)
def test_a_page_of_a_query_goes_on_where_it_stopped(
    text: str, limit: int, numbers: list[int], cursor: int
) -> None:
    """Behind the last record that is shown if there may be more, otherwise behind all."""
    query = parse(text, now=NOW, levels=("public", "internal"))
    found, at = _chosen(Page(RECORDS, None, len(RECORDS)), Since(-1, limit, text), query)
    assert [each.seq for each in found] == numbers
    assert at == cursor


def test_without_a_query_the_page_is_all() -> None:
    """And its cursor is that of the page."""
    assert _chosen(Page(RECORDS[:5], 4, 28), Since(-1, 5), None) == (RECORDS[:5], 4)


@pytest.mark.parametrize(
    ("records", "lost", "told"),
    [
        (RECORDS[4:8], (), [range(2, 4)]),
        (RECORDS[2:4] + RECORDS[6:8], (range(4, 6),), [range(4, 6)]),
        (RECORDS[2:4], (range(4, 99),), [range(4, 8)]),
        (RECORDS[2:8], (), []),
        ([], (range(2, 8),), [range(2, 8)]),
        ([], (), [range(2, 8)]),
    ],
)
def test_what_is_gone_is_told(
    records: list[Found], lost: tuple[range, ...], told: list[range]
) -> None:
    """Lost ones, and those that were pruned before anybody asked for them."""
    page = Page(records, 7, 28, lost)
    assert list(_lost(page, range(2, 8))) == told


def test_nothing_new_is_nothing_lost() -> None:
    """At the end of the log there is nothing to look at."""
    assert _lost(Page([], None, 28), range(28, 28)) == ()
