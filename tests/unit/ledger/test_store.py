"""The store: what it appends is durable, adds up, and is found again; what is not, it refuses."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.frames import MAX_BATCH
from policyd.ledger.record import time_of
from policyd.ledger.signing import Signer
from policyd.ledger.store import LedgerMoved, Store, Tuning
from policyd.model.errors import DataFolderError
from policyd_audit import note
from policyd_audit.tree import Tree, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable


def look(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What a query finds in a closed ledger."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = list(db.execute(sql))
    db.close()
    return found


def change(path: Path, sql: str, *values: bytes | str | int) -> None:
    """Tamper with a closed ledger."""
    db = apsw.Connection(str(path))
    db.execute(sql, values)
    db.close()


@pytest.mark.parametrize("batches", [[1], [1, 1, 1], [255, 1, 1], [256, 256], [300, 512, 3], [512]])
def test_batches_add_up(
    batches: list[int], path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """Leaves, tiles, state and checkpoint of any batches are those of one tree."""
    store, tree, leaves, tiles = Store(path, signer), Tree(), [], []
    for count in batches:
        batch = records(count)
        store.append(batch)
        leaves += batch
        tiles += tree.extend(map(leaf_hash, batch))
    store.close()
    assert look(path, "select leaf from leaf order by seq") == [(leaf,) for leaf in leaves]
    assert look(path, "select * from tile order by level, n") == sorted(tiles)
    assert look(path, "select size, stack, root, note from state") == [
        (tree.size, b"".join(tree.stack), tree.root(), signer.checkpoint(tree.size, tree.root()))
    ]


def test_opening_goes_on_where_it_ended(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A log written in several runs is the same as one written in one."""
    leaves = []
    for count in (3, 252, 1, 300, 1):
        batch = records(count)
        store = Store(path, signer)
        store.append(batch)
        store.close()
        leaves += batch
    reopened = Store(path, signer)
    assert (reopened.size, reopened.last_ts) == (len(leaves), time_of(leaves[-1]))
    reopened.close()
    tree = Tree()
    tree.extend(map(leaf_hash, leaves))
    assert look(path, "select root from state") == [(tree.root(),)]


def test_an_empty_ledger_is_signed(path: Path, signer: Signer) -> None:
    """Even before its first record a log has a checkpoint that its key signed."""
    ((size, signed),) = look(path, "select size, note from state")
    note.verify(note.parse(str(signed)), signer.key)
    assert size == 0


def test_the_auditors_tool_agrees(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A ledger that this wrote holds before a verifier of another process and SQLite."""
    store = Store(path, signer)
    store.append(records(1))
    store.append(records(MAX_BATCH))
    store.close()
    command = [sys.executable, "-m", "policyd_audit", "verify", str(path), "--key", signer.vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("sql", "values", "what"),
    [
        ("update state set size = 4", (), "does not end with record 3"),
        ("update state set size = 601", (), "does not end with record 600"),
        ("update state set size = 599", (), "does not end with record 598"),
        ("update state set size = -1", (), "is missing or is not one"),
        ("update state set size = 'x'", (), "is missing or is not one"),
        ("delete from state", (), "is missing or is not one"),
        ("update state set root = ?", (b"\x01" * 32,), "stored root"),
        ("update state set stack = substr(stack, 33)", (), "tree state"),
        ("update state set stack = zeroblob(length(stack))", (), "tree state"),
        ("update state set note = ?", ("no note",), "the note is not"),
        ("update state set note = replace(note, '600', '601')", (), "signature"),
        ("delete from leaf where seq = 599", (), "does not end with record 599"),
        ("delete from leaf where seq = 500", (), "does not end with record 599"),
        ("update leaf set leaf = ? where seq = 599", (b"{}",), "record 599: its bytes"),
        ("update leaf set leaf = 'text' where seq = 599", (), "record 599"),
        ("update leaf set hash = ? where seq = 344", (b"\x01" * 32,), "record 344"),
        ("insert into leaf values(600, x'00', x'00')", (), "does not end with record 599"),
        ("update tile set data = zeroblob(8192) where n = 1", (), "tree state"),
        ("update tile set data = x'00'", (), "a tile of level 0"),
        ("delete from tile where n = 1", (), "tree state"),
        ("drop table tile", (), "`tile` is missing"),
        ("alter table leaf rename column hash to sum", (), "no such column"),
    ],
)
def test_damage_is_seen_when_opening(
    sql: str,
    values: tuple[bytes | str, ...],
    what: str,
    path: Path,
    signer: Signer,
    records: Callable[[int], list[bytes]],
) -> None:
    """A state, tile, checkpoint or late record that does not fit stops the server, by name."""
    store = Store(path, signer)
    store.append(records(300))
    store.append(records(300))
    store.close()
    change(path, sql, *values)
    with pytest.raises(DataFolderError, match=what) as caught:
        Store(path, signer)
    assert caught.value.code == "ledger-damaged"
    assert "policyd-audit verify" in str(caught.value)


def test_a_checkpoint_of_another_tree_is_damage(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A checkpoint that was signed, but of another state, does not fit this one."""
    with closing(Store(path, signer)) as store:
        store.append(records(3))
    change(path, "update state set note = ?", signer.checkpoint(2, b"\x01" * 32))
    with pytest.raises(DataFolderError, match="the checkpoint is not that of the stored tree"):
        Store(path, signer)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux to see open files")
def test_a_refused_ledger_is_not_kept_open(path: Path, signer: Signer) -> None:
    """A store that cannot be opened leaves no open file, with which locks would go or stay."""
    change(path, "update state set root = zeroblob(32)")
    with pytest.raises(DataFolderError) as caught:
        Store(path, signer)
    names = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert caught.value.code == "ledger-damaged"
    assert str(path) not in names


def test_a_leaf_that_is_no_record_is_damage(path: Path, signer: Signer) -> None:
    """A log whose last leaf has no time cannot be continued."""
    store = Store(path, signer)
    with pytest.raises(ValueError, match="not found"):
        store.append([b"{}"])
    store.close()
    with pytest.raises(DataFolderError, match="the last record has no time"):
        Store(path, signer)


def test_another_key_is_refused(path: Path) -> None:
    """A ledger is only continued with the key that signed it."""
    with pytest.raises(DataFolderError, match="there is no signature of the key"):
        Store(path, Signer("policyd.example/log", b"\x08" * 32))


@pytest.mark.parametrize(
    ("sql", "code", "what"),
    [
        ("pragma application_id = 0", "ledger-foreign", "not a ledger"),
        ("pragma user_version = 2", "ledger-version", "format 2, and this policyd writes 1"),
    ],
)
def test_what_is_no_ledger_of_ours_is_refused(
    sql: str, code: str, what: str, path: Path, signer: Signer
) -> None:
    """Another program's database, or another version's ledger, is left as it is."""
    change(path, sql)
    before = path.read_bytes()
    with pytest.raises(DataFolderError, match=what) as caught:
        Store(path, signer)
    assert caught.value.code == code
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no database" * 1000, "ledger-damaged"),
        (b"", "ledger-foreign"),
        (None, "ledger-unreadable"),
    ],
)
def test_what_is_no_database_is_refused(
    content: bytes | None, code: str, path: Path, signer: Signer
) -> None:
    """A file that SQLite cannot read, or none at all, is told apart from damage within."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataFolderError) as caught:
        Store(path, signer)
    assert caught.value.code == code
    assert str(path) in str(caught.value)


def test_a_ledger_that_another_program_keeps_is_not_opened(path: Path, signer: Signer) -> None:
    """A program that has the ledger to itself keeps the server from starting, and is told of."""
    with closing(apsw.Connection(str(path))) as other:
        other.pragma("locking_mode", "exclusive")
        other.execute("update state set size = size")
        with pytest.raises(DataFolderError, match="another program holds a lock") as caught:
            Store(path, signer, Tuning(busy_ms=0))
        assert caught.value.code == "ledger-locked"


def test_a_locked_ledger_is_refused(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A program that holds a write lock stops the append, and nothing is half done."""
    store, other = Store(path, signer, Tuning(busy_ms=50)), apsw.Connection(str(path))
    other.execute("begin immediate")
    with pytest.raises(apsw.BusyError):
        store.append(records(3))
    store.close()
    other.execute("rollback")
    other.close()
    assert look(path, "select count(*) from leaf") == [(0,)]


def test_two_writers_are_noticed(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """If two stores write one ledger, the one that comes late stops, and the log still adds up."""
    one, other = Store(path, signer), Store(path, signer)
    one.append(records(2))
    with pytest.raises(LedgerMoved, match="another program has written"):
        other.append(records(2))
    other.close()
    one.append(records(2))
    one.close()
    with closing(Store(path, signer)) as again:
        assert again.size == 4


def test_the_wal_does_not_grow_for_ever(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """Between batches the WAL is copied back, so it stays short however long the log gets."""
    store = Store(path, signer, Tuning(copy_back=20))
    longest = 0
    for _ in range(100):
        store.append(records(20))
        store.tidy()
        longest = max(longest, path.with_name("ledger.db-wal").stat().st_size)
    store.close()
    assert longest < 60 * 4200


def test_a_reader_that_stays_does_not_keep_the_wal_growing(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """Once a reader that held an old state lets go, the WAL starts over."""
    store, reader = Store(path, signer, Tuning(copy_back=4)), apsw.Connection(str(path))
    wal = path.with_name("ledger.db-wal")
    reader.execute("begin")
    reader.execute("select * from state").fetchall()
    while wal.stat().st_size < 4 * 16 * 4200:
        store.append(records(20))
        store.tidy()
    assert wal.stat().st_size
    reader.execute("rollback")
    store.append(records(20))
    store.append(records(20))
    store.tidy()
    assert wal.stat().st_size == 0
    reader.close()
    store.close()
