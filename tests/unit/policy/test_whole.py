"""Whole trees: what is part of one, and what cannot be."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policyd.model.errors import UsageError
from policyd.policy.manifest import digest
from policyd.policy.whole import LONGEST_PATH, fault, packed, read_whole, tree_digest, unpacked
from tests.published import SMALL

FILES = {"policyd.yaml": b"a: 1\n", "tests/x_test.yaml": "ä\r\n".encode()}


def test_a_tree_is_read_with_all_that_is_beside() -> None:
    """Tests and prose too, but nothing that is hidden."""
    assert set(read_whole(SMALL)) == {
        path.relative_to(SMALL).as_posix() for path in SMALL.rglob("*") if path.is_file()
    }


def test_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    """A repository around the tree, an editor's files."""
    root = Path(shutil.copytree(SMALL, tmp_path / "tree"))
    (root / ".git").mkdir()
    (root / ".git/config").write_text("x")
    (root / "units/hr/.access.yaml.swp").write_text("x")
    assert read_whole(root) == read_whole(SMALL)


BROKEN: dict[str, Callable[[Path], object]] = {
    "a link": lambda root: (root / "a.md").symlink_to("/etc/hostname"),
    "not UTF-8": lambda root: (root / "a.md").write_bytes(b"\xff\xfe"),
    "an odd name": lambda root: (root / "a b\x1b.md").write_text("x"),
    "a large file": lambda root: (root / "a.md").write_bytes(b"x" * (1 << 24)),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_cannot_be_part_of_a_tree(tmp_path: Path, how: str) -> None:
    """It is refused with its name, without what a terminal should not be sent."""
    root = Path(shutil.copytree(SMALL, tmp_path / "tree"))
    BROKEN[how](root)
    with pytest.raises(UsageError) as caught:
        read_whole(root)
    assert caught.value.code == "file-unusable"
    assert caught.value.message.startswith("`a")
    assert "\x1b" not in caught.value.message


def test_no_folder(tmp_path: Path) -> None:
    """A name that is no folder is told."""
    with pytest.raises(UsageError) as caught:
        read_whole(tmp_path / "nowhere")
    assert caught.value.code == "no-folder"


def test_what_is_packed_comes_back() -> None:
    """Byte by byte; what was never packed is told."""
    assert unpacked(packed(FILES)) == FILES
    for data in (b"", b"\x00", packed(FILES)[:-4]):
        with pytest.raises(ValueError, match="keep no tree"):
            unpacked(data)


def test_the_digest_is_of_all_files() -> None:
    """Another byte in a file that decides nothing is another tree with the same snapshot."""
    other = FILES | {"tests/x_test.yaml": b"b\n"}
    assert tree_digest(FILES) != tree_digest(other)
    assert digest(FILES) == digest(other)
    assert tree_digest(FILES) == tree_digest(dict(reversed(FILES.items())))


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "../a", "a/../b", "a//b", ".a", "a/.b", "a b", "a\nb", "ä", "x" * 241],
)
def test_a_path_that_no_tree_has(path: str) -> None:
    """It would lead out of the tree, be hidden, or be read in two ways."""
    assert fault(path)


@pytest.mark.parametrize("path", ["policyd.yaml", "CODEOWNERS", "units/hr/tests/a_test.yaml"])
def test_a_path_that_a_tree_may_have(path: str) -> None:
    """Letters, digits and the few signs that file names have everywhere."""
    assert fault(path) is None
    assert fault("x" * LONGEST_PATH) is None
