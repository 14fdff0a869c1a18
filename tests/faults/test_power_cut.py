"""Power cuts: at whatever operation of the disk, nothing that was answered is missing.

The disk of the test holds every write back until it is synced, and at the cut drops, keeps or
tears what it holds.
"""

from __future__ import annotations

import itertools
import shutil
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.store import Store, Tuning
from policyd.model.errors import DataFolderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.signing import Signer
    from tests.faults.conftest import Batches, Disk, Held

SIZES = [1, 3, 40, 215, 1, 2]  # the 256th record, which fills a tile, is in the middle
COPY_BACK = 2  # pages: the WAL is copied back after every batch, and cut off after the large one


def drop(held: list[Held]) -> list[Held]:
    """Leave nothing of what was not synced."""
    return held[:0]


class Work:
    """Appends batches until they are done or the power is cut, and keeps what was answered."""

    def __init__(self, path: Path, signer: Signer, tuning: Tuning) -> None:
        self._path = path
        self._signer = signer
        self._tuning = tuning
        self.answered: list[bytes] = []
        self.is_done = False

    def run(self, todo: Batches) -> None:
        """Open, append all, close."""
        with closing(Store(self._path, self._signer, self._tuning)) as store:
            for batch in todo:
                store.append(batch)
                self.answered += batch
                store.tidy()
        self.is_done = True


@pytest.fixture
def cut(
    tmp_path: Path, signer: Signer, ledger_path: Path, disks: Callable[[Path], Disk]
) -> Callable[[int, Tuning, Batches], tuple[Disk, Work]]:
    """Does the work on a disk that is cut off at an operation."""

    def work(step: int, tuning: Tuning, todo: Batches) -> tuple[Disk, Work]:
        folder = tmp_path / f"disk-{step}"
        shutil.copytree(ledger_path.parent, folder)
        disk = disks(folder)
        disk.cut_at(step)
        done = Work(folder / "ledger.db", signer, replace(tuning, vfs=disk.vfs))
        with suppress(apsw.Error, DataFolderError):
            done.run(todo)
        return disk, done

    return work


@pytest.mark.slow
def test_nothing_answered_is_missing_after_a_power_cut(
    tmp_path: Path,
    batches: Callable[[list[int]], Batches],
    cut: Callable[[int, Tuning, Batches], tuple[Disk, Work]],
    recheck: Callable[[Path], list[bytes]],
) -> None:
    """Whatever operation the power is cut at, the ledger opens, adds up, and has every answer.

    That goes for commits, for copying the WAL back and for the orderly end, and for whatever
    became of the writes that were not synced.
    """
    todo = batches(SIZES)
    everything = list(itertools.chain(*todo))
    ends = set(itertools.accumulate(SIZES, initial=0))
    for step in itertools.count():
        disk, work = cut(step, Tuning(copy_back=COPY_BACK), todo)
        for path in disk.power_cuts(tmp_path, step):
            found = recheck(path)
            assert found[: len(work.answered)] == work.answered, f"lost by {path}"
            assert found == everything[: len(found)], f"others in {path}"
            assert len(found) in ends, f"part of a batch in {path}"
        if work.is_done:
            break
    wal, file = "ledger.db-wal", "ledger.db"
    assert {("sync", wal), ("truncate", wal), ("sync", file), ("delete", wal)} <= disk.kinds


@pytest.mark.parametrize("synchronous", ["off", "normal"])
def test_less_than_full_synchronous_loses_answers(
    synchronous: str,
    tmp_path: Path,
    batches: Callable[[list[int]], Batches],
    cut: Callable[[int, Tuning, Batches], tuple[Disk, Work]],
    recheck: Callable[[Path], list[bytes]],
) -> None:
    """Cuts do lose answered records where commits are not synced, so the test would see it."""
    todo = batches([1, 1, 1])
    lost = 0
    for step in range(5, 60, 6):
        disk, work = cut(step, Tuning(synchronous=synchronous), todo)
        path = disk.after_power_cut(tmp_path / f"after-{step}", drop)
        lost += len(work.answered) - len(recheck(path))
    assert lost > 0
