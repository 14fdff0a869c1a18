"""The tamper matrix: each way to change a log behind its back, and which check catches it.

A check that does not see a fault is in the table too, by the word HOLDS: what nobody but an
outside anchor can see must never be taken for checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.folder import DataFolder, create
from policyd.ledger.guard import Guard, check_guard
from policyd.ledger.reader import Reader
from policyd.ledger.record import time_of
from policyd.ledger.stamp import TOLERANCE, Stamper, moment
from policyd.ledger.store import LedgerMoved, Store
from policyd.ledger.store import create as create_ledger
from policyd.model.errors import ClockBehind, DataFolderError, Gone, LedgerUnavailable
from policyd_audit.claim import remembered
from policyd_audit.errors import VerificationError
from policyd_audit.layout import CHECKPOINT, resources
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.sources import Folder
from policyd_audit.tiled_log import TiledLog
from policyd_audit.tree import leaf_hash
from policyd_audit.verify import verify
from policyd_audit.verify_log import verify_log

if TYPE_CHECKING:
    from policyd.ledger.signing import Signer
    from tests.faults.logs import Batches

SIZE, SEEN, SAVED = 600, 500, 400
OLD, NEW = 7, 590  # a record long before what was seen, and one that every start looks at
ORIGIN = "policyd.example/log"
HOLDS = "holds"
UNSERVED = "audit-unavailable"  # the server answers 503 instead

CHECKS = ("start", "file", "log", "seen", "guard")
"""What looks at a log.

start: opening the data folder, as every start of a server does
file: `policyd-audit verify ledger.db`, which has nothing but the log's key
log: `policyd-audit verify` of the log as it is served or exported
seen: the same with the state file of an earlier look, at `SEEN` records
guard: the server's own, which knows the last checkpoint it published
"""


@dataclass
class Evidence:
    """A data folder with a log, what was taken from it before, and who wrote it.

    `written` is what a forger knows: all records, in order. `seen` is a checkpoint that an
    auditor kept. `exported` is called with the folder of the log once it is exported, so that a
    fault may be in what is served alone.
    """

    folder: Path
    signer: Signer
    written: list[bytes]
    backup: Path
    seen: str
    exported: Callable[[Path], None] = field(default=lambda _folder: None)

    @property
    def ledger(self) -> Path:
        """The log's file."""
        return self.folder / "ledger.db"

    def run(self, sql: str, *values: int | bytes) -> None:
        """Change the file by one statement."""
        with closing(apsw.Connection(str(self.ledger))) as db:
            db.execute(sql, values)

    def flip(self, table: str, column: str, where: str) -> None:
        """Flip the last bit of one value's byte in the middle."""
        with closing(apsw.Connection(str(self.ledger))) as db:
            found = db.execute(f"select {column} from {table} where {where}").get  # noqa: S608
            data = bytearray(found.encode() if isinstance(found, str) else found)
            data[len(data) // 2] ^= 1
            changed = data.decode() if isinstance(found, str) else bytes(data)
            db.execute(f"update {table} set {column} = ? where {where}", (changed,))  # noqa: S608

    def rewrite(self, records: Sequence[bytes]) -> None:
        """Make the log anew of these records, signed with its own key."""
        for each in self.folder.glob("ledger.db*"):
            each.unlink()
        create_ledger(self.ledger, self.signer)
        with closing(Store(self.ledger, self.signer)) as store:
            for at in range(0, len(records), 200):
                store.append(records[at : at + 200])

    def restore(self) -> None:
        """Put the backup in the place of the data folder."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.backup, self.folder)


def forged(leaf: bytes) -> bytes:
    """Another record of the same id and time."""
    return leaf.replace(b"tested", b"Tested")


def forge(evidence: Evidence) -> None:
    """Change a record, and its hash to match."""
    leaf = forged(evidence.written[OLD])
    sql = "update leaf set leaf = ?, hash = ? where seq = ?"
    evidence.run(sql, leaf, leaf_hash(leaf), OLD)


def swap(evidence: Evidence) -> None:
    """Let two records change places, with their hashes."""
    for now, then in ((OLD, -1), (OLD + 1, OLD), (-1, OLD + 1)):
        evidence.run("update leaf set seq = ? where seq = ?", then, now)


def cut_away(evidence: Evidence) -> None:
    """Let the log begin later, as a pruning does, but without the record of one."""
    evidence.run("insert into retained values(1, 256, 0)")
    evidence.run("delete from leaf where seq < 256")


def rewrite(evidence: Evidence) -> None:
    """Forge one record, and make everything after it anew: an insider with disk and key."""
    written = evidence.written
    evidence.rewrite([*written[:OLD], forged(written[OLD]), *written[OLD + 1 :]])


def cut_off(evidence: Evidence) -> None:
    """Take the last records away, and make and sign everything to fit."""
    evidence.rewrite(evidence.written[: SEEN - 1])


def flip_key(evidence: Evidence) -> None:
    """Flip a bit of the signing key."""
    path = evidence.folder / "keys/signing.key"
    text = bytearray(path.read_bytes())
    text[-10] ^= 1
    path.write_bytes(bytes(text))


def other_key(evidence: Evidence) -> None:
    """Put a key of the forger's own in the place of the log's, and sign with it."""
    path = evidence.folder / "keys/signing.key"
    path.unlink()
    evidence.signer = type(evidence.signer)(ORIGIN, b"\x66" * 32)
    evidence.signer.save(path)
    evidence.rewrite(evidence.written)


def served(name: str) -> Callable[[Evidence], None]:
    """Flip a bit of one resource, after the log was exported."""

    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(bytes(data))

    def fault(evidence: Evidence) -> None:
        evidence.exported = change

    return fault


Tamper = Callable[[Evidence], object]


def deleted(record: int) -> Tamper:
    """Take one record out of the ledger's file."""
    return lambda evidence: evidence.run("delete from leaf where seq = ?", record)


def flipped(table: str, column: str, where: str) -> Tamper:
    """Flip one bit in the ledger's file."""
    return lambda evidence: evidence.flip(table, column, where)


# fmt: off
MATRIX: dict[str, tuple[Tamper, str, str, str, str, str]] = {
    #                            how, and by which check it is caught: start, file, log, seen, guard
    "nothing at all": (lambda _: None,
        HOLDS, HOLDS, HOLDS, HOLDS, HOLDS),
    # What nobody signed: the log's own key is enough to see it.
    "a byte of an old record": (flipped("leaf", "leaf", f"seq = {OLD}"),
        HOLDS, "record-hash", "record-hash", HOLDS, HOLDS),
    "a byte of a new record": (flipped("leaf", "leaf", f"seq = {NEW}"),
        "ledger-damaged", "record-hash", "record-hash", "record-hash", HOLDS),
    "a byte of an old leaf hash": (flipped("leaf", "hash", f"seq = {OLD}"),
        HOLDS, "record-hash", HOLDS, HOLDS, HOLDS),
    "an old record with its hash": (forge,
        HOLDS, "tile-differs", "record-hash", HOLDS, HOLDS),
    "a byte of a tile": (flipped("tile", "data", "n = 0"),
        "ledger-damaged", "tile-differs", "record-hash", "log-rewritten", "ledger-rewritten"),
    "a tile taken away": (lambda e: e.run("delete from tile where n = 0"),
        "ledger-damaged", "tile-missing", UNSERVED, UNSERVED, UNSERVED),
    "a byte of the tree's state": (flipped("state", "stack", "true"),
        "ledger-damaged", "state-differs", HOLDS, HOLDS, HOLDS),
    "a byte of the checkpoint": (flipped("state", "note", "true"),
        "ledger-damaged", "note-malformed", "note-malformed", "note-malformed", "ledger-damaged"),
    "a byte of the signing key": (flip_key,
        "data-folder-damaged", HOLDS, HOLDS, HOLDS, "data-folder-damaged"),
    "the last record taken away": (deleted(SIZE - 1),
        "ledger-damaged", "record-missing", UNSERVED, UNSERVED, UNSERVED),
    "an old record taken away": (deleted(OLD),
        HOLDS, "record-missing", UNSERVED, UNSERVED, HOLDS),
    "the first records cut away as if pruned": (cut_away,
        HOLDS, "record-missing", "record-missing", HOLDS, HOLDS),
    "two records in other order": (swap,
        HOLDS, "record-time", "record-hash", HOLDS, HOLDS),
    "all signed with another key": (other_key,
        HOLDS, "signature-missing", "signature-missing", "signature-missing", HOLDS),
    # What whoever has disk and key can do: only what somebody else kept sees it.
    "rewritten and signed again": (rewrite,
        HOLDS, HOLDS, HOLDS, "log-rewritten", "ledger-rewritten"),
    "cut off and signed again": (cut_off,
        HOLDS, HOLDS, HOLDS, "log-shrank", "ledger-rolled-back"),
    "an old backup put back": (Evidence.restore,
        HOLDS, HOLDS, HOLDS, "log-shrank", "ledger-rolled-back"),
    # On the way to the auditor, or in an exported folder.
    "a byte of an old bundle served": (served("tile/entries/000"),
        HOLDS, HOLDS, "record-hash", HOLDS, HOLDS),
    "a byte of a new bundle served": (served("tile/entries/002.p/88"),
        HOLDS, HOLDS, "bundle-malformed", "bundle-malformed", HOLDS),
    "a byte of a tile served": (served("tile/0/000"),
        HOLDS, HOLDS, "record-hash", HOLDS, HOLDS),
    "a byte of a checkpoint served": (served("checkpoint"),
        HOLDS, HOLDS, "note-malformed", "note-malformed", HOLDS),
}
# fmt: on
"""With a state file, what was seen before is not read again: its hashes must still add up to what
was signed, so a record changed there is named by the next look without that file."""


@pytest.fixture
def evidence(tmp_path: Path, batches: Callable[[list[int]], Batches]) -> Evidence:
    """A log of `SIZE` records, a backup of when it had `SAVED`, and what was seen in between."""
    before, then, after = batches([SAVED, SEEN - SAVED, SIZE - SEEN])
    with create(tmp_path / "data", ORIGIN) as folder:
        signer = folder.signer
        with closing(Store(folder.ledger, signer)) as store:
            store.append(before)
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    path = tmp_path / "data/ledger.db"
    with closing(Store(path, signer)) as store:
        store.append(then)
        seen = published(path)
        store.append(after)
    return Evidence(tmp_path / "data", signer, before + then + after, tmp_path / "backup", seen)


def published(ledger: Path) -> str:
    """The log's newest checkpoint."""
    with closing(Reader(ledger)) as reader:
        return reader.state().note


def export(evidence: Evidence, to: Path) -> Path:
    """The log as it is served, with what the fault does to that."""
    with closing(Reader(evidence.ledger)) as reader:
        state = reader.state()
        for resource in resources(state.size):
            path = to / resource.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(Gone):  # the server answers 410
                path.write_bytes(reader.content(resource) or b"")
    (to / CHECKPOINT).write_text(state.note)
    evidence.exported(to)
    return to


def start(evidence: Evidence, guard: Guard | None = None) -> str:
    """What opening the folder says, and then its guard."""
    try:
        with closing(DataFolder.open(evidence.folder, wait=0)) as folder:
            if guard is None:
                Store(folder.ledger, folder.signer).close()
            else:
                with closing(Reader(folder.ledger)) as reader:
                    check_guard(folder.path, guard, reader)
    except (DataFolderError, LedgerUnavailable) as error:
        return error.code
    return HOLDS


def verdict(report: Callable[[], object]) -> str:
    """The code of the first thing that a verification finds."""
    try:
        found = report().findings  # type: ignore[attr-defined]
    except VerificationError as error:
        return error.code
    return found[0].code if found else HOLDS


def outcomes(evidence: Evidence, key: str, guard: Guard, to: Path) -> dict[str, str]:
    """What each check says of the evidence."""

    def of_file() -> object:
        with LedgerFile(evidence.ledger) as ledger:
            return verify(ledger, vkey=key)

    def of_log(*, again: bool) -> Callable[[], object]:
        def check() -> object:
            with TiledLog(Folder(to)) as log:
                return verify_log(log, vkey=key, seen=remembered(evidence.seen) if again else None)

        return check

    said = {"file": verdict(of_file)}
    try:
        export(evidence, to)
        said |= {"log": verdict(of_log(again=False)), "seen": verdict(of_log(again=True))}
    except LedgerUnavailable as error:  # the server answers 503 and serves none of it
        said |= {"log": error.code, "seen": error.code}
    # Last, since a start may write to the folder.
    said |= {"guard": start(evidence, guard), "start": start(evidence)}
    return said


@pytest.mark.parametrize("fault", MATRIX)
def test_which_check_catches_what(fault: str, evidence: Evidence, tmp_path: Path) -> None:
    """Each fault is caught by the checks that the table names, by no others, and never unseen."""
    tamper, *expected = MATRIX[fault]
    key = evidence.signer.vkey
    guard = Guard(tmp_path / "guard")
    guard.advance(published(evidence.ledger))
    tamper(evidence)
    said = outcomes(evidence, key, guard, tmp_path / "export")
    assert {name: said[name] for name in CHECKS} == dict(zip(CHECKS, expected, strict=True))


def second_server(evidence: Evidence) -> str:
    """Another server is started on the same folder."""
    with closing(DataFolder.open(evidence.folder, wait=0)):
        return start(evidence)


def second_writer(evidence: Evidence) -> str:
    """Another program, which heeds no lock of ours, appends to the same file."""
    more = evidence.written[-1:]
    with (
        closing(Store(evidence.ledger, evidence.signer)) as one,
        closing(Store(evidence.ledger, evidence.signer)) as other,
    ):
        other.append(more)
        try:
            one.append(more)
        except LedgerMoved as error:
            return error.code
    return HOLDS


def clock_back(evidence: Evidence) -> str:
    """The machine's clock steps back behind the last record."""
    last = moment(time_of(evidence.written[-1]))
    try:
        Stamper(last, lambda: last - TOLERANCE - timedelta(microseconds=1)).draw()
    except ClockBehind as error:
        return error.code
    return HOLDS


REFUSED: dict[str, tuple[Callable[[Evidence], str], str]] = {
    "a second server on the folder": (second_server, "data-folder-locked"),
    "a second writer of the file": (second_writer, "ledger-moved"),
    "a clock that steps back": (clock_back, "clock-behind"),
}
"""What is caught before anything is written; `tests/api/test_clock.py` has the whole server."""


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_refused_at_once(fault: str, evidence: Evidence) -> None:
    """What would damage a log that is at work is refused, and the log is as it was."""
    tamper, code = REFUSED[fault]
    assert tamper(evidence) == code
    with LedgerFile(evidence.ledger) as ledger:
        assert verify(ledger, vkey=evidence.signer.vkey).holds
