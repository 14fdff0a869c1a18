"""Ledger files, read as evidence."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd_audit.errors import Malformed, Unreadable
from policyd_audit.ledger_file import LedgerFile, State

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]


def refusal(path: Path) -> tuple[str, str]:
    """Code and message with which a file is refused."""
    with pytest.raises((Malformed, Unreadable)) as caught:
        LedgerFile(path)
    return caught.value.code, caught.value.message


def test_a_ledger_gives_back_what_it_stores(new_ledger: New) -> None:
    """Records, tiles and state come as they are in the file."""
    ledger = new_ledger(300)
    with LedgerFile(ledger.path) as evidence:
        rows = list(evidence.leaves())
        assert [seq for seq, _, _ in rows] == list(range(300))
        assert evidence.count() == 300
        assert evidence.leaf(299) == rows[299][1:]
        assert evidence.leaf(300) is None
        assert list(evidence.tiles()) == [(0, 0)]
        tile = evidence.tile(0, 0)
        assert [tile[at : at + 32] for at in range(0, 8192, 32)] == [row[2] for row in rows[:256]]
        assert evidence.state().size == 300


def test_reading_leaves_no_trace(new_ledger: New, tmp_path: Path) -> None:
    """Evidence in WAL mode is read without files appearing beside it."""
    path = tmp_path / "copy of a ledger?.db"
    path.write_bytes(new_ledger(3).path.read_bytes())
    db = sqlite3.connect(path)
    db.execute("pragma journal_mode = wal")
    db.close()
    before = path.read_bytes()
    with LedgerFile(path) as evidence:
        assert evidence.count() == 3
        assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_what_is_only_in_the_wal_is_read(new_ledger: New, tmp_path: Path) -> None:
    """A copy taken with its `-wal` file holds what was committed last, too."""
    ledger = new_ledger(3)
    db = sqlite3.connect(ledger.path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("insert into leaf values(3, x'7b7d', x'00')")
    copy = tmp_path / "ledger.db"
    copy.write_bytes(ledger.path.read_bytes())
    Path(f"{copy}-wal").write_bytes(Path(f"{ledger.path}-wal").read_bytes())
    db.close()
    with LedgerFile(copy) as evidence:
        assert evidence.count() == 4


def test_a_growing_ledger_is_seen_at_one_moment(new_ledger: New) -> None:
    """What is committed while a ledger is read is not seen."""
    ledger = new_ledger(3)
    db = sqlite3.connect(ledger.path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("insert into leaf values(3, x'7b7d', x'00')")
    with LedgerFile(ledger.path) as evidence:
        db.execute("insert into leaf values(4, x'7b7d', x'00')")
        assert evidence.count() == 4
    db.close()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that names no file is said so, and nothing is created there."""
    path = tmp_path / "nowhere.db"
    code, message = refusal(path)
    assert code == "file-missing"
    assert message.startswith(f"there is no file `{path.parent}"[:80])
    assert refusal(tmp_path)[0] == "file-missing"
    assert not path.exists()


def test_a_locked_ledger_decides_nothing(new_ledger: New) -> None:
    """A file another program holds is unreadable now, not wrong."""
    ledger = new_ledger(3)
    db = sqlite3.connect(ledger.path, isolation_level=None)
    db.execute("pragma journal_mode = delete")
    db.execute("begin exclusive")
    db.execute("insert into leaf values(3, x'', x'')")
    Path(f"{ledger.path}-journal").touch()
    code, message = refusal(ledger.path)
    db.execute("rollback")
    db.close()
    assert code == "ledger-unreadable"
    assert "check the copy" in message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-a-ledger"),
        (b"{}", "ledger-damaged"),
        (b"SQLite format 3\0", "ledger-damaged"),
        (bytes(5000), "ledger-damaged"),
    ],
    ids=["empty", "json", "cut", "zeros"],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    """A file that is no database is no ledger, and the message names it."""
    path = tmp_path / "a\nb.db"
    path.write_bytes(data)
    found, message = refusal(path)
    assert found == code
    assert message.startswith("`a\\nb.db` ")


@pytest.mark.parametrize(
    ("sql", "code", "why"),
    [
        ("pragma application_id = 7", "not-a-ledger", "is not a policyd ledger"),
        ("pragma user_version = 2", "ledger-version", "of version 2"),
        ("drop table tile", "not-a-ledger", "has no table tile(data, level, n)"),
        ("alter table state drop column note", "not-a-ledger", "has no table state("),
        ("alter table leaf rename to leaves", "not-a-ledger", "has no table leaf("),
    ],
)
def test_another_database_is_refused(new_ledger: New, sql: str, code: str, why: str) -> None:
    """A database without the tables of a ledger is refused by what it lacks."""
    ledger = new_ledger(3)
    ledger.change(sql)
    found, message = refusal(ledger.path)
    assert found == code
    assert why in message


def test_a_view_is_not_taken_for_a_table(new_ledger: New) -> None:
    """Nothing the file computes is evidence, only what it stores."""
    ledger = new_ledger(3)
    ledger.change("alter table leaf rename to stored")
    ledger.change("create view leaf as select seq, leaf, hash from stored")
    assert refusal(ledger.path)[0] == "not-a-ledger"
    ledger.change("drop view leaf")
    ledger.change("create table leaf(seq integer primary key, leaf blob, hash as (zeroblob(32)))")
    assert refusal(ledger.path)[0] == "not-a-ledger"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("update state set size = 'x'", "`size` is not a number of records"),
        ("update state set size = -1", "`size` is not a number of records"),
        ("update state set stack = 'x'", "`stack` or `root` is not a blob"),
        ("update state set root = 3", "`stack` or `root` is not a blob"),
        ("update state set note = x'00'", "`note` is not a text"),
        ("update state set note = cast(x'ff' as text)", "`note` is not valid UTF-8"),
    ],
)
def test_a_state_of_other_types_is_malformed(new_ledger: New, sql: str, why: str) -> None:
    """The state is refused by the member that has another type."""
    ledger = new_ledger(3)
    ledger.change(sql)
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed, match=why) as caught:
        evidence.state()
    assert caught.value.code == "state-malformed"


def test_a_missing_state_is_malformed(new_ledger: New) -> None:
    """A ledger without its state row is refused."""
    ledger = new_ledger(3)
    ledger.change("delete from state")
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed, match="state is missing"):
        evidence.state()


@pytest.mark.parametrize("data", [b"", bytes(8191), bytes(8193), "x" * 8192, 3])
def test_a_tile_of_another_form_is_malformed(new_ledger: New, data: object) -> None:
    """A tile that is not 256 hashes is refused by its name."""
    ledger = new_ledger(300)
    ledger.change("update tile set data = ?", data)
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed) as caught:
        evidence.tile(0, 0)
    assert (caught.value.code, caught.value.facts) == ("tile-malformed", {"tile": "0/0"})


def test_a_missing_tile_is_named(new_ledger: New) -> None:
    """A tile that is not stored is refused by its name."""
    with LedgerFile(new_ledger(3).path) as evidence, pytest.raises(Malformed) as caught:
        evidence.tile(0, 7)
    assert (caught.value.code, caught.value.message) == ("tile-missing", "tile 0/7 is missing")


def test_a_giant_value_does_not_fill_the_memory(new_ledger: New) -> None:
    """A value longer than any honest one is refused instead of being read."""
    ledger = new_ledger(3)
    ledger.change("update leaf set leaf = zeroblob(2000000) where seq = 1")
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed, match="too big"):
        list(evidence.leaves())


def test_record_numbers_are_integers(new_ledger: New) -> None:
    """A table whose record numbers are of another type is refused."""
    ledger = new_ledger(3)
    ledger.change("drop table leaf")
    ledger.change("create table leaf(seq, leaf, hash)")
    ledger.change("insert into leaf values('0', x'', x'')")
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed, match="not an integer"):
        list(evidence.leaves())


def test_rows_are_counted_in_their_table(new_ledger: New) -> None:
    """A forged index, which has other rows than its table, does not say how many there are."""
    ledger = new_ledger(3)
    ledger.change("create index of_hashes on leaf(hash)")
    ledger.change("create table other(hash)")
    ledger.change("create index of_nothing on other(hash)")
    with ledger.open() as db:
        db.execute("pragma writable_schema = on")
        query = "select rootpage from sqlite_schema where name = 'of_nothing'"
        (empty,) = db.execute(query).fetchone()
        db.execute("update sqlite_schema set rootpage = ? where name = 'of_hashes'", (empty,))
    with LedgerFile(ledger.path) as evidence:
        assert evidence.count() == 3
        assert evidence.has_only(0, 3)
        assert not evidence.has_only(0, 2)


def test_the_state_comes_with_its_note(new_ledger: New) -> None:
    """State, stack and note are those of the row."""
    ledger = new_ledger(5)
    with LedgerFile(ledger.path) as evidence:
        state = evidence.state()
    stack = ledger.blob("select stack from state")
    root = ledger.blob("select root from state")
    assert state == State(5, stack, root, state.note)
    assert state.note.startswith("policyd.example/audit/1\n5\n")
