"""The past: every record of a window, from the ledger's file and from segments alike."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from policyd.ledger.cold import Cold
from policyd.ledger.frames import Aside, Disclosure, Erase
from policyd.ledger.parquet import Files
from policyd.ledger.personal import Personal
from policyd.ledger.reader import Reader
from policyd.ledger.record import time_of
from policyd.ledger.sides import disclosure_id
from policyd.model.errors import LedgerUnavailable
from policyd.review.replayed import Replaying, Wanted, Window
from policyd.search.assessor import ASIDE, past_of
from policyd.search.past import Past
from policyd.search.trusted import Trusted
from tests.small_log import START, SmallLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LATER = START + timedelta(days=1)


def wanted(after: datetime = START, before: datetime = LATER, most: int = 10_000) -> Wanted:
    """A window, of all of the log where nothing is said."""
    return Wanted(after, before, most, 0)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLog]:
    """A filled log that tests only read."""
    with ExitStack() as stack:
        log = SmallLog(tmp_path_factory.mktemp("past") / "data", stack)
        log.grow(1100)
        log.seal()
        log.forget(0, 1)
        yield log


@contextmanager
def past(log: SmallLog, asked: Wanted) -> Iterator[Past]:
    """What a reviewer's process reads of a log."""
    with past_of(Replaying(str(log.path), 1, asked)) as found:
        assert found is not None
        yield found


def read(log: SmallLog, asked: Wanted) -> tuple[list[int], Window]:
    """The numbers of the records that are read, each as it was appended, and what is told."""
    with past(log, asked) as found:
        records = [*found.records(lambda _: None)]
        for seq, leaf in records:
            assert leaf == log.leaves[seq]
        return [seq for seq, _ in records], found.window()


def test_file_and_segments(untouched: SmallLog) -> None:
    """A record is read once, whether it lies in the ledger's file, in a segment, or in both."""
    numbers, window = read(untouched, wanted())
    assert numbers == [*range(1100)]
    assert (window.first, window.end, window.left_out) == (0, 1100, 0)
    assert (window.lost, window.pruned_until, window.erased) == ((), None, 0)
    assert not [*(untouched.shelf.folder / ASIDE).iterdir()]


@pytest.mark.parametrize(("first", "end"), [(10, 20), (250, 260), (600, 610), (1095, 1100)])
def test_a_window_has_its_first_moment_and_not_its_last(
    untouched: SmallLog, first: int, end: int
) -> None:
    """In a segment, across two, in the file, at the end."""
    after, before = (START + timedelta(seconds=each) for each in (first, end))
    numbers, window = read(untouched, wanted(after, before))
    assert numbers == [*range(first, end)]
    assert window.after == time_of(untouched.leaves[first])


def test_the_newest_of_too_many(untouched: SmallLog) -> None:
    """What is left out is counted."""
    numbers, window = read(untouched, wanted(most=7))
    assert numbers == [*range(1093, 1100)]
    assert window.left_out == 1093


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_an_empty_window(untouched: SmallLog, days: int) -> None:
    """Nothing is read, also where it ends before it begins."""
    numbers, window = read(untouched, wanted(LATER, LATER + timedelta(days=days)))
    assert (numbers, window.left_out, window.lost) == ([], 0, ())


def test_a_segment_that_is_gone(filled: SmallLog) -> None:
    """What can be read nowhere is told, and the rest is read."""
    filled.shelf.file(0).unlink()
    numbers, window = read(filled, wanted(START + timedelta(seconds=200)))
    assert numbers == [*range(256, 1100)]
    assert window.lost == ((0, 256),)  # where the window begins in it, nobody knows


def test_a_segment_that_is_another(filled: SmallLog) -> None:
    """Bytes that the log has not signed are not read; the file has them, where they are there."""
    for number in (1, 2):
        path = filled.shelf.file(number)
        path.write_bytes(path.read_bytes()[:-1])
    numbers, window = read(filled, wanted())
    assert numbers == [*range(256), *range(512, 1100)]
    assert window.lost == ((256, 512),)


def test_a_segment_that_breaks_off(filled: SmallLog) -> None:
    """One that was trusted and cannot be read any more is lost, not silently short."""
    with past(filled, wanted()) as found:
        path = filled.shelf.file(1)
        assert found._trusted.is_good(1)  # noqa: SLF001 - it was looked at before
        path.write_bytes(b"PAR1")
        numbers = [seq for seq, _ in found.records(lambda _: None)]
        assert found.window().lost == ((256, 512),)
    assert numbers == [*range(256), *range(512, 1100)]


def test_records_that_leave_the_file_meanwhile(filled: SmallLog) -> None:
    """They are read from their segment, none twice and none never."""
    with past(filled, wanted()) as found:
        records = found.records(lambda _: None)
        numbers = [next(records)[0] for _ in range(300)]
        filled.forget(2)
        numbers += [seq for seq, _ in records]
    assert numbers == [*range(1100)]


def test_what_was_pruned(filled: SmallLog) -> None:
    """It is said where that hides a part of the window, and only there."""
    filled.prune(256)
    numbers, window = read(filled, wanted())
    assert numbers == [*range(256, 1100)]
    assert window.pruned_until == time_of(filled.leaves[256])
    assert read(filled, wanted(START + timedelta(seconds=300)))[1].pruned_until is None


def test_what_was_erased(small: SmallLog) -> None:
    """Records with parts that nobody can read any more are read all the same, and counted."""
    small.grow(3)
    hidden = [Personal(("address",)).hide(leaf) for leaf in small.leaves]
    asides = [
        (0, Aside(tuple(Disclosure(at, 0, beside[0]) for at, (_, beside) in enumerate(hidden))))
    ]
    small.store.append([leaf for leaf, _ in hidden], asides)
    small.store.append(small.leaves[:1], [(0, Aside((), Erase((disclosure_id(4, 0),))))])
    small.leaves += [*(leaf for leaf, _ in hidden), small.leaves[0]]
    numbers, window = read(small, wanted())
    assert (numbers, window.erased) == ([*range(7)], 1)


def test_progress_is_told(untouched: SmallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits sees how far it is, of how many."""
    monkeypatch.setattr("policyd.search.past._STEP", 256)
    steps: list[str] = []
    with past(untouched, wanted()) as found:
        assert len([*found.records(steps.append)]) == 1100
    assert steps[:2] == ["replaying 1,100 records", "replaying: 256 of 1,100 records"]


def test_a_ledger_that_cannot_be_read(small: SmallLog) -> None:
    """It is an error of the log, which a review tells."""
    small.grow(3)
    trusted = Trusted(small.shelf, small.signer)
    (small.path / "empty").write_bytes(b"")
    with (
        closing(Cold(small.shelf, small.signer)) as cold,
        closing(Reader(small.path / "empty", cold)) as reader,
        closing(Files(small.path)) as files,
        pytest.raises(LedgerUnavailable),
    ):
        [*Past(reader, trusted, files, wanted()).records(lambda _: None)]


def test_nothing_is_wanted() -> None:
    """Then no file is opened."""
    with past_of(None) as found:
        assert found is None
