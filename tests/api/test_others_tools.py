"""What others wrote finds our log good, and a damaged one not: Go's packages, Tessera's fsck.

They are built from `tests/api/go`, whose go.sum pins them; a machine without Go, or without a way
to the Go modules, skips these tests and says why.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from policyd_audit import cosignature, layout, note, receipt
from policyd_audit.note import parse_vkey
from tests.api.calls import ALLOWED, DENIED
from tests.api.conftest import Start
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


def test_fsck_accepts_an_export(tools: dict[str, Path], grown: Server, tmp_path: Path) -> None:
    """What `policyd audit export --form log` has put into a folder is a log to others' tools."""
    folder = tmp_path / "exported"
    where = ("--url", f"http://127.0.0.1:{grown.port}")
    done = policyd(
        *("audit", "export", "--form", "log", "--to", folder, *where),
        POLICYD_KEY=grown.make_key("auditor")["key"],
    )
    assert (done.returncode, folder.is_dir()) == (0, True), done
    size = fsck(tools["fsck"], f"file://{folder}/", grown, tmp_path / "vkey")
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
        yield running.stdout.readline()
        running.kill()


def test_a_witness_of_others_parts_cosigns(witness: str, start: Start, tmp_path: Path) -> None:
    """It checks each proof it is sent, also from a server that does not know where it stands."""
    policy = tmp_path / "witnesses"
    policy.write_text(f"witness go {witness}quorum go\n")
    key = cosignature.parse_vkey(witness.split(maxsplit=1)[0])
    for _ in range(2):
        server = start(POLICYD_WITNESSES=str(policy))
        for _ in range(3):
            server.check(ALLOWED, server.pep("sales"))
            found = note.parse(covered(server))
            assert cosignature.time_of(found, key)
        assert server.stop() == 0


def covered(server: Server) -> str:
    """A published checkpoint that covers what was recorded before."""
    newest = server.get("/v1/audit/records?limit=1", server.home.admin).json()["records"][0]
    path = f"/v1/audit/records/{newest['record']['id']}/proof"
    proof = server.get(path, server.home.admin)
    assert proof.status == 200, proof
    return receipt.parse(proof.body.decode()).note
