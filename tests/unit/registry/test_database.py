"""The registry's file: made, upgraded, and refused when it is not ours to use."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from policyd.model.errors import DataFolderError
from policyd.registry import migrations
from policyd.registry.database import VERSION, open_database
from policyd.registry.keys import KeyStore, NewKey
from policyd.registry.tables import KeyRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the registry is, in a folder whose name Alembic or a database URL could misread."""
    folder = tmp_path / "100%(here)s?mode=ro#"
    folder.mkdir()
    return folder / "registry.db"


def run(path: Path, statement: str) -> list[tuple[object, ...]]:
    """What a statement finds in the file, which it may change."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def make(path: Path) -> None:
    """An empty registry at *path*."""
    open_database(path).dispose()


def add_key(store: KeyStore) -> None:
    """Put a key into *store*."""
    new = NewKey(holder="Ida", kind="person", roles=frozenset({"admin"}))
    store.add(*store.prepare(new, now=NOW))


def test_new_file_is_at_the_known_version(path: Path) -> None:
    """A registry that was not there is made, at the version of this code."""
    make(path)

    assert run(path, "select version_num from alembic_version") == [(VERSION,)]
    assert run(path, "select count(*) from key") == [(0,)]


def test_opening_again_changes_nothing(path: Path) -> None:
    """A registry at the known version is used as it is."""
    make(path)
    before = path.read_bytes()

    make(path)

    assert path.read_bytes() == before


def test_alembic_is_for_upgrades_only(path: Path) -> None:
    """A registry that is up to date is opened without Alembic, which takes long to load."""
    make(path)
    program = (
        "import sys; from pathlib import Path; from policyd.registry.database import open_database;"
        "open_database(Path(sys.argv[1])).dispose(); sys.exit('alembic' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", program, str(path)], check=True)


def test_newer_file_is_refused(path: Path) -> None:
    """A registry of a newer policyd is refused and left alone, with both versions told."""
    make(path)
    run(path, "update alembic_version set version_num = '9999'")
    before = path.read_bytes()

    with pytest.raises(DataFolderError) as caught:
        open_database(path)

    assert caught.value.code == "registry-newer"
    assert "9999" in caught.value.message
    assert VERSION in caught.value.message
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(path: Path) -> None:
    """A file of something else is refused and left alone, with its path and a way out."""
    path.write_bytes(b"no database at all " * 100)

    with pytest.raises(DataFolderError) as caught:
        open_database(path)

    assert caught.value.code == "registry-unusable"
    assert str(path) in caught.value.message
    assert "backup" in caught.value.message
    assert path.read_bytes().startswith(b"no database at all")


def test_missing_folder_is_told(path: Path) -> None:
    """A registry in a folder that is not there is trouble with the data folder."""
    with pytest.raises(DataFolderError) as caught:
        open_database(path.parent / "missing" / "registry.db")

    assert caught.value.code == "registry-unusable"


def test_broken_table_is_told(path: Path) -> None:
    """A registry whose table of keys is gone cannot be opened as one."""
    make(path)
    run(path, "drop table key")

    with pytest.raises(DataFolderError) as caught:
        KeyStore.open(path, b"pepper")

    assert caught.value.code == "registry-unusable"


def test_failed_write_puts_no_key_in_force(path: Path) -> None:
    """A key that could not be written lets nobody in."""
    with closing(KeyStore.open(path, b"pepper")) as store:
        run(path, "create trigger full before insert on key begin select raise(abort, 'full'); end")

        with pytest.raises(DataFolderError):
            add_key(store)

        assert store.list() == ()


def test_failed_revocation_still_kills_the_key(path: Path) -> None:
    """A revocation that could not be written is told, holds meanwhile, and can be repeated."""
    new = NewKey(holder="Ida", kind="person", roles=frozenset({"admin"}))
    with closing(KeyStore.open(path, b"pepper")) as store:
        key, secret = store.prepare(new, now=NOW)
        store.add(key, secret)
        run(path, "create trigger full before update on key begin select raise(abort, 'full'); end")

        with pytest.raises(DataFolderError):
            store.revoke(key.id, now=NOW)

        assert store.find(secret) is None
        run(path, "drop trigger full")
        store.revoke(key.id, now=NOW)
    assert run(path, "select revoked_at from key") == [(NOW.isoformat(),)]


def test_upgrade_is_one_transaction(path: Path) -> None:
    """A step that fails half-way leaves the file as it was, so that it can be tried again."""
    run(path, "create table key (id text)")
    before = run(path, "select name from sqlite_master")

    with pytest.raises(DataFolderError):
        open_database(path)

    assert run(path, "select name from sqlite_master") == before


def test_an_older_file_is_upgraded(path: Path) -> None:
    """A registry of the first version, which had keys alone, keeps them and gets the rest."""
    with closing(KeyStore.open(path, b"pepper")) as store:
        add_key(store)
    for table in ("approval", "change", "publication", "tree", "job", "notice"):
        run(path, f'drop table "{table}"')
    run(path, "update alembic_version set version_num = '0001'")
    with closing(KeyStore.open(path, b"pepper")) as store:
        assert [key.holder for key in store.list()] == ["Ida"]
    assert run(path, "select version_num from alembic_version") == [(VERSION,)]
    assert run(path, "select count(*) from publication") == [(0,)]


def test_makes_what_the_tables_say(path: Path) -> None:
    """The steps, run on nothing, make the tables that the code uses, and end at its version."""
    engine = open_database(path)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, SQLModel.metadata)
        script = ScriptDirectory(str(Path(migrations.__file__).parent))
        assert context.get_current_heads() == (VERSION,) == tuple(script.get_heads())
    engine.dispose()
    assert KeyRow.__tablename__ in SQLModel.metadata.tables
    assert differences == []


def test_a_commit_is_on_disk(path: Path) -> None:
    """Every connection waits for the disk, so that a power cut brings no revoked key back."""
    engine = open_database(path)
    with engine.connect() as connection:
        extra = connection.exec_driver_sql("pragma synchronous").scalar()
    engine.dispose()
    assert extra == 3
