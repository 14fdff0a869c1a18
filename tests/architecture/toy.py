"""A project that `run` can set up in a second, without an index.

It has `run` itself and the files that `run` reads. Its build backend makes every program that `run`
starts one and the same: it prints its name and arguments, and fails if TOY_FAILS names it.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.repository import ROOT

PROGRAMS = ("policyd", "ruff", "mypy", "lint-imports", "pytest", "coverage")
OUTSIDE = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))

_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

_BACKEND = f"""
import zipfile

PROGRAM = '''
import os, pathlib, sys
def main():
    name = pathlib.Path(sys.argv[0]).name
    print("toy", name, *sys.argv[1:], flush=True)
    return int(name in os.environ.get("TOY_FAILS", "").split())
'''
METADATA = "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n"
WHEEL = "Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
COMMANDS = "".join(f"{{name}} = toy_program:main\\n" for name in {PROGRAMS!r})

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{{folder}}/toy-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toy_program.py", PROGRAM)
        wheel.writestr("toy-1.dist-info/METADATA", METADATA)
        wheel.writestr("toy-1.dist-info/WHEEL", WHEEL)
        wheel.writestr("toy-1.dist-info/entry_points.txt", "[console_scripts]\\n" + COMMANDS)
        wheel.writestr("toy-1.dist-info/RECORD", "")
    return "toy-1-py3-none-any.whl"
"""


@dataclass(frozen=True)
class Outcome:
    """What came of one `./run`."""

    code: int
    out: str
    said: str

    @property
    def programs(self) -> list[str]:
        """The programs that were started, with their arguments, in order."""
        lines = self.out.splitlines()
        return [line.removeprefix("toy ") for line in lines if line.startswith("toy ")]


@dataclass(frozen=True)
class Toy:
    """The project at *folder*; programs that *tools* holds are found on the PATH, no others."""

    folder: Path
    tools: Path

    @classmethod
    def make(cls, place: Path) -> "Toy":
        """A fresh clone, so to speak."""
        toy = cls(place / "clone", place / "tools")
        toy.folder.mkdir(parents=True)
        toy.tools.mkdir()
        shutil.copy(ROOT / "run", toy.folder)
        toy.write("pyproject.toml", _PYPROJECT)
        toy.write("backend.py", _BACKEND)
        toy.write("requirements/runtime.txt", "# nothing\n")
        toy.write("requirements/test.txt", "# nothing\n")
        return toy

    def write(self, name: str, text: str) -> None:
        """Write one file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def tool(self, name: str, script: str) -> None:
        """Put a shell script on the PATH."""
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, *arguments: str, python: Path = OUTSIDE, **settings: str) -> Outcome:
        """Run a task as on a machine without home, settings, network or terminal."""
        environment = {"PATH": str(self.tools), "HOME": str(self.tools), "PIP_NO_INDEX": "1"}
        done = subprocess.run(
            [str(python), str(self.folder / "run"), *arguments],
            cwd=self.tools,
            env=environment | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


def has_pip() -> bool:
    """Whether the Python outside the environment can install, as `run` expects of a machine."""
    command = [str(OUTSIDE), "-m", "pip", "--version"]
    settings = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return not subprocess.run(command, env=settings, capture_output=True, check=False).returncode
