"""Power cuts while a policy is put in force, and while it is gone back on.

Log and registry are on one disk of the test's own, which is looked at before each operation that
makes something durable: whatever a cut at this moment may leave of the two files is a data folder
that the next server has to come back from.
"""

import asyncio
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from policyd.bootstrap import utc_now
from policyd.ledger import writer
from policyd.ledger.folder import DataFolder
from policyd.ledger.ledger import Options
from policyd.ledger.store import Store, Tuning
from policyd.model.change import State
from policyd.registry.database import open_database
from tests.faults.disk import Disk
from tests.faults.driver import Driver
from tests.faults.publishing import (
    FOUND,
    Drives,
    FatefulLedger,
    person,
    proposed,
    publish_and_go_back,
    serving,
)
from tests.published import CLOSED, small_home
from tests.servers import Home

RANK = [State.PROPOSED, State.REVIEWED, State.APPROVED, State.PUBLISHED, State.ROLLED_BACK]
"""How far a change has come, in the order of the story."""

STATES: dict[tuple[str, ...], set[State | None]] = {
    ("init",): {*RANK[:3], None},
    ("init", "publish"): {State.PUBLISHED},
    ("init", "publish", "rollback"): {State.ROLLED_BACK},
}
"""What a change can be, by what the log says of publications; None before it was proposed."""


class OneDisk(Drives):
    """Both databases on one disk; the log's writer is a thread of this process."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def registry(self, path: Path) -> Engine:
        """The registry, by the other SQLite library, which knows the disk."""
        return open_database(path, Driver(self._disk.vfs))

    async def ledger(self, folder: DataFolder) -> FatefulLedger:
        """The log."""
        near, far = socket.socketpair()
        opened = partial(Store, folder.ledger, folder.signer, Tuning(self._disk.vfs, copy_back=8))

        def write() -> None:
            with far:
                writer.run(far, folder.ledger, opened)

        threading.Thread(target=write, daemon=True).start()
        return await FatefulLedger.attach(near, Options(utc_now))


class Left(NamedTuple):
    """A data folder that a cut may leave, and how far people had been told that the change was."""

    data: Path
    told: State | None


class Cuts:
    """Every folder that a cut may leave, those that are alike once."""

    def __init__(self, disk: Disk, home: Home, to: Path) -> None:
        self.left: dict[tuple[str, State | None], Left] = {}
        self.told: State | None = None
        self._disk = disk
        self._home = home
        self._to = to
        self._count = 0
        self._one_at_a_time = threading.Lock()

    def look(self, kind: str, _name: str) -> None:
        """Keep what a cut before this operation may leave."""
        if kind in {"sync", "delete", "truncate"}:
            with self._one_at_a_time:
                self.keep()

    def keep(self) -> None:
        """Keep what a cut now may leave."""
        self._count += 1
        folder = self._to / f"{self._count}"
        folder.mkdir()
        for path in self._disk.power_cuts(folder, self._count):
            data = path.parent
            parts = [each.name.encode() + each.read_bytes() for each in sorted(data.iterdir())]
            key = sha256(b"".join(parts)).hexdigest(), self.told
            if key in self.left:
                shutil.rmtree(data)
                continue
            shutil.copytree(self._home.data / "keys", data / "keys")
            self.left[key] = Left(data, self.told)


async def _story(home: Home, disk: Disk, cuts: Cuts) -> None:
    """A change from proposal to its end, with a look at the disk before all that lasts."""
    async with serving(home.data, drives=OneDisk(disk)) as (service, policies):
        hans = person(service, "Hans", "approver", "hr-team")
        person(service, "Ann", "author")
        disk.fault = cuts.look
        change = await proposed(service, policies, CLOSED)
        cuts.told = State.REVIEWED
        change = await policies.changes.approve(hans, change.id, FOUND.decision, None)
        cuts.told = State.APPROVED
        await publish_and_go_back(service, policies, lambda: setattr(cuts, "told", State.PUBLISHED))
        cuts.told = State.ROLLED_BACK
        cuts.keep()
        disk.fault = lambda _kind, _name: None


class Content(NamedTuple):
    """What log and registry say once they are opened."""

    log: tuple[tuple[str, str], ...]
    registry: tuple[str, ...]


def _content(data: Path) -> Content:
    """What is in a folder, once its two files were opened as a start does."""
    with closing(DataFolder.open(data)) as folder:
        Store(folder.ledger, folder.signer, Tuning(synchronous="off")).close()
    home = Home(data, "", "")
    log = [(each["kind"], each.get("act") or each.get("reason", "")) for each in home.records()]
    with closing(sqlite3.connect(data / "registry.db")) as db:
        return Content(tuple(log), tuple(db.iterdump()))


async def _comes_back(data: Path) -> State | None:
    """Where the change is for a server that comes back; it decides by what the log names."""
    changes = Home(data, "", "").records("policy_change")
    reasons = tuple(each["reason"] for each in changes if each["reason"] != "start")
    async with serving(data) as (service, policies):
        history = await policies.publications.history()
        found = await policies.changes.list(10)
        in_force = service.readiness().snapshot
        assert in_force == changes[-1]["snapshot"] == history[0].snapshot
        assert tuple(each.reason for each in reversed(history)) == reasons
        state = found[0].change.state if found else None
        assert state in STATES[reasons]
    return state


@pytest.mark.slow
def test_a_power_cut_leaves_nothing_half_in_force(
    tmp_path: Path, disks: Callable[[Path], Disk]
) -> None:
    """Whatever a cut leaves of log and registry, a server comes back with what the log names.

    The registry agrees with it, and no step is missing whose end somebody was told.
    """
    home = small_home(tmp_path / "data")
    disk = disks(home.data)
    cuts = Cuts(disk, home, tmp_path)
    asyncio.run(_story(home, disk, cuts))
    found: dict[Content, State | None] = {}
    for left in cuts.left.values():
        content = _content(left.data)
        if content not in found:
            found[content] = asyncio.run(_comes_back(left.data))
        if left.told:
            state = found[content]
            assert state is not None
            assert RANK.index(state) >= RANK.index(left.told), f"{left.told} was told: {left.data}"
    # Between these, a review that begins again may be done before anybody looks.
    assert set(found.values()) >= {None, *RANK[2:]}
