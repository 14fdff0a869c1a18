"""What others wrote finds our log good, and a damaged one not: Go's packages, Tessera's fsck.

They are built from `tests/api/go`, whose go.sum pins them; a machine without Go, or without a way
to the Go modules, skips these tests and says why.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from policyd_audit import cosignature, layout, note, receipt
from policyd_audit.note import parse_vkey
from tests.api.calls import ALLOWED, DENIED
from tests.api.conftest import Start
from tests.benchmarks.processes import free_port
from tests.servers import (
    EVALUATIONS,
    JSON,
    REPOSITORY,
    Connection,
    Home,
    Server,
    bearer,
    encode,
    policyd,
)

pytestmark = pytest.mark.slow

SOURCES = REPOSITORY / "tests/api/go"
TOOLS = {
    "fsck": "github.com/transparency-dev/tessera/cmd/fsck",
    "receipts": "./receipts",
    "witness": "./witness",
}
RECORDS = 70_000
BATCH = 200
LINES = 4
_GOOD = re.compile("Successfully fsck'd log with size ([0-9]+)")
STOP = "deny_on_first_deny"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The programs, built."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build others' verifiers with")
    folder = tmp_path_factory.mktemp("go")
    for name, package in TOOLS.items():
        command = [go, "build", "-o", str(folder / name), package]
        built = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
        if built.returncode:
            pytest.skip(f"{name} cannot be built here: {built.stderr.splitlines()[-1]}")
    return {name: folder / name for name in TOOLS}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose log has more than 70,000 records, from batches on several connections.

    Most batches end at their first denial: what they skip is recorded like the rest, and quickly.
    """
    home = Home.make(tmp_path_factory.mktemp("grown") / "data")
    with Server(home) as running:
        sent = JSON | bearer(running.pep("sales"))
        items = [ALLOWED, *[DENIED, ALLOWED] * (BATCH // 2)][:BATCH]
        short = encode({"evaluations": items, "options": {"evaluations_semantic": STOP}})
        whole = encode({"evaluations": items})

        def load(batches: int) -> None:
            with Connection(running.port) as line:
                for at in range(batches):
                    answer = line.send("POST", EVALUATIONS, short if at % 20 else whole, sent)
                    assert answer.status == 200, answer

        with ThreadPoolExecutor(LINES) as lines:
            list(lines.map(load, [RECORDS // BATCH // LINES + 1] * LINES))
        yield running


def run(tool: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The outcome of one of the programs."""
    command: Sequence[str] = [str(tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def fsck(tool: Path, storage: str, server: Server, key_file: Path) -> int | None:
    """Size of the log that Tessera finds good; None where it does not.

    Its exit status is 0 either way, so what it says is read. With one worker it never ends on a
    damaged log.
    """
    key_file.write_text(server.home.vkey)
    done = run(
        tool,
        f"--storage_url={storage}",
        f"--public_key={key_file}",
        f"--origin={parse_vkey(server.home.vkey).name}",
        f"--bearer_token={server.home.admin}",
        "--ui=false",
        "--N=4",
    )
    found = _GOOD.search(done.stderr)
    assert found or "fsck failed" in done.stderr, done
    return int(found[1]) if found else None


def published(server: Server) -> bytes:
    """The newest checkpoint; it covers all that was recorded before it was asked for."""
    covered(server)
    return server.get("/log/checkpoint").body


def copied(server: Server, folder: Path) -> Path:
    """The resources of the server's log, fetched into a new folder."""
    text = published(server)
    size = int(text.split(b"\n")[1])
    folder.mkdir()
    (folder / layout.CHECKPOINT).write_bytes(text)
    for each in layout.resources(size):
        answer = server.get(f"/log/{each.path}", server.home.admin)
        assert answer.status == 200
        (folder / each.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / each.path).write_bytes(answer.body)
    return folder


def test_fsck_accepts_the_live_log(tools: dict[str, Path], grown: Server, tmp_path: Path) -> None:
    """More than 70,000 records of a running server: every entry, tile and the checkpoint."""
    published(grown)
    size = fsck(tools["fsck"], f"http://127.0.0.1:{grown.port}/log/", grown, tmp_path / "vkey")
    assert size is not None
    assert size > RECORDS


def test_fsck_accepts_a_copy_and_refuses_a_damaged_one(
    tools: dict[str, Path], grown: Server, tmp_path: Path
) -> None:
    """The resources in a folder are a log too; with one byte changed they are none."""
    folder = copied(grown, tmp_path / "copy")
    storage = f"file://{folder}/"
    size = fsck(tools["fsck"], storage, grown, tmp_path / "vkey")
    assert size == int((folder / layout.CHECKPOINT).read_bytes().split(b"\n")[1])
    damaged = folder / "tile/entries/007"
    data = damaged.read_bytes()
    damaged.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    assert fsck(tools["fsck"], storage, grown, tmp_path / "vkey") is None


def test_fsck_accepts_an_exported_log(
    tools: dict[str, Path], grown: Server, tmp_path: Path
) -> None:
    """What `policyd audit export --form log` writes is a log for others' tools as it lies there."""
    published(grown)
    out, url = tmp_path / "out", f"http://127.0.0.1:{grown.port}"
    key = grown.make_key("auditor")["key"]
    made = policyd("audit", "export", "--form", "log", "--to", out, "--url", url, POLICYD_KEY=key)
    assert made.returncode == 0, made.stderr
    size = fsck(tools["fsck"], f"file://{out}/", grown, tmp_path / "vkey")
    assert size is not None
    assert size > RECORDS


def test_go_opens_our_checkpoints_and_checks_our_proofs(
    tools: dict[str, Path], grown: Server, tmp_path: Path
) -> None:
    """Go's own packages find signature, inclusion and consistency good, and a change not."""
    key, old, new = tmp_path / "vkey", tmp_path / "old", tmp_path / "new"
    key.write_text(grown.home.vkey)
    old.write_bytes(grown.get("/log/checkpoint").body)
    record = grown.home.records("decision")[12_345]["id"]
    receipt, growth = tmp_path / "receipt", tmp_path / "growth"
    receipt.write_bytes(grown.get(f"/v1/audit/records/{record}/proof", grown.home.admin).body)
    new.write_bytes(grown.get("/log/checkpoint").body)
    growth.write_text(grown.home.audit("prove", "--from", str(old)).stdout)
    done = run(tools["receipts"], key, new, receipt, growth, old)
    assert (done.returncode, done.stderr) == (0, "")
    assert "goes on from that of" in done.stdout
    for path in (new, receipt, growth):
        good = path.read_bytes()
        at = good.index(b"\n\n") - 20
        path.write_bytes(good[:at] + (b"B" if good[at : at + 1] == b"A" else b"A") + good[at + 1 :])
        assert run(tools["receipts"], key, new, receipt, growth, old).returncode == 1
        path.write_bytes(good)


@pytest.fixture
def witness(tools: dict[str, Path], home: Home, tmp_path: Path) -> Iterator[str]:
    """A witness of the log of `home`, made of others' parts: its key and its URL."""
    key = tmp_path / "vkey"
    key.write_text(home.vkey)
    command = [str(tools["witness"]), str(key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        yield running.stdout.readline().strip()
        running.kill()


def test_a_witness_of_others_parts_cosigns(witness: str, start: Start, tmp_path: Path) -> None:
    """It checks each proof it is sent, also from a server that does not know where it stands."""
    cosigns(witness, start, tmp_path)


def cosigns(witness: str, start: Start, tmp_path: Path) -> None:
    """See that a witness signs every checkpoint, across a start of the server, too."""
    policy = tmp_path / "witnesses"
    policy.write_text(f"witness w1 {witness}\nquorum w1\n")
    key = cosignature.parse_vkey(witness.split(maxsplit=1)[0])
    for _ in range(2):
        server = start(POLICYD_WITNESSES=str(policy))
        for _ in range(3):
            server.check(ALLOWED, server.pep("sales"))
            found = note.parse(covered(server))
            assert cosignature.time_of(found, key)
        assert server.stop() == 0


@pytest.fixture
def litewitness(home: Home) -> Iterator[str]:
    """A litewitness that knows the log of `home`: its key and its URL.

    It is taken from the folder POLICYD_LITEWITNESS names, or from the PATH. Its key is in an
    ssh-agent of its own, whose socket needs a short path.
    """
    where = os.environ.get("POLICYD_LITEWITNESS")
    found = {name: shutil.which(name, path=where) for name in ("litewitness", "witnessctl")}
    found |= {name: shutil.which(name) for name in ("ssh-agent", "ssh-add", "ssh-keygen")}
    if missing := [name for name, path in found.items() if path is None]:
        pytest.skip(
            f"there is no {' and no '.join(missing)}: with Go it is `go install filippo.io/"
            "torchwood/cmd/{litewitness,witnessctl}@v0.5.0`; or name a folder, POLICYD_LITEWITNESS"
        )
    tools = {name: Path(path) for name, path in found.items() if path}
    with TemporaryDirectory(prefix="w") as folder, ExitStack() as running:
        key, agent, db = (f"{folder}/{name}" for name in ("key", "agent", "db"))
        done(tools["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", key)
        begin(running, tools["ssh-agent"], "-D", "-a", agent)
        until(Path(agent).exists)
        done(tools["ssh-add"], "-q", key, SSH_AUTH_SOCK=agent)
        fingerprint = done(tools["ssh-keygen"], "-lf", f"{key}.pub").split()[1]
        log = parse_vkey(home.vkey).name
        done(tools["witnessctl"], "add-log", "-db", db, "-origin", log)
        done(tools["witnessctl"], "add-key", "-db", db, "-origin", log, "-key", home.vkey)
        port = free_port()
        at = ["-listen", f"127.0.0.1:{port}", "-ssh-agent", agent, "-key", fingerprint]
        begin(running, tools["litewitness"], "-db", db, "-name", "lite.example", *at)
        until(lambda: answers(port))
        public = b64decode(Path(f"{key}.pub").read_text("ascii").split()[1])[-32:]
        yield f"{cosignature.vkey('lite.example', public)} http://127.0.0.1:{port}/"


def done(tool: Path, *arguments: object, **variables: str) -> str:
    """What a program says that ends well."""
    command = [str(tool), *map(str, arguments)]
    environment = os.environ | variables
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=60, env=environment
    ).stdout


def begin(running: ExitStack, tool: Path, *arguments: str) -> None:
    """Start a program that goes on until the end of the test."""
    process = subprocess.Popen([str(tool), *arguments], stdout=subprocess.DEVNULL)
    running.callback(process.wait)
    running.callback(process.kill)


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_litewitness_cosigns(litewitness: str, start: Start, tmp_path: Path) -> None:
    """The witness that public witnesses run takes our checkpoints and our proofs."""
    cosigns(litewitness, start, tmp_path)


def covered(server: Server) -> str:
    """A published checkpoint that covers what was recorded before."""
    newest = server.get("/v1/audit/records?limit=1", server.home.admin).json()["records"][0]
    path = f"/v1/audit/records/{newest['record']['id']}/proof"
    proof = server.get(path, server.home.admin)
    assert proof.status == 200, proof
    return receipt.parse(proof.body.decode()).note
