"""Store: the one connection that writes the ledger's file.

A batch of records is one transaction: leaves, the tiles they fill, the tree's state and the
signed checkpoint. It is durable when `append` returns.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import apsw

from policyd.ledger.record import time_of
from policyd.ledger.signing import Signer
from policyd.ledger.trouble import DAMAGED, explain
from policyd.model.errors import DataFolderError, LedgerUnavailable
from policyd_audit import checkpoint, note
from policyd_audit.errors import VerificationError
from policyd_audit.tree import EMPTY_ROOT, TILE_WIDTH, Tree, leaf_hash, restore, split

APPLICATION_ID = 0x706F6C64  # "pold"
VERSION = 1
SCHEMA = """
create table leaf(seq integer primary key, leaf blob not null, hash blob not null);
create table tile(level integer not null, n integer not null, data blob not null,
                  primary key(level, n)) without rowid;
create table state(id integer primary key check(id = 1), size integer not null,
                   stack blob not null, root blob not null, note text not null);
"""
"""`seq` is the index in the tree, without gaps from 0; only full tiles are kept."""

_BUSY_MS = 5000
_STATEMENTS = 600  # one for each size of batch, and the rest
_COPY_BACK_PAGES = 1000  # 4 MiB
_TRUNCATE_PAGES = 16_000  # 64 MiB
_TRUNCATE_MS = 100
_TAIL = 256  # records re-hashed when the ledger is opened


class LedgerMoved(LedgerUnavailable):
    """Somebody else wrote to the ledger: its size is not the one this writer left."""

    code = "ledger-moved"


class Store:
    """The ledger's file, open for appending; recovered and checked when it is opened.

    Args:
        path: An existing ledger.
        signer: Of the same log.
        vfs: Name of the SQLite VFS to use; None for the system's.
        synchronous: `full`, unless a test wants to see what anything less loses.

    Raises:
        DataFolderError: the file cannot be used, with a code that says why.
    """

    def __init__(
        self, path: Path, signer: Signer, *, vfs: str | None = None, synchronous: str = "full"
    ) -> None:
        self.path = path
        self._signer = signer
        self._inserts: dict[int, str] = {}
        self._tree = Tree()
        self._last_ts: str | None = None
        self._wal_pages = self._copied_pages = 0
        try:
            self._db = _connect(path, apsw.SQLITE_OPEN_READWRITE, vfs)
            self._check_format()
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", synchronous)
            self._db.pragma("wal_autocheckpoint", 0)
            self._recover()
        except apsw.Error as error:
            trouble = explain(error, str(path))
            raise DataFolderError(trouble.message, code=trouble.code) from error
        except VerificationError as error:
            raise self._damaged(str(error)) from error
        self._db.set_wal_hook(self._grown)

    @classmethod
    def create(cls, path: Path, signer: Signer, *, vfs: str | None = None) -> Self:
        """A new ledger without records, signed as such."""
        db = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, vfs)
        db.pragma("journal_mode", "wal")
        with db:
            db.execute(SCHEMA)
            db.execute(
                "insert into state values(1, 0, x'', ?, ?)",
                (EMPTY_ROOT, signer.checkpoint(0, EMPTY_ROOT)),
            )
            db.pragma("application_id", APPLICATION_ID)
            db.pragma("user_version", VERSION)
        db.close()
        return cls(path, signer, vfs=vfs)

    @property
    def size(self) -> int:
        """Number of records."""
        return self._tree.size

    @property
    def last_ts(self) -> str | None:
        """Time of the last record."""
        return self._last_ts

    def append(self, leaves: Sequence[bytes]) -> None:
        """Commit records as one batch; they are durable on return.

        Any error leaves the outcome unknown: nothing may be appended any more; open the store
        again, which finds either all of the batch or none of it.

        Raises:
            apsw.Error: the disk or another program got in the way.
            LedgerMoved: somebody else has written to the ledger.
        """
        first = self._tree.size
        hashes = [leaf_hash(leaf) for leaf in leaves]
        rows: list[int | bytes] = []
        for seq, leaf in enumerate(leaves, first):
            rows += (seq, leaf, hashes[seq - first])
        run = self._db.execute
        # A crash from here to the commit leaves frames in the WAL that no commit frame covers;
        # the next opening passes over them, and nobody has been answered.
        run("begin immediate")
        run(self._insert(len(leaves)), rows)
        for tile in self._tree.extend(hashes):
            run("insert into tile values(?, ?, ?)", tile)
        root = self._tree.root()
        run(
            "update state set size = ?, stack = ?, root = ?, note = ? where size = ?",
            (
                self._tree.size,
                b"".join(self._tree.stack),
                root,
                # A crash after signing leaves a checkpoint that nobody has seen: harmless, since
                # it is published from the committed row only.
                self._signer.checkpoint(self._tree.size, root),
                first,
            ),
        )
        if self._db.changes() != 1:
            raise LedgerMoved(
                f"another program has written to the ledger `{self.path}`: end it, "
                "then run `policyd-audit verify` on a copy and restart policyd"
            )
        # A crash within the commit leaves the whole batch or nothing of it. A crash after it
        # leaves records that nobody was answered about: more than was promised, never less.
        run("commit")
        self._last_ts = time_of(leaves[-1])

    def tidy(self) -> None:
        """Copy the WAL back into the file once it is long; for after the answers.

        A crash here leaves pages that are in the WAL still; opening reads them from there. A
        reader that holds on to an old state keeps the WAL from starting over, so past 64 MiB it
        is waited for a moment; in vain, a later batch tries again.
        """
        if self._wal_pages < self._copied_pages:
            self._copied_pages = 0
        if self._wal_pages - self._copied_pages < _COPY_BACK_PAGES:
            return
        self._copied_pages = self._wal_pages
        try:
            if self._wal_pages < _TRUNCATE_PAGES:
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            else:
                self._db.set_busy_timeout(_TRUNCATE_MS)
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return
        finally:
            self._db.set_busy_timeout(_BUSY_MS)

    def close(self) -> None:
        """Copy the WAL back and close the file."""
        self._db.close()

    def _insert(self, count: int) -> str:
        """The statement for *count* leaves: one statement is one pass through SQLite."""
        if count not in self._inserts:
            self._inserts[count] = "insert into leaf values " + ",".join(["(?,?,?)"] * count)  # noqa: S608 - no input in it
        return self._inserts[count]

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _recover(self) -> None:
        """Read the state back and hold it to the leaves, tiles and key it must agree with."""
        size, stack, root, signed = self._state()
        tail = self._tail(size)
        unfinished = [stored for _, _, stored in tail[len(tail) - size % TILE_WIDTH :]]
        self._tree = restore(size, split(stack), unfinished, self._tiles)
        if self._tree.root() != root:
            raise self._damaged("its root is not that of its records")
        parsed = note.parse(signed)
        note.verify(parsed, self._signer.key)
        if parsed.text != checkpoint.body(self._signer.origin, size, root):
            raise self._damaged("its checkpoint is not that of its records")
        self._last_ts = time_of(tail[-1][1]) if tail else None

    def _check_format(self) -> None:
        found, version = self._db.pragma("application_id"), self._db.pragma("user_version")
        if found != APPLICATION_ID:
            raise DataFolderError(
                f"`{self.path}` is a database, but not a ledger: name another data folder",
                code="ledger-foreign",
            )
        if version > VERSION:
            raise DataFolderError(
                f"the ledger `{self.path}` was written by a newer policyd (format {version}, "
                f"this one knows {VERSION}): use that version",
                code="ledger-newer",
            )

    def _state(self) -> tuple[int, bytes, bytes, str]:
        row: Any = self._db.execute("select size, stack, root, note from state").fetchone()
        kinds = [type(value) for value in row or ()]
        if kinds != [int, bytes, bytes, str] or row[0] < 0:
            raise self._damaged("the state of its tree is missing or is not one")
        size, stack, root, signed = row
        return size, stack, root, signed

    def _tail(self, size: int) -> list[tuple[int, bytes, bytes]]:
        """The last records: there without a gap, none beyond them, and hashed as they are."""
        first = max(0, size - _TAIL)
        tail: list[Any] = self._db.execute(
            "select seq, leaf, hash from leaf where seq >= ? order by seq limit ?",
            (first, _TAIL + 1),
        ).fetchall()
        if [seq for seq, _, _ in tail] != list(range(first, size)):
            raise self._damaged(f"it does not end with its records {first} to {size - 1}")
        for seq, leaf, stored in tail:
            if leaf_hash(leaf) != stored:
                raise self._damaged(f"the bytes of record {seq} do not match their hash")
        return tail

    def _tiles(self, level: int, first: int) -> Iterable[bytes]:
        found = self._db.execute(
            "select data from tile where level = ? and n >= ? order by n", (level, first)
        )
        return [data for (data,) in found]

    def _damaged(self, what: str) -> DataFolderError:
        return DataFolderError(
            f"the ledger `{self.path}` is damaged: {what}; {DAMAGED}",
            code="ledger-damaged",
        )


def _connect(path: Path, flags: int, vfs: str | None) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=flags, vfs=vfs, statementcachesize=_STATEMENTS)
    db.set_busy_timeout(_BUSY_MS)
    return db
