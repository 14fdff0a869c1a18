"""The guard: a log does not start behind what it has published."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from policyd.ledger.epochs import finish, prepare
from policyd.ledger.guard import MARK, Guard, check_guard
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.errors import DataFolderError, LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.folder import DataFolder
    from tests.unit.ledger.conftest import Clock, Entropy

    Records = Callable[[int], list[bytes]]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """A guard that has no file yet."""
    return Guard(tmp_path / "outside" / "last")


@pytest.fixture(autouse=True)
def outside(tmp_path: Path) -> Path:
    """Where the guard is."""
    path = tmp_path / "outside"
    path.mkdir()
    return path


def append(folder: DataFolder, records: list[bytes]) -> None:
    """Commit records to the folder's log."""
    with closing(Store(folder.ledger, folder.signer)) as store:
        store.append(records)


def note(folder: DataFolder) -> str:
    """The log's newest checkpoint."""
    with closing(Reader(folder.ledger)) as reader:
        return reader.state().note


def check(folder: DataFolder, guard: Guard | None) -> None:
    """What a start does."""
    with closing(Reader(folder.ledger)) as reader:
        check_guard(folder.path, guard, reader)


def refusal(folder: DataFolder, guard: Guard | None) -> str:
    """The code with which a start is refused; the way out is named."""
    with pytest.raises(DataFolderError, match=r"new-epoch|POLICYD_GUARD") as caught:
        check(folder, guard)
    return caught.value.code


def test_a_guard_is_adopted(folder: DataFolder, guard: Guard, records: Records) -> None:
    """The first start with one writes it; the next ones are held to it."""
    append(folder, records(3))
    check(folder, guard)
    kept = guard.newest()
    assert kept
    assert (kept[0].size, kept[1]) == (3, note(folder))
    assert (folder.path / MARK).read_text() == f"{guard.path}\n"
    append(folder, records(300))
    check(folder, guard)


def test_without_a_guard_nothing_is_held(folder: DataFolder, records: Records) -> None:
    """A folder that never had one needs none."""
    append(folder, records(3))
    check(folder, None)
    assert not (folder.path / MARK).exists()


def test_an_older_copy_is_refused(
    folder: DataFolder, guard: Guard, records: Records, tmp_path: Path
) -> None:
    """A backup that is put back lacks what was published after it."""
    append(folder, records(3))
    check(folder, guard)
    shutil.copy(folder.ledger, tmp_path / "backup")
    append(folder, records(300))
    guard.advance(note(folder))
    shutil.copy(tmp_path / "backup", folder.ledger)
    assert refusal(folder, guard) == "ledger-rolled-back"


def test_another_history_is_refused(
    folder: DataFolder, guard: Guard, records: Records, tmp_path: Path
) -> None:
    """A log that is long enough, but has other records where it has published some."""
    append(folder, records(3))
    shutil.copy(folder.ledger, tmp_path / "backup")
    append(folder, records(5))
    guard.advance(note(folder))
    shutil.copy(tmp_path / "backup", folder.ledger)
    append(folder, records(300))
    assert refusal(folder, guard) == "ledger-rewritten"


def test_a_guard_is_not_forgotten(folder: DataFolder, guard: Guard, records: Records) -> None:
    """Left out of the settings, lost, damaged or another log's: nothing starts."""
    append(folder, records(3))
    check(folder, guard)
    assert refusal(folder, None) == "guard-unset"
    good = guard.path.read_bytes()
    guard.path.write_bytes(good[:-200])
    assert refusal(folder, guard) == "guard-damaged"
    guard.path.write_bytes(b"\xff")
    assert refusal(folder, guard) == "guard-damaged"
    guard.path.unlink()
    assert refusal(folder, guard) == "guard-missing"
    guard.path.write_text(Signer("other.example/log", bytes(32)).checkpoint(3, bytes(32)))
    assert refusal(folder, guard) == "guard-foreign"
    guard.path.write_bytes(good)
    check(folder, guard)


def test_a_crash_while_a_guard_is_adopted(
    folder: DataFolder, guard: Guard, records: Records
) -> None:
    """The file without the mark is met, and held to, at the next start."""
    append(folder, records(3))
    guard.advance(note(folder))
    check(folder, guard)
    assert (folder.path / MARK).exists()


def test_a_guard_that_cannot_be_written(folder: DataFolder, guard: Guard, outside: Path) -> None:
    """Its checkpoint is not published then; nothing half-written is left."""
    outside.rmdir()
    with pytest.raises(LedgerUnavailable, match="make it writable") as caught:
        guard.advance(note(folder))
    assert caught.value.code == "guard-unwritable"
    guard.path.mkdir(parents=True)
    (guard.path / "x").touch()
    with pytest.raises(LedgerUnavailable):
        guard.advance(note(folder))
    assert [each.name for each in outside.iterdir()] == ["last"]


def test_a_new_epoch_goes_on_from_the_guard(
    folder: DataFolder, guard: Guard, records: Records, clock: Clock, entropy: Entropy
) -> None:
    """A new log that names what the old one published is no stranger to its guard."""
    append(folder, records(3))
    check(folder, guard)
    stamp = Stamper(None, clock, entropy).draw()
    prepare(folder.path, "policyd.example/log/2", stamp, note(folder), "tested")
    finish(folder.path)
    with closing(Reader(folder.ledger)) as reader:
        check_guard(folder.path, guard, reader)
    guard.path.write_text(folder.signer.checkpoint(4, bytes(32)))
    assert refusal(folder, guard) == "guard-foreign"
