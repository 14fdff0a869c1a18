"""Power cuts under a ledger that is being appended to, at each operation of its disk in turn."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import apsw

from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, Tuning
from policyd.model.errors import DataFolderError
from tests.faults.disk import Disk
from tests.faults.logs import SIGNER, Batches, batches

SIZES = [1, 3, 40, 215, 1, 2]  # the 256th record, which fills a tile, is in the middle
COPY_BACK = 2  # pages: the WAL is copied back after every batch, and cut off after the large one


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


def cut(
    step: int, folder: Path, to: Path, disks: Callable[[Path], Disk], tuning: Tuning, todo: Batches
) -> tuple[Disk, Work]:
    """Do the work in a copy of *folder*, on a disk that is cut off at an operation."""
    shutil.copytree(folder, to)
    disk = disks(to)
    disk.cut_at(step)
    work = Work(to / "ledger.db", SIGNER, replace(tuning, vfs=disk.vfs))
    with suppress(apsw.Error, DataFolderError):
        work.run(todo)
    return disk, work


def cuts(
    folder: Path, scratch: Path, disks: Callable[[Path], Disk]
) -> Iterator[tuple[Disk, Work, list[Path]]]:
    """Cut the power at the first operation of a work, the second, … until none is left.

    With each cut comes what had been answered by then, and the ledgers that may be left of it.
    """
    tuning, todo = Tuning(copy_back=COPY_BACK), batches(SIZES)
    for step in itertools.count():
        disk, work = cut(step, folder, scratch / f"disk-{step}", disks, tuning, todo)
        yield disk, work, list(disk.power_cuts(scratch, step))
        if work.is_done:
            return
