"""Store: the one connection that writes the ledger's file.

A batch of records is one transaction: leaves, the tiles they fill, the tree's state, the signed
checkpoint, and what is kept beside them. It is durable when `append` returns.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import apsw

from policyd.ledger import sides
from policyd.ledger.frames import Aside, Erase
from policyd.ledger.record import time_of
from policyd.ledger.recovery import (
    APPLICATION_ID,
    TAIL,
    VERSION,
    Recovered,
    check_format,
    recover,
)
from policyd.ledger.signing import Signer
from policyd.ledger.trouble import DAMAGED, explain
from policyd.model.errors import DataFolderError, LedgerUnavailable
from policyd_audit.errors import Malformed, VerificationError
from policyd_audit.proof import perfect_root
from policyd_audit.tree import EMPTY_ROOT, TILE_BYTES, leaf_hash, split

SCHEMA = """
create table leaf(seq integer primary key, leaf blob not null, hash blob not null);
create table tile(level integer not null, n integer not null, data blob not null,
                  primary key(level, n)) without rowid;
create table state(id integer primary key check(id = 1), size integer not null,
                   stack blob not null, root blob not null, note text not null);
"""
"""`seq` is the index in the tree, without gaps from 0; only full tiles are kept."""

_BUSY_READERS_MS = 100
_TOO_LONG = 16  # times the length from which the WAL is copied back: 64 MiB
_STATEMENTS = 600  # one for each size of batch, and the rest


@dataclass(frozen=True, slots=True)
class Tuning:
    """How SQLite is used; only tests have a reason to depart from it.

    Attributes:
        vfs: Name of the VFS; None for the system's.
        synchronous: Anything less than `full` loses records in a power cut.
        copy_back: Length of the WAL, in pages of 4 KiB, from which it is copied back.
        busy_ms: How long another program's lock is waited for.
    """

    vfs: str | None = None
    synchronous: str = "full"
    copy_back: int = 1000
    busy_ms: int = 5000


class LedgerMoved(LedgerUnavailable):
    """Somebody else wrote to the ledger: its size is not the one this writer left."""

    code = "ledger-moved"


def create(path: Path, signer: Signer, tuning: Tuning = Tuning()) -> None:
    """Make a ledger without records, signed as such, where there is no file yet.

    Raises:
        DataFolderError: it cannot be written, with a code that says why.
    """
    try:
        db = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, tuning)
        with closing(db):
            db.pragma("journal_mode", "wal")
            with db:
                db.execute(SCHEMA + sides.SCHEMA)
                empty = signer.checkpoint(0, EMPTY_ROOT)
                db.execute("insert into state values(1, 0, x'', ?, ?)", (EMPTY_ROOT, empty))
                db.pragma("application_id", APPLICATION_ID)
                db.pragma("user_version", VERSION)
    except apsw.Error as error:
        raise _unusable(error, path) from error


class Store:
    """The ledger's file, open for appending; recovered and checked when it is opened.

    Args:
        path: An existing ledger.
        signer: Of the same log.
        tuning: How SQLite is used.

    Raises:
        DataFolderError: the file cannot be used, with a code that says why.
    """

    def __init__(self, path: Path, signer: Signer, tuning: Tuning = Tuning()) -> None:
        self.path = path
        self.signer = signer
        self._tuning = tuning
        self._wal_pages = self._copied_pages = 0
        self._must_wipe = False
        try:
            self._db = _connect(path, apsw.SQLITE_OPEN_READWRITE, tuning)
            self._tree, self._last_ts = self._recover()
        except apsw.Error as error:
            raise _unusable(error, path) from error
        except (VerificationError, ValueError) as error:
            raise DataFolderError(
                f"the ledger `{path}` is damaged: {error}; {DAMAGED}", code="ledger-damaged"
            ) from error

    @property
    def size(self) -> int:
        """Number of records."""
        return self._tree.size

    @property
    def last_ts(self) -> str | None:
        """Time of the last record."""
        return self._last_ts

    def append(self, leaves: Sequence[bytes], asides: Sequence[tuple[int, Aside]] = ()) -> None:
        """Commit records as one batch, with what goes beside those from a place on.

        They are durable on return.

        Any error leaves the outcome unknown: nothing may be appended any more; open the store
        again, which finds either all of the batch or none of it.

        Raises:
            apsw.Error: the disk or another program got in the way.
            LedgerMoved: somebody else has written to the ledger.
        """
        first = self._tree.size
        # A crash from here to the commit leaves frames in the WAL that no commit frame covers;
        # the next opening passes over them, and nobody has been answered.
        self._db.execute("begin immediate")
        if leaves:
            self._add(first, leaves)
        for at, aside in asides:
            sides.apply(self._db, first + at, aside)
        # A crash within the commit leaves the whole batch or nothing of it. A crash after it
        # leaves records that nobody was answered about: more than was promised, never less.
        self._db.execute("commit")
        if leaves:
            self._last_ts = time_of(leaves[-1])
        if any(isinstance(aside.act, Erase) for _, aside in asides):
            # A crash before this leaves what was erased in the WAL; the next opening wipes it.
            self._must_wipe = True
            self._wipe()

    @property
    def kept_from(self) -> int:
        """Index of the oldest record whose bytes are in the file."""
        (oldest,) = self._db.execute("select min(seq) from leaf").fetchone() or (None,)
        return self.size if oldest is None else int(oldest)

    def subtree(self, level: int, number: int) -> bytes:
        """The hash of the tree over the *number*-th 256 ** *level* records.

        Raises:
            Malformed: there is no such tile.
        """
        sql = "select data from tile where level = ? and n = ?"
        data: bytes = (self._db.execute(sql, (level - 1, number)).fetchone() or (b"",))[0]
        if len(data) != TILE_BYTES:
            raise Malformed("tile-malformed", f"tile {level - 1}/{number} is missing")
        return perfect_root(split(data))

    def forget(self, end: int, most: int) -> bool:
        """Delete the oldest leaves before *end*, so many at most; whether there are more.

        The last ones stay whatever *end* is: every start holds them to the tree.

        Raises:
            apsw.Error: as `append`.
        """
        end = min(end, self.size - TAIL)
        stop = min(self.kept_from + most, end)
        self._db.execute("begin immediate")
        self._db.execute("delete from leaf where seq < ?", (stop,))
        self._db.execute("commit")
        return stop < end

    def tidy(self) -> None:
        """Copy the WAL back into the file once it is long; for after the answers.

        A crash here leaves pages that are in the WAL still; opening reads them from there. A
        reader that holds on to an old state keeps the WAL from starting over, so once it is far
        too long, that reader is waited for a moment; in vain, a later batch tries again.

        Raises:
            apsw.Error: as `append`.
        """
        if self._must_wipe:
            self._wipe()
        if self._wal_pages < self._copied_pages:
            self._copied_pages = 0  # it has started over
        if self._wal_pages - self._copied_pages < self._tuning.copy_back:
            return
        self._copied_pages = self._wal_pages
        if self._wal_pages < _TOO_LONG * self._tuning.copy_back:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            return
        self._cut_wal()

    def _wipe(self) -> None:
        """Leave of what was erased nothing in the WAL, unless a reader looks at it now."""
        self._must_wipe = not self._cut_wal()

    def _cut_wal(self) -> bool:
        """Copy all of the WAL back and cut it off; whether no reader kept that from being done."""
        self._db.set_busy_timeout(_BUSY_READERS_MS)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        finally:
            self._db.set_busy_timeout(self._tuning.busy_ms)
        return True

    def close(self) -> None:
        """Copy the WAL back and close the file."""
        self._db.close()

    def _recover(self) -> Recovered:
        """Check the file before anything in it is changed, and close it if it cannot be used."""
        try:
            check_format(self._db, self.path)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", self._tuning.synchronous)
            self._db.pragma("fullfsync", 1)  # macOS alone: there, fsync does not reach the disk
            self._db.pragma("wal_autocheckpoint", 0)
            self._db.pragma("secure_delete", 1)  # what is erased is overwritten
            self._db.set_wal_hook(self._grown)
            recovered = recover(self._db, self.signer)
            self._wipe()
        except (apsw.Error, VerificationError, DataFolderError, ValueError):
            self._db.close()
            raise
        return recovered

    def _add(self, first: int, leaves: Sequence[bytes]) -> None:
        """Add the records to the tables and the tree."""
        hashes = [leaf_hash(leaf) for leaf in leaves]
        rows: list[int | bytes] = []
        for at, leaf in enumerate(leaves):
            rows += (first + at, leaf, hashes[at])
        tiles = self._tree.extend(hashes)
        self._move_state(first)
        self._db.execute(_insert(len(leaves)), rows)
        for tile in tiles:
            self._db.execute("insert into tile values(?, ?, ?)", tile)

    def _move_state(self, first: int) -> None:
        """Set the state to that of the tree, if it is still where this writer left it."""
        root = self._tree.root()
        stack = b"".join(self._tree.stack)
        # A crash after signing leaves a checkpoint that nobody has seen: harmless, since it is
        # published from the committed row only.
        note = self.signer.checkpoint(self._tree.size, root)
        self._db.execute(
            "update state set size = ?, stack = ?, root = ?, note = ? where size = ?",
            (self._tree.size, stack, root, note, first),
        )
        if self._db.changes() != 1:
            raise LedgerMoved(
                f"another program has written to the ledger `{self.path}`: end it, "
                "then run `policyd-audit verify` on a copy and restart policyd"
            )

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK


def _unusable(error: apsw.Error, path: Path) -> DataFolderError:
    trouble = explain(error, str(path))
    return DataFolderError(trouble.message, code=trouble.code)


def _connect(path: Path, flags: int, tuning: Tuning) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=flags, vfs=tuning.vfs, statementcachesize=_STATEMENTS)
    db.set_busy_timeout(tuning.busy_ms)
    return db


@cache
def _insert(count: int) -> str:
    """The statement for *count* leaves: one statement is one pass through SQLite."""
    return "insert into leaf values " + ",".join(["(?,?,?)"] * count)  # noqa: S608 - no input
