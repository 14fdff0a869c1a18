"""SIGKILL while segments are made, or while records leave the ledger: nothing is ever lost."""

from __future__ import annotations

import fcntl
import itertools
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.cold import Cold
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.forgetting import Forgetting
from policyd.ledger.reader import Reader
from policyd.ledger.shelf import Shelf
from policyd.ledger.store import Store, Tuning
from policyd.model.errors import DataFolderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from policyd.ledger.signing import Signer
    from tests.faults.disk import Disk
    from tests.faults.logs import Batches

SEALING = Path(__file__).with_name("sealing_process.py")
ORIGIN = "policyd.example/log"
STEPS = ("taken", "written", "synced", "compared", "named", "signed", "sealed")


@pytest.fixture
def log(tmp_path: Path, batches: Callable[[list[int]], Batches]) -> tuple[Path, list[bytes]]:
    """A data folder with 900 records, and these."""
    todo = batches([300, 300, 300])
    with (
        create(tmp_path / "data", ORIGIN) as folder,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        for batch in todo:
            store.append(batch)
    return tmp_path / "data", [leaf for batch in todo for leaf in batch]


def seal(data: Path, step: str = "", nth: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the process that seals, to be killed at a step."""
    command = [sys.executable, str(SEALING), str(data), step, str(nth)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def sealed(data: Path) -> set[str]:
    """The files of segments, whole or not."""
    return {path.name for path in (data / "segments").iterdir() if path.suffix != ".lock"}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_sealer_leaves_nothing_that_counts(
    step: str, log: tuple[Path, list[bytes]]
) -> None:
    """Killed at each step of the second segment: the next run makes all three whole."""
    data, leaves = log
    assert seal(data, step, nth=1).returncode == -signal.SIGKILL
    assert "segment-000000.manifest" in sealed(data)
    assert "segment-000001.manifest" not in sealed(data)
    assert seal(data).stdout.splitlines()[-1] == "done"
    assert not [name for name in sealed(data) if name.endswith(".half")]
    with closing(DataFolder.open(data)) as folder:
        shelf = Shelf(data, 1)
        with closing(Store(folder.ledger, folder.signer)) as store:
            forgetting = Forgetting(store, shelf, folder.signer)
            for number in (0, 1):
                assert forgetting.order(number) is None
                while forgetting.is_pending:
                    forgetting.step()
        with (
            closing(Cold(shelf, folder.signer)) as cold,
            closing(Reader(folder.ledger, cold)) as reader,
        ):
            page = reader.page(limit=900, newest_first=False)
    assert [found.leaf for found in page.records] == leaves


def test_two_sealers_do_not_meet(log: tuple[Path, list[bytes]]) -> None:
    """That of a server that was killed may be at work still: the other one waits its turn."""
    data, _ = log
    assert seal(data).stdout.splitlines()[-1] == "done"
    with (data / "segments" / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert seal(data).stdout.splitlines()[-1] == "sealer-busy"


def test_a_power_cut_while_records_leave_loses_none(
    tmp_path: Path,
    ledger_path: Path,
    disks: Callable[[Path], Disk],
    signer: Signer,
    batches: Callable[[list[int]], Batches],
) -> None:
    """After a cut at any write of it the ledger opens, with some records gone or all there."""
    with closing(Store(ledger_path, signer)) as store:
        for batch in batches([300, 300]):
            store.append(batch)
    data, kept = ledger_path.read_bytes(), set()
    for step in itertools.count():
        ledger_path.write_bytes(data)
        disk = disks(ledger_path.parent)
        disk.cut_at(step)
        try:
            with closing(Store(ledger_path, signer, Tuning(vfs=disk.vfs))) as store:
                store.forget(256, 128)
                store.forget(256, 128)
        except (apsw.Error, DataFolderError):
            pass  # the power is off
        for path in disk.power_cuts(tmp_path, step):
            with closing(Store(path, signer, Tuning(synchronous="off"))) as found:
                assert found.size == 600
                kept.add(found.kept_from)
        if disk.steps < step:
            break  # it was through before the cut
    assert kept == {0, 128, 256}
