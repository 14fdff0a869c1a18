"""The package by itself: an auditor needs Python and nothing else."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import policyd_audit
from policyd_audit.archive import archive
from policyd_audit.record import KINDS

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

PACKAGE = Path(policyd_audit.__file__).parent
VKEY = "policyd.example/audit/1+88627b43+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def imports(path: Path) -> Iterator[str]:
    """The first part of the name of every module a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] if not node.level else "relative"


def test_only_the_standard_library_is_imported() -> None:
    """No module needs a package that would have to be installed, least of all the server."""
    found = {name for path in PACKAGE.rglob("*.py") for name in imports(path)}
    assert "sqlite3" in found
    assert found - sys.stdlib_module_names == {"policyd_audit"}


def test_the_readme_explains_every_kind_of_record() -> None:
    """An auditor finds each kind of record, and each part of the file, in the README."""
    text = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    named = ("leaf(seq, leaf, hash)", "tile(level, n, data)", "state(id, size, stack, root, note)")
    assert {word for word in (*KINDS, *named) if f"`{word}`" not in text} == set()


def test_it_runs_without_site_packages(new_ledger: Callable[[int], "Ledger"]) -> None:
    """In the folder `audit`, `python -S -m policyd_audit` verifies a ledger."""
    command = [sys.executable, "-S", "-m", "policyd_audit", "verify", "--key", VKEY]
    done = subprocess.run(
        [*command, str(new_ledger(300).path)],
        cwd=PACKAGE.parent,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("`ledger.db` holds\n")


def test_the_archive_runs_anywhere(new_ledger: Callable[[int], "Ledger"], tmp_path: Path) -> None:
    """One file, a bare Python, no package installed: it verifies a ledger."""
    path = tmp_path / "policyd-audit.pyz"
    path.write_bytes(archive())
    ledger = str(new_ledger(300).path)
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(path), "verify", "--key", VKEY, ledger],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("`ledger.db` holds\n")
