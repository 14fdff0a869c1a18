"""Power cuts: at whatever operation of the disk, nothing that was answered is missing.

The disk of the test holds every write back until it is synced, and at the cut drops, keeps or
tears what it holds.
"""

from __future__ import annotations

import itertools
import shutil
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.frames import Aside, Disclosure, Erase, Prune, Sweep
from policyd.ledger.reader import Reader
from policyd.ledger.sides import disclosure_id
from policyd.ledger.store import Store, Tuning
from policyd.model.errors import DataFolderError
from policyd_audit.disclosure import act_of
from tests.faults.cutting import SIZES, cut, cuts
from tests.faults.logs import batches, recheck

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.signing import Signer
    from tests.faults.disk import Disk, Held


def drop(held: list[Held]) -> list[Held]:
    """Leave nothing of what was not synced."""
    return held[:0]


@pytest.mark.slow
def test_nothing_answered_is_missing_after_a_power_cut(
    tmp_path: Path, ledger_path: Path, disks: Callable[[Path], Disk]
) -> None:
    """Whatever operation the power is cut at, the ledger opens, adds up, and has every answer.

    That goes for commits, for copying the WAL back and for the orderly end, and for whatever
    became of the writes that were not synced.
    """
    everything = list(itertools.chain(*batches(SIZES)))
    ends = set(itertools.accumulate(SIZES, initial=0))
    kinds = set()
    for disk, work, left in cuts(ledger_path.parent, tmp_path, disks):
        kinds |= disk.kinds
        for path in left:
            found = recheck(path)
            assert found[: len(work.answered)] == work.answered, f"lost by {path}"
            assert found == everything[: len(found)], f"others in {path}"
            assert len(found) in ends, f"part of a batch in {path}"
    wal, file = "ledger.db-wal", "ledger.db"
    assert {("sync", wal), ("truncate", wal), ("sync", file), ("delete", wal)} <= kinds


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
    synchronous: str, tmp_path: Path, ledger_path: Path, disks: Callable[[Path], Disk]
) -> None:
    """Cuts do lose answered records where commits are not synced, so the test would see it."""
    todo, tuning = batches([1, 1, 1]), Tuning(synchronous=synchronous)
    lost = 0
    for step in range(5, 60, 6):
        disk, work = cut(step, ledger_path.parent, tmp_path / f"{step}", disks, tuning, todo)
        path = disk.after_power_cut(tmp_path / f"after-{step}", drop)
        lost += len(work.answered) - len(recheck(path))
    assert lost > 0
