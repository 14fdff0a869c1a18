"""What is installed is policyd, what auditors need, and nothing with a name of everyone's."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

import policyd
from tests.architecture.repository import PACKAGES, ROOT, modules

DIST_INFO = f"policyd-{policyd.__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The distribution, built from a copy of what it is made of."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, source / package.relative_to(ROOT), ignore=ignored)
    shutil.copytree(ROOT / "audit" / "queries", source / "audit" / "queries")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "built"]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    (built,) = (source / "built").iterdir()
    return ZipFile(built)


def test_only_our_names_are_installed(wheel: ZipFile) -> None:
    """The wheel claims two package names and its own metadata, nothing generic."""
    names = {name.partition("/")[0] for name in wheel.namelist()}
    assert names == {"policyd", "policyd_audit", DIST_INFO}


def test_every_module_is_installed(wheel: ZipFile) -> None:
    """The wheel holds every module, and the mark that they are typed."""
    expected = {
        path.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in [*modules(package), package / "py.typed"]
    }
    assert expected <= set(wheel.namelist())


def test_the_saved_queries_are_installed(wheel: ZipFile) -> None:
    """`policyd audit run` finds each of them in the auditors' package."""
    files = {path.name for path in (ROOT / "audit" / "queries").glob("*.sql")}
    assert files
    assert {f"policyd_audit/queries/{each}" for each in files} <= set(wheel.namelist())


def test_what_modules_read_is_installed(wheel: ZipFile) -> None:
    """The wheel holds the files beside modules that these read when they run."""
    beside = {
        path.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert "policyd/search/grammar.lark" in beside
    assert beside <= set(wheel.namelist())


def test_the_commands_are_installed(wheel: ZipFile) -> None:
    """The wheel brings `policyd` and `policyd-audit`, and the licence."""
    entry_points = ConfigParser()
    entry_points.read_string(wheel.read(f"{DIST_INFO}/entry_points.txt").decode())
    assert set(entry_points["console_scripts"]) == {"policyd", "policyd-audit"}
    assert f"{DIST_INFO}/licenses/LICENSE" in wheel.namelist()


def test_the_auditors_package_runs_alone(wheel: ZipFile, tmp_path: Path) -> None:
    """From the wheel, the auditor's command needs neither policyd nor any installed package."""
    for name in wheel.namelist():
        if name.startswith("policyd_audit/"):
            wheel.extract(name, tmp_path)
    command = [sys.executable, "-S", "-E", "-m", "policyd_audit", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
