"""The import contracts of pyproject.toml hold, and each is seen to fail when it is broken."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.repository import PACKAGES, ROOT

CONTRACTS: dict[str, str] = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}

# contract, file that is appended to or made, code that breaks the contract
VIOLATIONS = [
    ("layers", "policyd/model/call.py", "import policyd.engine.decide"),
    ("layers", "policyd/engine/flow.py", "import policyd.policy.load"),
    ("layers", "policyd/ledger/store.py", "import policyd.registry.keys"),
    ("layers", "policyd/points/decision.py", "import policyd.api.app"),
    ("layers", "policyd/api/app.py", "import policyd.settings"),
    ("layers", "policyd/unplaced/__init__.py", "import policyd.model.call"),
    ("layers", "policyd/unplaced.py", "import policyd.model.call"),
    ("plain-model", "policyd/model/call.py", "import msgspec"),
    ("plain-model", "policyd/model/call.py", "import policyd_audit.record"),
    ("pure-engine", "policyd/engine/flow.py", "import sqlite3"),
    ("pure-engine", "policyd/engine/flow.py", "import structlog"),
    ("pure-engine", "policyd/proof/reading.py", "import random"),
    ("auditors-alone", "audit/policyd_audit/tree.py", "import policyd.model.call"),
    ("auditors-alone", "audit/policyd_audit/tree.py", "import cryptography"),
    ("one-casbin", "policyd/engine/flow.py", "import casbin"),
    ("one-apsw", "policyd/registry/keys.py", "import apsw"),
    ("one-duckdb", "policyd/ledger/cold.py", "import duckdb"),
    ("no-duckdb-in-server", "policyd/points/keeping.py", "import policyd.ledger.parquet"),
    ("no-duckdb-in-server", "policyd/ledger/view.py", "import policyd.ledger.sealing"),
    ("one-sqlmodel", "policyd/ledger/store.py", "import sqlmodel"),
    ("acyclic", "policyd/model/labels.py", "import policyd.model.catalogue"),
]


def broken_contracts(root: Path) -> set[str]:
    """Ids of the contracts that the packages below *root* break."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    places = os.pathsep.join([str(root), str(root / "audit")])
    done = subprocess.run(
        command,
        cwd=root,
        env=os.environ | {"PYTHONPATH": places, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert set(verdicts) == set(CONTRACTS.values()), done.stdout + done.stderr
    return {id_ for id_, name in CONTRACTS.items() if verdicts[name] == "BROKEN"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages and their contracts, to be spoilt."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, tmp_path / package.relative_to(ROOT), ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_holds() -> None:
    """The repository keeps every import contract."""
    assert broken_contracts(ROOT) == set()


@pytest.mark.parametrize(("contract", "file", "code"), VIOLATIONS)
def test_a_violation_is_noticed(copy: Path, contract: str, file: str, code: str) -> None:
    """Code that breaks a contract is reported as breaking that very contract."""
    place = copy / file
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as module:
        module.write(f"\n{code}\n")

    assert contract in broken_contracts(copy)


def test_every_contract_has_its_violation() -> None:
    """No contract goes without a test that sees it fail."""
    assert {contract for contract, _, _ in VIOLATIONS} == set(CONTRACTS)
