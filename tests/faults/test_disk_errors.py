"""A disk that is full, fails or may not be written: an error with a way out, and no damage."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import apsw
import pytest

from policyd.ledger import writer
from policyd.ledger.frames import Act, Aside, Disclosure, Erase, Hold, Prune, Release, Sweep
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.ledger.sides import disclosure_id
from policyd.ledger.store import Store, Tuning, create
from policyd.ledger.trouble import explain
from policyd.model.errors import DataFolderError, LedgerUnavailable
from policyd_audit.disclosure import act_of
from policyd_audit.ledger_file import LedgerFile
from tests.faults import logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.signing import Signer
    from tests.faults.disk import Disk
    from tests.faults.logs import Batches

SIZES = [1, 60, 200, 3]


def failing(code: int) -> Callable[[], Exception]:
    """Makes I/O errors with an extended code."""

    def make() -> Exception:
        error = apsw.IOError("the disk of the test failed")
        error.extendedresult = code  # type: ignore[attr-defined] # apsw reads it, its stub lacks it
        return error

    return make


def full() -> Exception:
    """What SQLite makes of ENOSPC."""
    return apsw.FullError("the disk of the test is full")


def read_only() -> Exception:
    """What SQLite makes of EROFS."""
    return apsw.ReadOnlyError("the disk of the test is read-only")


class Fault(NamedTuple):
    """What fails, how, and the code that an operator is told."""

    kind: str
    error: Callable[[], Exception]
    code: str


FULL = Fault("write", full, "disk-full")
NO_WRITE = Fault("write", failing(apsw.SQLITE_IOERR_WRITE), "disk-error")
NO_SYNC = Fault("sync", failing(apsw.SQLITE_IOERR_FSYNC), "disk-error")
READ_ONLY = Fault("write", read_only, "ledger-readonly")
FAULTS = {"ENOSPC": FULL, "EIO-write": NO_WRITE, "EIO-sync": NO_SYNC, "EROFS": READ_ONLY}
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


def work(
    opened: Callable[[], Store], start_failing: Callable[[], None], todo: Batches
) -> tuple[list[bytes], apsw.Error | None]:
    """Append batches until one fails; the records that were answered, and the error."""
    answered: list[bytes] = []
    try:
        with closing(opened()) as store:
            start_failing()
            for batch in todo:
                store.append(batch)
                answered += batch
                store.tidy()
    except apsw.Error as error:
        return answered, error
    return answered, None


@pytest.mark.slow
@each_fault
def test_a_failed_append_damages_nothing(
    fault: Fault,
    ledger_path: Path,
    signer: Signer,
    disks: Callable[[Path], Disk],
    batches: Callable[[list[int]], Batches],
    recheck: Callable[[Path], list[bytes]],
) -> None:
    """Whichever write or sync fails, the append raises, and what was answered is there.

    The batch that failed is there as a whole or not at all, and the log can be continued.
    """
    todo = batches(SIZES)
    everything = list(itertools.chain(*todo))
    for nth in itertools.count():
        folder = ledger_path.parent.with_name(f"disk-{nth}")
        shutil.copytree(ledger_path.parent, folder)
        path = folder / "ledger.db"
        disk = disks(folder)
        answered, raised = work(
            partial(Store, path, signer, Tuning(vfs=disk.vfs, copy_back=2)),
            partial(disk.fail, fault.kind, fault.error, nth),
            todo,
        )
        found = recheck(path)
        assert found == everything[: len(found)]
        assert len(found) >= len(answered)
        assert len(found) in set(itertools.accumulate(SIZES, initial=0))
        if raised is None:
            break
        assert explain(raised, "x").code == fault.code
        rest = everything[len(found) :]
        if rest:
            with closing(Store(path, signer)) as again:
                again.append(rest)
        assert recheck(path) == everything
    assert nth > len(SIZES)


ACTS: dict[str, Act] = {
    "hold": Hold(),
    "erase": Erase(tuple(disclosure_id(seq, 0) for seq in (1, 599))),
    "release": Release(600),
    "prune": Prune(256),
}
"""Each with the record of it, number 600 and following."""
SWEEPS = 2


def act(store: Store, records: list[bytes]) -> None:
    """Do the acts that are still to be done, and remove what was pruned."""
    for at, (record, done) in enumerate(zip(records, ACTS.values(), strict=True), 600):
        if at == store.size:
            store.append([record], [(0, Aside(act=done))])
    for _ in range(SWEEPS):
        store.append([], [(0, Aside(act=Sweep(150)))])


def acted(path: Path) -> tuple[int, list[int | None], int, list[int]]:
    """Of a ledger: its size, the holds that stand, where it begins, what was erased."""
    with closing(Reader(path)) as reader:
        first, size = reader.first(), reader.state().size
        found = reader.disclosures(range(first, 600))
        erased = [seq for seq in found if any(act_of(each) is not None for each in found[seq])]
        return size, [each.released for each in reader.holds()], first, erased


STATES = [
    (600, [], 0, []),
    (601, [None], 0, []),
    (602, [None], 0, [1, 599]),
    (603, [602], 0, [1, 599]),
    (604, [602], 256, [599]),
]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [FULL, NO_SYNC], ids=["ENOSPC", "EIO"])
def test_a_failed_act_is_done_with_its_record_or_not_at_all(
    fault: Fault, ledger_path: Path, signer: Signer, disks: Callable[[Path], Disk]
) -> None:
    """Whichever write or sync of a hold, an erasure or a pruning fails, it can be done again."""
    before, records = logs.batches([600, len(ACTS)])
    values = tuple(Disclosure(at, 0, b'["salt","purpose","%0200d"]' % at) for at in range(600))
    with closing(Store(ledger_path, signer)) as store:
        store.append(before, [(0, Aside(values))])
    seen = []
    for nth in itertools.count():
        folder = ledger_path.parent.with_name(f"disk-{nth}")
        shutil.copytree(ledger_path.parent, folder)
        path = folder / "ledger.db"
        disk = disks(folder)
        raised: apsw.Error | None = None
        try:
            with closing(Store(path, signer, Tuning(vfs=disk.vfs, copy_back=2))) as store:
                disk.fail(fault.kind, fault.error, nth)
                act(store, records)
        except apsw.Error as error:
            raised = error
        with closing(Store(path, signer)) as again:
            assert acted(path) in STATES
            seen.append(acted(path)[0])
            act(again, records)
            assert acted(path) == STATES[-1]
        with LedgerFile(path) as evidence:
            assert evidence.oldest() == 256
        if raised is None:
            break
        assert explain(raised, "x").code == fault.code
    assert {600, 602, 604} <= set(seen)


@each_fault
def test_a_failed_commit_is_an_error_for_everyone(
    fault: Fault,
    disk: Disk,
    ledger_path: Path,
    signer: Signer,
    batches: Callable[[list[int]], Batches],
    recheck: Callable[[Path], list[bytes]],
) -> None:
    """Whoever waits for a failed commit, or asks later, hears why; the answered are all there."""
    first, second, third = batches([2, 3, 1])

    async def main() -> None:
        near, far = socket.socketpair()
        opened = partial(Store, ledger_path, signer, Tuning(vfs=disk.vfs))
        thread = threading.Thread(target=writer.run, args=(far, ledger_path, opened))
        thread.start()
        ledger = await Ledger.attach(near, Options(lambda: datetime(2026, 3, 1, tzinfo=UTC)))
        assert await ledger.append(first) == 0
        disk.fail(fault.kind, fault.error, 0)
        waiting = [ledger.submit([leaf]) for leaf in second]
        for each in waiting:
            with pytest.raises(LedgerUnavailable, match="restart"):
                await each
        assert ledger.failure is not None
        assert ledger.failure.code == fault.code
        with pytest.raises(LedgerUnavailable, match="restart"):
            await ledger.append(third)
        await asyncio.to_thread(thread.join)
        far.close()
        await ledger.close()

    asyncio.run(main())
    disk.fault = lambda _kind, _name: None
    found = recheck(ledger_path)
    assert found[:2] == first
    assert found in (first, first + second)


def test_a_ledger_that_cannot_be_read_is_not_opened(
    disk: Disk, ledger_path: Path, signer: Signer, recheck: Callable[[Path], list[bytes]]
) -> None:
    """A read that fails while opening is the disk's error, not taken for damage or emptiness."""
    reads: list[str] = []
    disk.fault = lambda kind, name: reads.append(name) if kind == "read" else None
    Store(ledger_path, signer, Tuning(vfs=disk.vfs)).close()
    assert reads
    for nth in range(len(reads)):
        disk.fail("read", failing(apsw.SQLITE_IOERR_READ), nth)
        with pytest.raises(DataFolderError, match="SQLITE_IOERR_READ") as caught:
            Store(ledger_path, signer, Tuning(vfs=disk.vfs))
        assert caught.value.code == "disk-error"
    disk.fault = lambda _kind, _name: None
    assert recheck(ledger_path) == []


def test_a_read_only_ledger_is_not_opened(
    disk: Disk, ledger_path: Path, signer: Signer, recheck: Callable[[Path], list[bytes]]
) -> None:
    """A ledger that may not be written is refused at once, not at its first record."""
    disk.is_read_only = True
    with pytest.raises(DataFolderError, match="give policyd a writable data folder") as caught:
        Store(ledger_path, signer, Tuning(vfs=disk.vfs))
    assert caught.value.code == "ledger-readonly"
    disk.is_read_only = False
    assert recheck(ledger_path) == []


@pytest.mark.parametrize("fault", [FULL, NO_WRITE, NO_SYNC])
def test_a_ledger_that_cannot_be_made_says_why(
    fault: Fault,
    tmp_path: Path,
    signer: Signer,
    disks: Callable[[Path], Disk],
) -> None:
    """A disk that fails while a ledger is made is an error with a way out."""
    disk = disks(tmp_path)
    disk.fail(fault.kind, fault.error, 1)
    with pytest.raises(DataFolderError) as caught:
        create(tmp_path / "ledger.db", signer, Tuning(vfs=disk.vfs))
    assert caught.value.code == fault.code
