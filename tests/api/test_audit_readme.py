"""The README for auditors: its commands, word for word, against a running server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.api.calls import ALLOWED
from tests.servers import REPOSITORY

if TYPE_CHECKING:
    from tests.servers import Server

SHELL = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def test_five_minutes(server: "Server", pep: str, tmp_path: Path) -> None:
    """Every step is fine, the second look goes on from the first, and the receipt holds."""
    server.check(ALLOWED, pep)
    steps = SHELL.findall((REPOSITORY / "audit/README.md").read_text("utf-8"))
    assert len(steps) == 5
    (tmp_path / "audit").symlink_to(REPOSITORY / "audit")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    key = server.make_key("auditor")["key"]
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", "\n".join(steps)],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "VKEY": server.home.vkey,
            "LOG": f"http://127.0.0.1:{server.port}/log",
            "POLICYD_KEY": key,
            "DATA": str(server.home.data),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("  signature  good\n") == 3
    assert done.stdout.count("  goes on    from the ") == 2
    assert "`1.tlog-proof` holds: record 1 is in the log\n" in done.stdout
    assert "`copy.db` holds\n" in done.stdout
