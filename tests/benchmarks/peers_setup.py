"""The peers: installed under .bench/ by their own package managers, never among our packages."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.benchmarks.load import INSTALL
from tests.benchmarks.machine import said
from tests.benchmarks.peers.cedar.engine import INSTALLED as CEDAR
from tests.benchmarks.peers.cedar.engine import cedarpy
from tests.benchmarks.peers.cerbos.server import program as cerbos
from tests.benchmarks.peers.opa.server import PROGRAM as OPA
from tests.benchmarks.plan import BENCH, Say

CERBOS_VERSION, CEDARPY_VERSION, OPA_VERSION = "0.55.0", "4.12.2", "1.22.2"
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_PROCESSORS = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer, and how to have it.

    Attributes:
        needs: Programs, one of which has to be there.
        version: Of what is installed; empty if nothing is.
        command: That installs it.
    """

    name: str
    wanted: str
    needs: tuple[str, ...]
    version: Callable[[], str]
    command: Callable[[], Sequence[str]]


def _cerbos_version() -> str:
    try:
        return said(str(cerbos()), "--version").partition("\n")[0]
    except FileNotFoundError:
        return ""


def _cerbos_command() -> Sequence[str]:
    """npm has the binary of each system as a package of its own."""
    system = _SYSTEMS.get(platform.system(), "unknown")
    processor = _PROCESSORS.get(platform.machine(), "unknown")
    package = f"@cerbos/cerbos-{system}-{processor}@{CERBOS_VERSION}"
    return ["npm", "install", "--prefix", str(BENCH / "cerbos"), "--no-audit", "--no-fund", package]


def _cedar_version() -> str:
    try:
        cedarpy()
        return metadata.version("cedarpy")
    except ImportError:
        return ""


def _cedar_command() -> Sequence[str]:
    """uv, or the pip of the Python that `.venv` was made from; `.venv` itself has none."""
    asked = ["--target", str(CEDAR), "--no-deps", f"cedarpy=={CEDARPY_VERSION}"]
    if shutil.which("uv"):
        return ["uv", "pip", "install", "--python", sys.executable, *asked]
    major, minor = sys.version_info[:2]
    python = Path(sys.base_prefix, "bin", f"python{major}.{minor}")
    return [str(python), "-m", "pip", "install", "--quiet", *asked]


def _opa_version() -> str:
    lines = said(str(OPA), "version").splitlines() if OPA.exists() else []
    return next((line.split()[-1] for line in lines if line.startswith("Version:")), "")


def _opa_command() -> Sequence[str]:
    return ["go", "install", f"github.com/open-policy-agent/opa@v{OPA_VERSION}"]


PEERS = (
    Peer("Cerbos", CERBOS_VERSION, ("npm",), _cerbos_version, _cerbos_command),
    Peer("cedarpy", CEDARPY_VERSION, ("uv", sys.executable), _cedar_version, _cedar_command),
    Peer("OPA", OPA_VERSION, ("go",), _opa_version, _opa_command),
)


def versions() -> dict[str, str]:
    """Of the peers that are installed."""
    found = {peer.name: peer.version() for peer in PEERS}
    return {name: version for name, version in found.items() if version}


def install(say: Say, peers: Sequence[Peer] = PEERS) -> list[str]:
    """Install those that are missing; what went wrong, peer by peer."""
    BENCH.mkdir(exist_ok=True)
    trouble = [] if shutil.which("wrk") else [INSTALL]
    for peer in peers:
        if peer.version() == peer.wanted:
            say(f"{peer.name} {peer.wanted} is there")
        elif not any(map(shutil.which, peer.needs)):
            trouble.append(f"{peer.name}: `{peer.needs[0]}` is not installed, which would fetch it")
        else:
            say(f"installing {peer.name} {peer.wanted}")
            trouble += _install(peer)
    return trouble


def _install(peer: Peer) -> list[str]:
    command = peer.command()
    done = subprocess.run(
        command,
        env=os.environ | {"GOBIN": str(OPA.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and peer.version() == peer.wanted:
        return []
    last = (done.stderr or done.stdout).strip().splitlines()[-3:]
    return [f"{peer.name}: `{' '.join(command)}` did not install it: {' '.join(last)}"]
