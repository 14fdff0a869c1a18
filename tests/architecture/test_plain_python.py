"""What must run anywhere imports nothing but the standard library and itself."""

import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, imported, modules, shown


@pytest.mark.parametrize(
    ("place", "own"),
    [
        ("policyd/model", "policyd"),  # of policyd, only the model: the layers contract sees to it
        ("audit/policyd_audit", "policyd_audit"),
        ("run", ""),
    ],
)
def test_only_the_standard_library(place: str, own: str) -> None:
    """The model, the auditor's package and the set-up script need no installed package."""
    path = ROOT / place
    allowed = sys.stdlib_module_names | {own}
    strange = {
        f"{shown(module)} imports {name}"
        for module in (modules(path) if path.is_dir() else [path])
        for name in imported(module)
        if name not in allowed
    }
    assert strange == set()


def test_imports_inside_functions_are_seen(tmp_path: Path) -> None:
    """An import is found wherever it stands."""
    module = tmp_path / "late.py"
    module.write_text("def f() -> None:\n    import yaml.nodes\n    from casbin import model\n")
    assert set(imported(module)) == {"yaml", "casbin"}
