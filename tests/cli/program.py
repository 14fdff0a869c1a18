"""The program `policyd` as a user starts it, and a stand-in for a server that answers oddly."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import nursery

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
_PATIENCE_S = 120.0  # a bound for what hangs
KEY = "pd_aaaaaaaa_" + "A" * 43


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - JSON is any of its types
        """What it printed, which is JSON and nothing else."""
        return json.loads(self.out)


class Program:
    """Starts commands in a folder of their own, without settings but those given."""

    def __init__(self, folder: Path) -> None:
        """Start commands in *folder*."""
        self.folder = folder

    def __call__(self, *arguments: str | Path, **env: str) -> Ended:
        """Run one command to its end."""
        asked = tuple(map(str, arguments))
        if nursery.may_fork(*env):
            done = nursery.run(asked, self.env(**env), _PATIENCE_S, self.folder)
        else:
            done = subprocess.run(
                [sys.executable, "-m", "policyd", *asked],
                cwd=self.folder,
                env=self.env(**env),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
                timeout=_PATIENCE_S,
            )
        return Ended(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def env(**more: str) -> dict[str, str]:
        """The environment of a command."""
        own = {"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'audit'}", "LANG": "C.UTF-8"}
        return own | more


@dataclass(slots=True)
class Stub:
    """A stand-in server: gives one answer to whatever it is asked, and keeps the questions."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def gives(self, status: int, body: Any, **headers: str) -> None:  # noqa: ANN401 - JSON or bytes
        """Answer with this from now on; `_` in the name of a header stands for `-`."""
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
