"""Only the edges read the clock and draw random numbers: the linter says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT

READS = [
    "import datetime\n\ndatetime.datetime.now(datetime.UTC)",
    "from datetime import datetime\n\ndatetime.utcnow()",
    "from datetime import date\n\ndate.today()",
    "import time\n\ntime.time()",
    "from time import time_ns\n\ntime_ns()",
    "import random\n\nrandom.random()",
    "from uuid import uuid4\n\nuuid4()",
]
INSIDE = ["policyd/model/new.py", "policyd/engine/new.py", "policyd/points/new.py"]


def banned_lines(code: str, path: str) -> str:
    """What the linter finds banned in *code*, if *code* stood at *path*."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    command = [ruff, "check", "--select", "TID251", "--stdin-filename", path, "-"]
    done = subprocess.run(
        command, cwd=ROOT, input=code, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize("code", READS)
@pytest.mark.parametrize("path", [*INSIDE, "audit/policyd_audit/new.py"])
def test_inside_no_clock_is_read(code: str, path: str) -> None:
    """Deciding, recording and verifying take the time and the numbers they are given."""
    assert "TID251" in banned_lines(code, path)


@pytest.mark.parametrize("path", ["policyd/bootstrap.py", "policyd/cli/serve.py"])
def test_the_edges_read_the_clock(path: str) -> None:
    """The composition root and the command line are where the clock comes from."""
    assert banned_lines(READS[0], path) == ""
