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

from policyd.ledger.frames import Aside, Disclosure, Erase, Prune, Sweep
from policyd.ledger.reader import Reader
from policyd.ledger.sides import disclosure_id
from policyd.ledger.store import Store, Tuning
from policyd.model.errors import DataFolderError
from policyd_audit.disclosure import act_of

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


def beside(path: Path) -> tuple[list[bool], int, int]:
    """Of a ledger: which disclosures are erased, where it begins, how many leaves are there."""
    with closing(Reader(path)) as reader:
        found = reader.disclosures(range(6))
        erased = [act_of(each) is not None for seq in range(6) for each in found[seq]]
        return erased, reader.first(), reader.state().size - reader.lowest()


@pytest.mark.slow
def test_what_is_removed_is_removed_with_its_record_or_not_at_all(
    tmp_path: Path,
    signer: Signer,
    batches: Callable[[list[int]], Batches],
    ledger_path: Path,
    disks: Callable[[Path], Disk],
) -> None:
    """Wherever the power is cut, an erasure or pruning is there with its record, or neither is."""
    records, erasure, pruning = batches([600, 1, 1])
    values = tuple(Disclosure(at, 0, b'["salt","purpose","%0200d"]' % at) for at in range(6))
    with closing(Store(ledger_path, signer)) as store:
        store.append(records[:300], [(0, Aside(values))])
        store.append(records[300:])
    ids = tuple(disclosure_id(seq, 0) for seq in (1, 4))
    before, erased = [False] * 6, [seq in (1, 4) for seq in range(6)]
    seen = set()
    for step in itertools.count():
        folder = tmp_path / f"disk-{step}"
        shutil.copytree(ledger_path.parent, folder)
        disk = disks(folder)
        disk.cut_at(step)
        is_done = False
        with (
            suppress(apsw.Error, DataFolderError),
            closing(Store(folder / "ledger.db", signer, Tuning(vfs=disk.vfs))) as store,
        ):
            store.append(erasure, [(0, Aside(act=Erase(ids)))])
            store.append(pruning, [(0, Aside(act=Prune(256)))])
            for _ in range(2):
                store.append([], [(0, Aside(act=Sweep(150)))])
            is_done = True
        for path in disk.power_cuts(tmp_path, step):
            Store(path, signer).close()
            with closing(Reader(path)) as reader:
                size = reader.state().size
            # Swept records take their disclosures with them.
            state = beside(path)
            assert (
                state
                in {
                    600: [(before, 0, 600)],
                    601: [(erased, 0, 601)],
                    602: [(erased, 256, 602), ([], 256, 452), ([], 256, 346)],
                }[size]
            )
            seen.add((size, state[2]))
        if is_done:
            break
    assert seen == {(600, 600), (601, 601), (602, 602), (602, 452), (602, 346)}


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
