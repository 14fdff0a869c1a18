"""Policy folders on disk: only the tree's own files are read, and links do not lead out of it."""

import os
import shutil
from pathlib import Path

import pytest

from policyd.model.errors import PolicyInvalid
from policyd.policy.load import check, load

MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the smallest tree."""
    return Path(shutil.copytree(MINIMAL, tmp_path / "policies"))


def codes(root: Path) -> list[str]:
    """Place and code of each finding in *root*."""
    return [f"{each.file} {each.code}" for each in check(root)]


def test_a_folder_is_the_tree_of_its_files(root: Path) -> None:
    """Hidden files, tests, schemas and prose beside the tree change nothing."""
    before = load(root).digest
    for name in (".git/config", "tests/a_test.yaml", "schemas/x.json", "README.md"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("anything", "utf-8")
    assert check(root) == []
    assert load(root).digest == before


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    """Whoever mistypes the folder learns which one was looked for."""
    with pytest.raises(PolicyInvalid) as invalid:
        load(tmp_path / "polcies")
    first = invalid.value.findings[0]
    assert (first.file, first.code) == (".", "unreadable-file")
    assert "polcies" in first.message
    assert len(invalid.value.findings) == 1


def test_other_folders_are_not_opened(root: Path) -> None:
    """A policy folder that is a whole repository by mistake is not read file by file."""
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "deep" / "policyd.yaml").write_text("x", "utf-8")
    (root / "units" / "hr" / "old").mkdir()
    assert codes(root) == ["src/ unexpected-file", "units/hr/old/ unexpected-file"]


def test_a_link_inside_the_folder_is_followed(root: Path) -> None:
    """A file may be a link to another file of the tree's folder."""
    (root / ".shared").mkdir()
    (root / "policyd.yaml").rename(root / ".shared" / "policyd.yaml")
    (root / "policyd.yaml").symlink_to(root / ".shared" / "policyd.yaml")
    assert check(root) == []


def test_a_link_that_leaves_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    """Nothing outside the folder decides; the file is not reported as missing, too."""
    (root / "policyd.yaml").rename(tmp_path / "policyd.yaml")
    (root / "policyd.yaml").symlink_to(tmp_path / "policyd.yaml")
    assert codes(root) == ["policyd.yaml unreadable-file"]


def test_a_linked_folder_is_refused(root: Path) -> None:
    """A link to a folder could lead in circles."""
    (root / "units" / "law").symlink_to(root / "units" / "hr", target_is_directory=True)
    assert codes(root) == ["units/law unreadable-file"]


def test_a_link_to_nothing_and_one_to_itself_are_refused(root: Path) -> None:
    """A broken link is a finding, not an accident."""
    (root / "guardrails" / "promotions.yaml").symlink_to(root / "nothing")
    (root / "units" / "hr" / "unit.yaml").unlink()
    (root / "units" / "hr" / "unit.yaml").symlink_to("unit.yaml")
    assert codes(root) == [
        "guardrails/promotions.yaml unreadable-file",
        "units/hr/unit.yaml unreadable-file",
    ]


def test_a_pipe_is_refused_without_waiting_for_it(root: Path) -> None:
    """What is no ordinary file is not opened."""
    (root / "policyd.yaml").unlink()
    os.mkfifo(root / "policyd.yaml")
    assert codes(root) == ["policyd.yaml unreadable-file"]


def test_a_folder_in_place_of_a_file_is_found(root: Path) -> None:
    """A folder named like a file decides nothing."""
    (root / "policyd.yaml").unlink()
    (root / "policyd.yaml").mkdir()
    assert codes(root) == ["policyd.yaml missing-file", "policyd.yaml/ unexpected-file"]


def test_a_name_that_cannot_be_printed_is_escaped(root: Path) -> None:
    """A finding is one line of text, whatever the file system holds."""
    name = os.fsencode(root / "guardrails") + b"/\xff.yaml"
    with open(name, "wb"):  # noqa: PTH123 - a path has no bytes
        pass
    (root / "units" / "a\nb").mkdir()
    (root / "units" / "a\nb" / "unit.yaml").touch()
    assert codes(root) == [
        "guardrails/\\udcff.yaml unexpected-file",
        "units/a\\nb/unit.yaml unexpected-file",
    ]


def test_no_more_of_a_file_than_its_bound_is_read(root: Path) -> None:
    """A huge file is refused without being held in memory."""
    with (root / "policyd.yaml").open("r+b") as file:
        file.truncate(1 << 40)
    assert codes(root) == ["policyd.yaml file-too-large"]
