"""The registry's file: opened, and brought to the version this code knows."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import create_engine

from policyd.model.errors import DataFolderError

VERSION = "0003"
"""The last step in `migrations/versions`."""

_STEPS = "policyd.registry:migrations"  # Alembic's way to name a folder in a package


def open_database(path: Path, driver: object = None) -> Engine:
    """The registry at *path*, made or upgraded if need be.

    Args:
        path: The file.
        driver: What speaks to SQLite, by DB-API 2.0; only tests have a reason for another than
            sqlite3.

    Raises:
        DataFolderError: it is no database, cannot be written, or is newer than this code.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)), module=driver)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        with told(path), engine.begin() as connection:
            # A crash in here leaves the file as it was: a step is one transaction.
            _bring_up_to_date(connection, path)
    except DataFolderError:
        engine.dispose()
        raise
    return engine


@contextmanager
def told(path: Path | str) -> Iterator[None]:
    """A block in which trouble with the registry at *path* is told as a DataFolderError."""
    try:
        yield
    except DatabaseError as error:
        raise DataFolderError(
            f"the registry `{path}` cannot be used ({error.orig}): make room on its disk, make it"
            " writable, or restore the data folder from a backup",
            code="registry-unusable",
        ) from error


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    # A commit is the deletion of the journal; `full` does not sync the folder after it, so that a
    # power cut could bring the journal back, and by it take back what somebody was told is done.
    connection.execute("pragma synchronous = extra")


def _begin(connection: Connection) -> None:
    # By itself sqlite3 begins only before an insert or update, so that a `create table` would stay.
    connection.exec_driver_sql("begin immediate")


def _bring_up_to_date(connection: Connection, path: Path) -> None:
    found = _version(connection)
    if found == VERSION:
        return
    if found is not None and found > VERSION:
        raise DataFolderError(
            f"the registry `{path}` was written by a newer policyd (version {found}, this one"
            f" knows {VERSION}): start that policyd, or a newer one",
            code="registry-newer",
        )
    _upgrade(connection)


def _version(connection: Connection) -> str | None:
    has_table = "select 1 from sqlite_master where name = 'alembic_version'"
    if connection.execute(text(has_table)).first() is None:
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    # Only here, where it is needed: importing it takes longer than opening the registry.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _STEPS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
