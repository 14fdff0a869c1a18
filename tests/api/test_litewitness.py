"""A litewitness, as its operators run it, cosigns our log: its key is in an ssh-agent.

It is built from `tests/api/go/litewitness`, whose go.sum pins it; a machine without Go, without a
way to the Go modules or without OpenSSH skips these tests and says why.
"""

import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

import pytest

from policyd_audit import checkpoint, cosignature, note
from policyd_audit.note import Key, parse_vkey
from tests.api.calls import ALLOWED
from tests.api.conftest import Start
from tests.servers import REPOSITORY, Home, Server

pytestmark = pytest.mark.slow

SOURCES = REPOSITORY / "tests/api/go/litewitness"
PACKAGE = "filippo.io/torchwood/cmd/litewitness"
OPENSSH = ("ssh-agent", "ssh-add", "ssh-keygen")
NAME = "witness.example/lite"
_VKEY = re.compile(r'vkey="?(\S+?)"?$', re.MULTILINE)
_PATIENCE_S = 60.0  # a bound for what hangs


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The witness, built."""
    for name in ("go", *OPENSSH):
        if shutil.which(name) is None:
            pytest.skip(f"there is no {name} to build or to run a litewitness with")
    path = tmp_path_factory.mktemp("go") / "litewitness"
    command = ["go", "build", "-o", str(path), PACKAGE]
    built = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"litewitness cannot be built here: {built.stderr.splitlines()[-1]}")
    return path


@dataclass
class Lite:
    """A litewitness that knows one log; a context manager that runs it."""

    program: Path
    folder: Path
    log: Home
    vkey: str = ""
    port: int = 0
    running: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Start an agent with a new key, and the witness."""
        agent, key = self.folder / "agent", self.folder / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        self._start("ssh-agent", "-D", "-a", str(agent))
        wait_for(agent.exists)
        run("ssh-add", "-q", str(key), SSH_AUTH_SOCK=str(agent))
        fingerprint = run("ssh-keygen", "-l", "-f", f"{key}.pub").split()[1]
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        said = self.folder / "said"
        self._start(
            *(str(self.program), "-name", NAME, "-db", str(self.folder / "db")),
            *("-ssh-agent", str(agent), "-key", fingerprint),
            *("-listen", f"127.0.0.1:{self.port}"),
            said=said,
        )
        wait_for(lambda: "listening" in said.read_text())
        found = _VKEY.search(said.read_text())
        assert found, said.read_text()
        self.vkey = found[1]
        self._know()
        return self

    def __exit__(self, *_: object) -> None:
        """End both."""
        self.running.close()

    def _know(self) -> None:
        """Tell it of the log and of its key, as `witnessctl add-log` and `add-key` do."""
        origin = parse_vkey(self.log.vkey).name
        nothing = b64encode(sha256().digest()).decode()
        with closing(sqlite3.connect(self.folder / "db")) as db, db:
            db.execute("insert into log values (?, 0, ?)", (origin, nothing))
            db.execute("insert into key values (?, ?)", (origin, self.log.vkey))

    def _start(self, *command: str, said: Path | None = None) -> None:
        to = self.running.enter_context((said or Path("/dev/null")).open("wb"))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=to)
        self.running.callback(process.wait)
        self.running.callback(process.kill)

    @property
    def size(self) -> int:
        """Of the last tree it has cosigned."""
        with closing(sqlite3.connect(self.folder / "db")) as db:
            (size,) = db.execute("select tree_size from log").fetchone()
        return int(size)

    def policy(self, quorum: str) -> str:
        """A policy file that names it."""
        path = self.folder / "witnesses"
        url = f"http://127.0.0.1:{self.port}"
        path.write_text(f"witness lite {self.vkey} {url}\nquorum {quorum}\n")
        return str(path)

    def key(self) -> Key:
        """What its cosignatures are checked with."""
        return cosignature.parse_vkey(self.vkey)


def run(*command: str, **environment: str) -> str:
    """What a command that succeeds prints."""
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment or None, timeout=60
    ).stdout


def wait_for(holds: Callable[[], object]) -> None:
    """Nothing, once it holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def witness(program: Path, home: Home) -> Iterator[Lite]:
    """One that knows the log of `home`; the path of a socket has to be short."""
    with tempfile.TemporaryDirectory() as folder, Lite(program, Path(folder), home) as running:
        yield running


def cosigned(server: Server, witness: Lite, size: int) -> note.Note:
    """The published checkpoint, once it is of that size and the witness has cosigned it."""

    def look() -> note.Note | None:
        answer = server.get("/log/checkpoint")
        if answer.status != 200:
            return None
        found = note.parse(answer.body.decode())
        is_signed = cosignature.time_of(found, witness.key()) is not None
        return found if is_signed and checkpoint.parse(found.text).size >= size else None

    wait_for(look)
    found = look()
    assert found
    return found


@pytest.mark.parametrize("quorum", ["none", "lite"])
def test_it_cosigns_a_growing_log(quorum: str, start: Start, witness: Lite) -> None:
    """Each checkpoint goes on from the one before, also after a restart of the server."""
    named = witness.policy(quorum)
    server = start(POLICYD_WITNESSES=named)
    pep = server.pep("sales")
    for _ in range(3):
        server.check(ALLOWED, pep)
        size = len(server.home.records())
        cosigned(server, witness, size)
        assert witness.size >= size
    assert server.stop() == 0
    again = start(POLICYD_WITNESSES=named)
    cosigned(again, witness, len(again.home.records()))
    assert again.home.verify().returncode == 0


def test_it_does_not_cosign_a_log_that_was_rolled_back(start: Start, witness: Lite) -> None:
    """It has seen a longer log: with it as the quorum, the shorter one is never published."""
    named = witness.policy("lite")
    server = start(POLICYD_WITNESSES=named)
    assert server.stop() == 0
    ledger = server.home.data / "ledger.db"
    backup = ledger.read_bytes()
    server = start(POLICYD_WITNESSES=named)
    pep = server.pep("sales")
    for _ in range(5):
        server.check(ALLOWED, pep)
    cosigned(server, witness, len(server.home.records()))
    assert server.stop() == 0
    seen = witness.size

    ledger.write_bytes(backup)
    (server.home.data / "registry.db").unlink(missing_ok=True)
    rolled_back = start(POLICYD_WITNESSES=named)

    wait_for(lambda: "witness" in rolled_back.log.read_text("utf-8"))
    assert rolled_back.get("/log/checkpoint").status == 503
    assert witness.size == seen
