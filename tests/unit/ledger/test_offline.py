"""New epochs and key rotation: nothing is lost, whenever they are interrupted."""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from policyd.ledger import epochs, offline, rotation
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.guard import Guard, check_guard
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.errors import Conflict, DataFolderError, UsageError
from policyd_audit import note
from policyd_audit.errors import SignatureError
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.verify import verify
from tests.unit.ledger.conftest import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.ledger.conftest import Clock, Entropy

    Records = Callable[[int], list[bytes]]


@pytest.fixture
def data(tmp_path: Path, records: Records) -> Path:
    """A closed data folder with a log of three records."""
    path = tmp_path / "data"
    with create(path, ORIGIN) as folder, closing(Store(folder.ledger, folder.signer)) as store:
        store.append(records(3))
    return path


def holds(ledger: Path, vkey: str) -> int:
    """The number of records of a ledger that holds under that key."""
    with LedgerFile(ledger) as opened:
        report = verify(opened, vkey=vkey)
    assert (report.findings, report.signature) == ((), "good")
    assert report.checkpoint
    return report.checkpoint.size


def vkey_of(data: Path) -> str:
    """The verifier key of a folder's log."""
    return Signer.load(data / "keys/signing.key").vkey


def test_a_new_epoch_begins_a_new_log(data: Path, clock: Clock) -> None:
    """It has another name and key; its first record says from where it goes on, and why."""
    old = vkey_of(data)
    made = offline.new_epoch(data, None, clock, reason="restored from a backup")
    assert (made.origin, made.vkey) == (f"{ORIGIN}/2", vkey_of(data))
    assert made.previous
    assert made.previous.size == 3
    assert holds(data / "ledger.db", made.vkey) == 1
    assert holds(data / "epochs/1/ledger.db", old) == 3
    with closing(Reader(data / "ledger.db")) as reader:
        first = json.loads(reader.page(limit=1).records[0].leaf)
    assert (first["kind"], first["reason"]) == ("epoch", "restored from a backup")
    note.verify(note.parse(first["previous"]), note.parse_vkey(old))
    again = offline.new_epoch(data, None, clock, reason="once more")
    assert again.origin == f"{ORIGIN}/3"
    assert sorted(each.name for each in (data / "epochs").iterdir()) == ["1", "2"]


def test_the_guard_knows_what_was_published(data: Path, clock: Clock, tmp_path: Path) -> None:
    """A log that was rolled back is gone on with from what the world has seen of it."""
    guard = Guard(tmp_path / "last")
    signer = Signer.load(data / "keys/signing.key")
    guard.advance(signer.checkpoint(700, bytes(32)))
    with (
        closing(Reader(data / "ledger.db")) as reader,
        pytest.raises(DataFolderError, match="new-epoch"),
    ):
        check_guard(data, guard, reader)
    made = offline.new_epoch(data, guard, clock, reason="rolled back")
    assert made.previous
    assert made.previous.size == 700
    with closing(Reader(data / "ledger.db")) as reader:
        check_guard(data, guard, reader)


@pytest.mark.parametrize("what", ["ledger.db", "guard"])
def test_what_is_damaged_is_left_behind(
    data: Path, clock: Clock, tmp_path: Path, what: str
) -> None:
    """A ledger or a guard that cannot be read keeps nobody from beginning anew."""
    guard = Guard(tmp_path / "last")
    if what == "guard":
        guard.path.write_text("nonsense")
    else:
        (data / what).write_bytes(b"nonsense" * 1000)
    made = offline.new_epoch(data, guard, clock, reason="damaged")
    assert (made.previous is None) is (what != "guard")
    kept = guard.newest()
    assert kept
    assert kept[0].origin == made.origin


class Cut(Exception):
    """The power is gone."""


@pytest.mark.parametrize("done", range(6))
def test_a_switch_that_is_cut_is_finished_by_the_next(
    data: Path, clock: Clock, entropy: Entropy, done: int
) -> None:
    """After any number of moves, opening the folder completes the rest; nothing is lost."""
    old, moves = vkey_of(data), itertools.count()

    def move(source: Path, target: Path) -> None:
        if next(moves) == done:
            raise Cut
        source.rename(target)

    (data / "guard").write_text("somewhere\n")
    stamp = Stamper(None, clock, entropy).draw()
    signer = epochs.prepare(data, f"{ORIGIN}/2", stamp, None, "tested")
    if done < 5:
        with pytest.raises(Cut):
            epochs.finish(data, move)
    else:
        epochs.finish(data, move)
        (data / epochs.READY).mkdir()  # what clearing away leaves if it is cut
    with closing(DataFolder.open(data)) as folder:
        assert folder.signer.vkey == signer.vkey
    assert holds(data / "ledger.db", signer.vkey) == 1
    assert holds(data / "epochs/1/ledger.db", old) == 3
    assert vkey_of(data / "epochs/1") == old
    assert not (data / epochs.READY).exists()


def test_what_was_never_ready_is_passed_over(data: Path, clock: Clock) -> None:
    """A crash while the new log is made leaves the old one in use, and the next try begins anew."""
    old = vkey_of(data)
    (data / "epoch.new/keys").mkdir(parents=True)
    (data / "epoch.new/ledger.db").write_text("half")
    with closing(DataFolder.open(data)) as folder:
        assert folder.signer.vkey == old
    assert offline.new_epoch(data, None, clock, reason="again").previous


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"reason": " "}, "reason-missing"),
        ({"reason": "x" * 501}, "reason-missing"),
        ({"reason": "a\nb"}, "reason-missing"),
        ({"reason": "x", "origin": ORIGIN}, "origin-taken"),
        ({"reason": "x", "origin": "a b"}, "origin-invalid"),
    ],
)
def test_what_a_new_epoch_needs(data: Path, clock: Clock, asked: dict[str, str], code: str) -> None:
    """A reason, and a name of its own; refused, nothing has changed."""
    old = vkey_of(data)
    with pytest.raises(UsageError) as caught:
        offline.new_epoch(data, None, clock, **asked)
    assert caught.value.code == code
    assert vkey_of(data) == old


def test_nothing_is_done_beside_a_server(data: Path, clock: Clock) -> None:
    """Whoever holds the lock is asked to end first."""
    with closing(DataFolder.open(data)), pytest.raises(DataFolderError, match="in use"):
        offline.new_epoch(data, None, clock, reason="x")


def test_a_key_is_rotated(data: Path, clock: Clock, records: Records) -> None:
    """Both keys sign for a while, then the new one alone; the log says so under the old key."""
    old = vkey_of(data)
    new = offline.rotate_key(data, clock)
    assert holds(data / "ledger.db", old) == 4
    with closing(DataFolder.open(data)) as folder:
        assert folder.signer.vkeys == [new, old]
        with closing(Store(folder.ledger, folder.signer)) as store:
            store.append(records(2)[1:])
    assert [holds(data / "ledger.db", each) for each in (old, new)] == [5, 5]
    with pytest.raises(Conflict, match="retire-key"):
        offline.rotate_key(data, clock)
    assert offline.retire_key(data, clock) == old
    assert holds(data / "ledger.db", new) == 6
    with closing(DataFolder.open(data)) as folder:
        assert folder.signer.vkeys == [new]
        with closing(Store(folder.ledger, folder.signer)) as store:
            store.append(records(1))
            said = store.last_ts
    assert said
    with closing(Reader(data / "ledger.db")) as reader:
        acts = [json.loads(each.leaf) for each in reader.page(limit=9).records]
        text = reader.state().note
    with pytest.raises(SignatureError):
        note.verify(note.parse(text), note.parse_vkey(old))
    said_of = {each["act"]: each["target"] for each in acts if each["kind"] == "admin"}
    assert said_of["signing-key-added"] == new
    assert said_of["signing-key-retired"] == old
    with pytest.raises(Conflict, match="rotate-key"):
        offline.retire_key(data, clock)


def test_a_rotation_that_is_cut(data: Path, clock: Clock, entropy: Entropy) -> None:
    """With the old key copied and the new one not in place, nothing has been rotated."""
    signer = Signer.load(data / "keys/signing.key")
    signer.save(data / "keys/retiring.key")
    signer.save(data / "keys/new.key")
    assert Signer.load(data / "keys/signing.key").vkeys == [signer.vkey]
    new = rotation.rotate(data, signer, Stamper(clock.now, clock, entropy).draw())
    assert Signer.load(data / "keys/signing.key").vkeys == [new.vkey, signer.vkey]


def test_a_stranger_is_no_retiring_key(data: Path, clock: Clock) -> None:
    """A checkpoint that neither key has signed is refused at the start, as without a rotation."""
    offline.rotate_key(data, clock)
    (data / "keys/retiring.key").unlink()
    Signer(ORIGIN, bytes(32)).save(data / "keys/retiring.key")
    with (
        closing(DataFolder.open(data)) as folder,
        pytest.raises(DataFolderError, match="no signature of the key"),
    ):
        Store(folder.ledger, folder.signer)
