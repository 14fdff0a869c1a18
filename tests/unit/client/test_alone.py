"""The client is one package that can be copied anywhere."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import policyd.client

PACKAGE = Path(policyd.client.__file__).parent


def test_it_imports_the_standard_library_and_itself() -> None:
    """No module of the client needs anything that does not come with Python."""
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                roots = {each.name.partition(".")[0] for each in node.names}
                assert roots <= sys.stdlib_module_names, module
            elif isinstance(node, ast.ImportFrom):
                inside = node.level == 1
                assert inside or (node.module or "").partition(".")[0] in sys.stdlib_module_names


def test_a_copy_works_under_another_name(tmp_path: Path) -> None:
    """Python without any installed package imports a copy."""
    shutil.copytree(PACKAGE, tmp_path / "gatekeeper")
    script = "import gatekeeper; gatekeeper.Policyd('https://policyd.example', 'k')"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {script}"]
    subprocess.run(command, cwd=tmp_path, check=True)
