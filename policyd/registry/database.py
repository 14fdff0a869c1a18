"""The registry's file: opened, and brought to the version this code knows."""

from pathlib import Path

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import create_engine

from policyd.model.errors import DataFolderError

VERSION = "0001"
"""The last step in `migrations/versions`."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(path: Path) -> Engine:
    """The registry at *path*, made or upgraded if need be.

    Raises:
        DataFolderError: it is no database, cannot be written, or is newer than this code.
    """
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _durable)
    try:
        with engine.begin() as connection:
            _bring_up_to_date(connection, path)
    except DatabaseError as error:
        engine.dispose()
        raise DataFolderError(
            f"the registry `{path}` cannot be used ({error.orig}): free its disk, make it"
            " writable, or restore the data folder from a backup",
            code="registry-unusable",
        ) from None
    except DataFolderError:
        engine.dispose()
        raise
    return engine


def _durable(connection: object, _: object) -> None:
    """A revoked key must stay revoked after a power cut."""
    connection.execute("pragma synchronous = full")  # type: ignore[attr-defined]  # a DBAPI connection


def _bring_up_to_date(connection: Connection, path: Path) -> None:
    found = _version(connection)
    if found == VERSION:
        return
    if found is not None and found > VERSION:
        raise DataFolderError(
            f"the registry `{path}` was written by a newer policyd (version {found}, this one"
            f" knows {VERSION}): use that version",
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
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
