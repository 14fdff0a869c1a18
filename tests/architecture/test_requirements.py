"""The locked requirements are complete, hashed, and name no index."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import PACKAGES, ROOT, imported, modules

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = {"runtime": ["build"], "test": ["build", "lint", "test"]}
WITHOUT_IMPORT = {
    "httptools",  # uvicorn parses HTTP with it when it is there
    "tzdata",  # read as data, so that the machine's own does not matter
}
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)", re.MULTILINE)


def text_of(file: str) -> str:
    """Text of one requirements file."""
    return (ROOT / "requirements" / f"{file}.txt").read_text(encoding="utf-8")


def test_the_folder_holds_what_is_tested_here() -> None:
    """No requirements file goes unchecked."""
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(FILES)


def is_met(requirement: Requirement, pinned: dict[str, str]) -> bool:
    """Whether a version is pinned that the requirement accepts; if not, `./run lock` is due."""
    version = pinned.get(canonicalize_name(requirement.name))
    return version is not None and version in requirement.specifier


@pytest.mark.parametrize("file", FILES)
def test_what_pyproject_asks_for_is_pinned(file: str) -> None:
    """Every direct dependency is pinned to a version that pyproject.toml accepts."""
    pinned = {match["name"]: match["version"] for match in PINNED.finditer(text_of(file))}
    asked = [*PROJECT["project"]["dependencies"]]
    for group in FILES[file]:
        asked += PROJECT["dependency-groups"][group]
    assert [each for each in map(Requirement, asked) if not is_met(each, pinned)] == []


def test_what_is_imported_is_declared() -> None:
    """Every package that policyd imports is a dependency of its own, not another's by chance."""
    named = {
        name
        for path in modules(*PACKAGES)
        for name in imported(path)
        if name not in sys.stdlib_module_names | {"policyd", "policyd_audit"}
    }
    used = {canonicalize_name(packages_distributions()[name][0]) for name in named}
    declared = {
        canonicalize_name(Requirement(each).name) for each in PROJECT["project"]["dependencies"]
    }
    assert used - declared == set()
    assert declared - used == WITHOUT_IMPORT


@pytest.mark.parametrize("file", FILES)
def test_every_package_is_hashed(file: str) -> None:
    """A package that differs from the locked one cannot be installed."""
    lines = [line for line in text_of(file).splitlines() if not line.lstrip().startswith("#")]
    packages = re.split(r"\n(?=\S)", "\n".join(lines))
    assert len(packages) > 1
    assert [package for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "requirements").iterdir()), ROOT / "uv.lock"], ids=lambda p: p.name
)
def test_no_mirror_is_named(path: Path) -> None:
    """What is installed comes from the index that each machine is set to."""
    text = path.read_text(encoding="utf-8")
    standard = re.compile(r"https://(pypi\.org/simple|files\.pythonhosted\.org/packages)\b")
    assert "://" not in standard.sub("", text)
    assert "index-url" not in text
