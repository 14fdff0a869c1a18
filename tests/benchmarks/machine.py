"""What a run was measured on: the machine, the commit, the versions of everything."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import apsw

from tests.benchmarks.plan import ROOT

_PACKAGES = ("pycasbin", "uvicorn", "uvloop", "httptools", "msgspec", "apsw")


def now() -> str:
    """The time, UTC, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - a run has a date


def machine() -> dict[str, str]:
    """Processors, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processors": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _processor() -> str:
    """The processor's own name, where the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(named, platform.machine())


def commit() -> str:
    """The commit that was measured, with a `+` if files had changed since."""
    return said("git", "rev-parse", "--short=12", "HEAD") + (
        "+" if said("git", "status", "--porcelain", "--untracked-files=no") else ""
    )


def versions() -> dict[str, str]:
    """Of Python, of the packages that matter here, and of SQLite."""
    own = {"python": platform.python_version(), "sqlite (apsw)": apsw.sqlite_lib_version()}
    return own | {name: version(name) for name in _PACKAGES} | {"wrk": _wrk()}


def _wrk() -> str:
    words = said("wrk", "-v").split()
    return words[1] if len(words) > 1 else "missing"


def said(program: str, *arguments: str) -> str:
    """What a program prints, or nothing if it is not there."""
    path = shutil.which(program)
    if path is None:
        return ""
    done = subprocess.run(
        [path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return (done.stdout or done.stderr).strip()
