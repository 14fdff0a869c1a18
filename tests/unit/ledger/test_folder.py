"""The data folder: whole or not there, one server's at a time, and clear about what is wrong."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from errno import EACCES, EDQUOT, EEXIST, EIO, ENOENT, ENOSPC, ENOTEMPTY, EPERM, EROFS
from typing import TYPE_CHECKING

import pytest

from policyd.ledger.folder import DataFolder, create, refusal
from policyd.ledger.store import Store
from policyd.model.errors import DataFolderError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "policyd.example/log"


def everything(folder: Path) -> set[str]:
    """All that lies in a folder, hidden or not."""
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


def test_a_new_folder_has_all_its_parts(tmp_path: Path) -> None:
    """After `create` there is an empty ledger, a key of its own and a pepper, and nothing else."""
    with create(tmp_path / "data", ORIGIN):
        pass
    assert everything(tmp_path) == {
        "data", "data/ledger.db", "data/lock", "data/keys", "data/keys/signing.key",
        "data/keys/pepper",
    }  # fmt: skip
    folder = DataFolder.open(tmp_path / "data", wait=0)
    assert folder.signer.origin == ORIGIN
    assert len(folder.pepper) == 32
    store = Store(folder.ledger, folder.signer)
    assert store.size == 0
    store.close()
    folder.close()


def test_every_folder_has_secrets_of_its_own(tmp_path: Path) -> None:
    """Two folders share neither signing key nor pepper."""
    for name in ("one", "two"):
        with create(tmp_path / name, ORIGIN):
            pass
    secrets = [
        (tmp_path / name / "keys" / each).read_bytes()
        for name in ("one", "two")
        for each in ("signing.key", "pepper")
    ]
    assert len(set(secrets)) == 4


def test_nobody_else_may_read_it(folder: DataFolder) -> None:
    """The folder is its owner's alone, and so is each secret in it."""

    def mode(name: str) -> int:
        return stat.S_IMODE((folder.path / name).stat().st_mode)

    assert [mode(name) for name in (".", "keys")] == [0o700, 0o700]
    assert [mode(name) for name in ("keys/signing.key", "keys/pepper")] == [0o600, 0o600]


@pytest.mark.parametrize("kind", ["folder", "full folder", "file", "dangling link"])
def test_what_exists_is_left_alone(kind: str, tmp_path: Path) -> None:
    """`create` never touches anything that is there already."""
    path = tmp_path / "data"
    if kind == "file":
        path.write_text("mine")
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.mkdir()
    if kind == "full folder":
        (path / "mine").write_text("mine")
    before = everything(tmp_path)
    with (
        pytest.raises(DataFolderError, match="exists already: name another") as caught,
        create(path, ORIGIN),
    ):
        pass
    assert caught.value.code == "data-folder-exists"
    assert everything(tmp_path) == before


def test_a_failure_while_filling_leaves_nothing(tmp_path: Path) -> None:
    """If what the caller adds fails, there is no folder at all."""
    with pytest.raises(IsADirectoryError), create(tmp_path / "data", ORIGIN) as folder:
        (folder.path / "keys").write_text("no file")
    assert everything(tmp_path) == set()


def test_who_comes_second_loses(tmp_path: Path) -> None:
    """Of two that create one folder at a time, one finds it taken; the other's stays whole."""
    path = tmp_path / "data"
    with pytest.raises(DataFolderError) as caught, create(path, ORIGIN), create(path, "other/log"):
        pass
    assert caught.value.code == "data-folder-exists"
    winner = DataFolder.open(path, wait=0)
    assert winner.signer.origin == "other/log"
    winner.close()
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_a_bad_origin_makes_nothing(tmp_path: Path) -> None:
    """A name that no log can have is refused before anything is written."""
    with pytest.raises(UsageError, match="cannot name a log"), create(tmp_path / "data", "a b"):
        pass
    assert everything(tmp_path) == set()


def test_a_missing_parent_is_said_to_be(tmp_path: Path) -> None:
    """`create` makes one folder, not the way to it."""
    with (
        pytest.raises(DataFolderError, match="check that the folder around it exists"),
        create(tmp_path / "no" / "data", ORIGIN),
    ):
        pass


@pytest.mark.parametrize(
    ("errno", "code", "way_out"),
    [
        (EACCES, "data-folder-readonly", "make it writable"),
        (EPERM, "data-folder-readonly", "make it writable"),
        (EROFS, "data-folder-readonly", "make it writable"),
        (ENOSPC, "data-folder-full", "free some space"),
        (EDQUOT, "data-folder-full", "free some space"),
        (EEXIST, "data-folder-exists", "name another folder"),
        (ENOTEMPTY, "data-folder-exists", "name another folder"),
        (ENOENT, "data-folder-missing", "check that the folder around it exists"),
        (EIO, "data-folder-unusable", "check its disk"),
    ],
)
def test_what_the_system_refuses_has_a_way_out(
    errno: int, code: str, way_out: str, tmp_path: Path
) -> None:
    """Each refusal of the operating system has a code and says what to do."""
    error = refusal(OSError(errno, os.strerror(errno)), tmp_path)
    assert error.code == code
    assert way_out in str(error)


def test_a_missing_folder_is_offered_to_be_made(tmp_path: Path) -> None:
    """Serving what is not there says how to make it."""
    with pytest.raises(DataFolderError, match="make one with `policyd init --data") as caught:
        DataFolder.open(tmp_path / "data", wait=0)
    assert caught.value.code == "data-folder-missing"


@pytest.mark.parametrize(
    ("part", "replaced_by"),
    [
        ("ledger.db", None),
        ("ledger.db", "folder"),
        ("lock", None),
        ("lock", "folder"),
        ("keys", None),
        ("keys", "file"),
        ("keys/signing.key", None),
        ("keys/signing.key", "folder"),
        ("keys/signing.key", "file"),
        ("keys/pepper", None),
        ("keys/pepper", "folder"),
        ("keys/pepper", "file"),
    ],
)
def test_a_damaged_folder_names_the_part(
    part: str, replaced_by: str | None, folder: DataFolder, tmp_path: Path
) -> None:
    """A part that is missing or is not what it should be is named, and the lock is not kept."""
    shutil.copytree(folder.path, tmp_path / "copy")
    path = tmp_path / "copy" / part
    path.rename(tmp_path / "away")
    if replaced_by == "folder":
        path.mkdir()
    elif replaced_by == "file":
        path.write_text("zz")
    for _ in range(2):
        with pytest.raises(DataFolderError, match=part) as caught:
            DataFolder.open(tmp_path / "copy", wait=0)
        assert caught.value.code == "data-folder-damaged"


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    """A path that is a file is damaged, not missing."""
    (tmp_path / "data").write_text("x")
    with pytest.raises(DataFolderError) as caught:
        DataFolder.open(tmp_path / "data", wait=0)
    assert caught.value.code == "data-folder-damaged"


def test_a_second_opener_hears_who_is_there(folder: DataFolder) -> None:
    """Two servers never share a folder; the second is told the first one's process."""
    with pytest.raises(DataFolderError, match=f"process {os.getpid()}") as caught:
        DataFolder.open(folder.path, wait=0.05)
    assert caught.value.code == "data-folder-locked"


def test_an_unknown_holder_is_not_named(folder: DataFolder) -> None:
    """A lock file that names nobody is no reason to name somebody."""
    (folder.path / "lock").write_text("")
    with pytest.raises(DataFolderError, match="another process holds its lock"):
        DataFolder.open(folder.path, wait=0)


def test_closing_gives_it_up(folder: DataFolder) -> None:
    """The next server may start as soon as this one has closed."""
    folder.close()
    again = DataFolder.open(folder.path, wait=0)
    folder.lock_fd = again.lock_fd  # for the fixture to close


def test_the_lock_is_waited_for(folder: DataFolder) -> None:
    """A server that starts while the old one ends waits instead of failing."""
    script = (
        "import sys; from pathlib import Path; from policyd.ledger.folder import DataFolder\n"
        "print('waiting', flush=True)\n"
        "DataFolder.open(Path(sys.argv[1]), wait=60); print('open')"
    )
    command = [sys.executable, "-c", script, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "waiting\n"
        time.sleep(0.1)  # for the test to see a child that does not wait; it holds without
        folder.close()
        assert waiting.stdout.read() == "open\n"
    folder.lock_fd = os.open(folder.path / "lock", os.O_RDONLY)  # for the fixture to close


def test_a_child_that_inherits_the_lock_keeps_it(folder: DataFolder) -> None:
    """As long as a writer still runs, no new server starts, even if its server is gone."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[folder.lock_fd]
    ) as child:
        folder.close()
        with pytest.raises(DataFolderError, match="or its writer"):
            DataFolder.open(folder.path, wait=0)
        child.communicate(b"\n")
    again = DataFolder.open(folder.path, wait=0)
    folder.lock_fd = again.lock_fd  # for the fixture to close
