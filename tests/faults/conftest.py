"""Logs at risk, and the disk under them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from policyd.ledger.signing import Signer
from policyd.ledger.store import create
from tests.faults import logs
from tests.faults.disk import Disk
from tests.faults.logs import SIGNER, Batches


@pytest.fixture
def signer() -> Signer:
    """The signer of the test's log."""
    return SIGNER


@pytest.fixture
def ledger_path(tmp_path: Path, signer: Signer) -> Path:
    """An empty ledger, alone in a folder."""
    (tmp_path / "disk").mkdir()
    path = tmp_path / "disk" / "ledger.db"
    create(path, signer)
    return path


@pytest.fixture
def disks() -> Iterator[Callable[[Path], Disk]]:
    """Puts a disk under a folder."""
    made: list[Disk] = []

    def put(folder: Path) -> Disk:
        made.append(Disk(folder))
        return made[-1]

    yield put
    for disk in made:
        disk.remove()


@pytest.fixture
def disk(ledger_path: Path, disks: Callable[[Path], Disk]) -> Disk:
    """The disk under the empty ledger."""
    return disks(ledger_path.parent)


@pytest.fixture
def batches() -> Callable[[list[int]], Batches]:
    """Makes a log's records, in batches of the sizes named; always the same ones."""
    return logs.batches


@pytest.fixture
def recheck(signer: Signer) -> Callable[[Path], list[bytes]]:
    """Opens a ledger as a start does, adds its tree up again, and gives its records."""
    return partial(logs.recheck, signer=signer)
