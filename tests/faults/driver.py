"""A driver of SQLite by DB-API 2.0 that is apsw's, so that a registry can be on a test's disk.

The module sqlite3 has an SQLite library of its own, which knows nothing of apsw's VFS. What is here
is as much as SQLAlchemy asks for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

_PATIENCE_MS = 60_000


class Driver:
    """A DB-API 2.0 module whose connections are on one VFS."""

    paramstyle = "qmark"
    sqlite_version_info = tuple(map(int, apsw.sqlite_lib_version().split(".")))
    Binary = bytes

    class Error(Exception):
        """Whatever goes wrong."""

    class DatabaseError(Error):
        """It goes wrong in the database."""

    class OperationalError(DatabaseError):
        """It goes wrong below it."""

    class IntegrityError(DatabaseError):
        """Never raised here; SQLAlchemy asks for the name."""

    ProgrammingError = InterfaceError = InternalError = DataError = NotSupportedError = (
        IntegrityError
    )

    def __init__(self, vfs: str) -> None:
        self._vfs = vfs

    def connect(self, path: str, **_: object) -> "Connection":
        """A connection to the file at *path*."""
        db = apsw.Connection(path, vfs=self._vfs)
        db.set_busy_timeout(_PATIENCE_MS)
        return Connection(db)


class Connection:
    """A connection; a transaction begins when it is told to."""

    isolation_level = ""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def cursor(self) -> "Cursor":
        """A cursor."""
        return Cursor(self._db)

    def execute(self, sql: str) -> "Cursor":
        """The cursor that has carried *sql* out."""
        cursor = self.cursor()
        cursor.execute(sql)
        return cursor

    def commit(self) -> None:
        """End the transaction, if there is one."""
        self._end("commit")

    def rollback(self) -> None:
        """Take the transaction back, if there is one."""
        self._end("rollback")

    def close(self) -> None:
        """Close it."""
        with _told():
            self._db.close()

    def create_function(self, *_: object, **__: object) -> None:
        """Nothing: no function is used."""

    def _end(self, how: str) -> None:
        if self._db.in_transaction:
            with _told():
                self._db.execute(how)


class Cursor:
    """A cursor that has all its rows at once."""

    arraysize = 1
    lastrowid: int | None = None
    rowcount = -1
    description: Sequence[Sequence[Any]] | None = None

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Carry *sql* out."""
        self.description = None
        with _told():
            self._db.exec_trace = self._describe
            try:
                self._rows = [*self._db.execute(sql, tuple(parameters))]
            finally:
                self._db.exec_trace = None
            self.rowcount = self._db.changes()
            self.lastrowid = self._db.last_insert_rowid()

    def executemany(self, sql: str, many: Sequence[Sequence[Any]]) -> None:
        """Carry *sql* out for each."""
        changed = 0
        for each in many:
            self.execute(sql, each)
            changed += self.rowcount
        self.rowcount = changed

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """The next rows."""
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All that are left."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []

    def _describe(self, cursor: apsw.Cursor, _sql: str, _parameters: object) -> bool:
        columns = cursor.get_description()
        self.description = [(name, *[None] * 6) for name, _ in columns] or None
        return True


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise Driver.OperationalError(str(error)) from error
