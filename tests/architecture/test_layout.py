"""Folders and names tell where things are."""

from pathlib import Path

from tests.architecture.repository import PACKAGES, ROOT, modules, shown

VAGUE = {"common", "core", "helper", "helpers", "manager", "misc", "util", "utils"}
DEEPEST = 2
ALEMBIC = "policyd/registry/migrations/versions"  # where Alembic keeps its steps


def test_no_name_is_vague() -> None:
    """No module or folder has a name that could hold anything."""
    vague = {
        shown(path)
        for path in modules(*PACKAGES, ROOT / "tests")
        for part in path.relative_to(ROOT).with_suffix("").parts
        if part in VAGUE or part.endswith(("_utils", "_helpers", "_manager"))
    }
    assert vague == set()


def test_folders_are_at_most_two_levels_deep() -> None:
    """No module hides deeper than two folders below its package."""
    deep = {
        shown(path)
        for package in PACKAGES
        for path in modules(package)
        if len(path.relative_to(package).parts) > DEEPEST + 1 and shown(path.parent) != ALEMBIC
    }
    assert deep == set()


def test_test_folders_are_not_packages() -> None:
    """Tests are found by path, so that two may share a name."""
    assert [shown(path) for path in modules(ROOT / "tests") if path.name == "__init__.py"] == []


def test_unit_tests_mirror_the_packages() -> None:
    """Every folder of unit tests is named after the package it tests, or after the benchmarks."""
    packages = {path.name for path in (ROOT / "policyd").iterdir() if path.is_dir()}
    folders = {path.name for path in folders_of(ROOT / "tests" / "unit")}
    assert folders <= packages | {"audit", "benchmarks"}


def folders_of(place: Path) -> list[Path]:
    """Folders directly below, apart from what Python leaves behind."""
    return [path for path in place.iterdir() if path.is_dir() and path.name != "__pycache__"]
