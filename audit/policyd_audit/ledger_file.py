"""The ledger's SQLite file, read as evidence: nothing in it is taken on trust.

    leaf(seq, leaf, hash)          seq from 0 without gaps; hash is the leaf hash of leaf
    tile(level, n, data)           the full tiles of the tree
    state(size, stack, root, note) one row: the tree's append state and its signed checkpoint
    disclosure(id, data)           what is kept apart of records, or was erased
    retained(id, first, act)       one row, once records were pruned: where the log begins

All is read in one transaction, so a ledger that is being written is seen at one moment. The file
is opened read-only, and with no `-wal` beside it nothing is created next to it either.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from policyd_audit.checkpoint import MAX_SIZE
from policyd_audit.errors import Malformed, Unreadable, shown
from policyd_audit.evidence import Shared
from policyd_audit.tree import TILE_BYTES, TILE_WIDTH

APPLICATION_ID = 0x706F6C64
USER_VERSION = 1

_LEAVES = "select seq, leaf, hash from leaf where seq >= ?"
_BY_NUMBER = b"INTEGER PRIMARY KEY"
_ID_BITS = 16  # a disclosure's id is its record's number, and so many bits
_BESIDE = {"disclosure": {"id", "data"}, "retained": {"id", "first", "act"}}
_COLUMNS = {
    "leaf": {"seq", "leaf", "hash"},
    "tile": {"level", "n", "data"},
    "state": {"id", "size", "stack", "root", "note"},
}
# No honest value is longer; a forged one must not fill the memory.
_MAX_VALUE_BYTES = 1 << 20
_PATIENCE_S = 1
# What keeps the file from being read now; every other trouble is a fault of the file.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class State(NamedTuple):
    """The stored append state: of the right types, but of any length and content."""

    size: int
    stack: bytes
    root: bytes
    note: str


class LedgerFile(AbstractContextManager["LedgerFile"]):
    """One ledger file, open for reading; a context manager that closes it.

    Every method raises `Malformed` where the file is damaged and `Unreadable` where it cannot be
    read now.

    Raises:
        Unreadable: there is no such file (`file-missing`), or it cannot be opened now.
        Malformed: it is no ledger of a version this program reads.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Unreadable("file-missing", f"there is no file {shown(str(path))}")
        self._name = shown(path.name)
        self._path = path
        with self._reading():
            self._db = sqlite3.connect(
                _uri(path), timeout=_PATIENCE_S, isolation_level=None, uri=True
            )
        try:
            with self._reading():
                self._begin()
        except BaseException:
            self._db.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def count(self) -> int:
        """Return the number of rows in `leaf`, whatever an index says."""
        query = "select count(*) from leaf not indexed"
        with self._reading():
            (count,) = self._db.execute(query).fetchone()
        return int(count)

    def oldest(self) -> int:
        """Return the number of the oldest record whose bytes are in the file; 0 without any."""
        with self._reading():
            (oldest,) = self._db.execute("select min(seq) from leaf").fetchone()
        return oldest if type(oldest) is int else 0

    def leaves(
        self, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, object, object]]:
        """Yield seq, leaf and hash of the records from *first* to below *end*, as they are stored.

        Where the log begins later, rows before that are not met: they wait to be removed.
        """
        with self._reading():
            # From the start on, also a row with a number below 0 is met, which should not be there.
            low = first or -MAX_SIZE - 1
            if end is None:
                found = self._db.execute(f"{_LEAVES} order by seq", (low,))
            else:
                found = self._db.execute(f"{_LEAVES} and seq < ? order by seq", (low, end))
            for row in found:
                if type(row[0]) is not int:
                    why = f"{self._name} has a record whose number is not an integer"
                    raise Malformed("ledger-damaged", why)
                yield row

    def leaf(self, seq: int) -> tuple[object, object] | None:
        """Return leaf and hash of one record as they are stored, or None."""
        with self._reading():
            found: tuple[object, object] | None = self._db.execute(
                "select leaf, hash from leaf where seq = ?", (seq,)
            ).fetchone()
        return found

    def first(self) -> int:
        """Return the number of the record that the log begins at; what was before was pruned."""
        if "retained" not in self._beside:
            return 0
        with self._reading():
            row = self._db.execute("select first from retained").fetchone()
        first = row[0] if row else 0
        if type(first) is not int or first % TILE_WIDTH or not 0 <= first < MAX_SIZE:
            why = "the number of the record that the log begins at is none"
            raise Malformed("state-malformed", why)
        return first

    def beside(self, seq: int) -> Sequence[bytes]:
        """Return what is kept apart of a record, and what stands where some of it was erased."""
        if "disclosure" not in self._beside:
            return ()
        query = "select data from disclosure where id >= ? and id < ? order by id"
        with self._reading():
            ids = (seq << _ID_BITS, (seq + 1) << _ID_BITS)
            found = [data for (data,) in self._db.execute(query, ids)]
        if not all(type(data) is bytes for data in found):
            raise Malformed("disclosure-malformed", f"record {seq}: a disclosure is not a blob")
        return found

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a full tile.

        Raises:
            Malformed: it is missing, or is not 256 hashes.
        """
        query = "select data from tile where level = ? and n = ?"
        with self._reading():
            found = self._db.execute(query, (level, index)).fetchone()
        name = f"{level}/{index}"
        if found is None:
            raise Malformed("tile-missing", f"tile {name} is missing", tile=name)
        if type(found[0]) is not bytes or len(found[0]) != TILE_BYTES:
            why = f"tile {name} is not a blob of {TILE_BYTES:,} bytes"
            raise Malformed("tile-malformed", why, tile=name)
        return found[0]

    def tiles(self) -> Iterator[tuple[object, object]]:
        """Yield level and number of every stored tile, as they are stored."""
        with self._reading():
            yield from self._db.execute("select level, n from tile order by level, n")

    def shared(self) -> Shared | None:
        """Return how other processes can read its records, if they find them by number."""
        with self._reading():
            plan = self._db.execute(f"explain query plan {_LEAVES}", (0,)).fetchall()
        if not all(_BY_NUMBER in step for *_, step in plan):
            return None
        return Shared(self.oldest(), partial(LedgerFile, self._path))

    def has_only(self, first: int, size: int) -> bool:
        """Return whether it has so many rows; one that no number leads to is counted, too."""
        return self.count() == size - first

    def state(self) -> State:
        """Return the append state.

        Raises:
            Malformed: the row is missing or a value has the wrong type.
        """
        with self._reading():
            row = self._db.execute("select size, stack, root, note from state").fetchone()
        if row is None:
            raise Malformed("state-malformed", "the tree state is missing")
        size, stack, root, note = row
        if type(size) is not int or size < 0:
            raise _bad_state("size", "a number of records")
        if type(stack) is not bytes or type(root) is not bytes:
            raise _bad_state("stack` or `root", "a blob")
        return State(size, stack, root, _text(note))

    def _begin(self) -> None:
        # Text becomes bytearray, so that it never passes for a blob and need not be valid UTF-8.
        self._db.text_factory = bytearray
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        self._db.execute("begin")
        (application,) = self._db.execute("pragma application_id").fetchone()
        (version,) = self._db.execute("pragma user_version").fetchone()
        if application != APPLICATION_ID:
            raise Malformed("not-a-ledger", f"{self._name} is not a policyd ledger")
        if version != USER_VERSION:
            raise Malformed(
                "ledger-version",
                f"{self._name} is a ledger of version {version}, this program reads version"
                f" {USER_VERSION}; get the policyd-audit of the policyd that wrote it",
            )
        for table, columns in _COLUMNS.items():
            if not columns <= self._columns(table):
                why = f"{self._name} has no table {table}({', '.join(sorted(columns))})"
                raise Malformed("not-a-ledger", why)
        self._beside = {name for name, columns in _BESIDE.items() if columns <= self._columns(name)}

    def _columns(self, table: str) -> set[str]:
        """Return the columns a table stores; a view or virtual table stores none."""
        rows = self._db.execute(
            "select c.name from sqlite_schema s, pragma_table_info(s.name) c"
            " where s.rootpage > 0 and s.name = ?",
            (table,),
        )
        return {bytes(name).decode(errors="replace") for (name,) in rows}

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            why = f"{self._name} cannot be read: {error}"
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
                advice = "; copy it with its -wal file, or back it up, and check the copy"
                raise Unreadable("ledger-unreadable", why + advice) from error
            raise Malformed("ledger-damaged", why) from error


def _uri(path: Path) -> str:
    # A copy with nothing beside it cannot change while it is read. Without `immutable`, SQLite
    # would leave empty -wal and -shm files next to the evidence.
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
    mode = "mode=ro" if any(map(Path.exists, beside)) else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{mode}"


def _text(note: object) -> str:
    if not isinstance(note, bytearray):
        raise _bad_state("note", "a text")
    try:
        return note.decode()
    except UnicodeDecodeError as error:
        raise _bad_state("note", "valid UTF-8") from error


def _bad_state(member: str, expected: str) -> Malformed:
    return Malformed("state-malformed", f"tree state: `{member}` is not {expected}")
