"""Notices that were sent, and those that were not."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from policyd.model.notice import Notice
from policyd.registry.notices import Noted, NoticeStore
from policyd.registry.policies import PolicyStore

ONE = Notice("", "approval-waiting", "c1", "it", "wait")
TWO = Notice("2026-04-01", "mode-ends", "unit:hr", "hr", "soon")
HAPPENED = Notice("", "shadow-differences", "c2", "", "3 lost")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NoticeStore]:
    """Nothing noted yet."""
    with closing(PolicyStore.open(tmp_path / "registry.db")) as opened:
        yield opened.notices


def test_each_is_unsent_until_it_is_taken(store: NoticeStore) -> None:
    """As often as it is asked for; then no more, as long as it is a notice."""
    expected = [Noted("t1", ONE)]
    assert store.unsent([ONE], at="t1") == store.unsent([ONE], at="t2") == expected
    store.sent(expected, at="t3")
    assert store.unsent([ONE, TWO], at="t4") == [Noted("t4", TWO)]
    store.sent([Noted("t4", TWO)], at="t5")
    assert store.unsent([ONE, TWO], at="t6") == []


def test_what_comes_again_is_another_one(store: NoticeStore) -> None:
    """An approval that waits, is given, and waits again after new content, is told twice."""
    store.sent(store.unsent([ONE], at="t1"), at="t2")
    assert store.unsent([], at="t3") == []
    assert store.unsent([ONE], at="t4") == [Noted("t4", ONE)]


def test_what_has_happened_is_kept(store: NoticeStore) -> None:
    """It is one for as long as somebody asks for what is as old."""
    store.add(HAPPENED, at="t2")
    assert store.happened("t1") == store.happened("t2") == [HAPPENED]
    assert store.happened("t3") == []
    assert store.unsent([HAPPENED], at="t4") == [Noted("t2", HAPPENED)]
    store.sent([Noted("t2", HAPPENED)], at="t5")
    assert store.unsent([], at="t6") == []  # too old for the receiver, who looks back two weeks
    assert store.happened("t1") == [HAPPENED]
