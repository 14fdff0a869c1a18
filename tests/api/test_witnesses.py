"""Witnesses of a running server's log: what they add, and what they can hold up."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyd_audit import checkpoint, cosignature, note, receipt
from tests.api.calls import ALLOWED, including
from tests.api.conftest import Start
from tests.servers import Home, Server, policyd
from tests.witness import StubWitness


@pytest.fixture
def witness() -> Iterator[StubWitness]:
    """One that cosigns."""
    with StubWitness() as running:
        yield running


def policy(folder: Path, witness: StubWitness, quorum: str) -> str:
    """A policy file that names the witness."""
    path = folder / "witnesses"
    path.write_text(f"{witness.line}quorum {quorum}\n")
    return str(path)


def await_cosigned(server: Server, witness: StubWitness, size: int = 1) -> note.Note:
    """The published checkpoint, once it is of that size and the witness has cosigned it."""
    deadline = time.monotonic() + 60  # a bound for what hangs
    while time.monotonic() < deadline:
        answer = server.get("/log/checkpoint")
        if answer.status == 200:
            found = note.parse(answer.body.decode())
            is_cosigned = cosignature.time_of(found, witness.key()) is not None
            if is_cosigned and checkpoint.parse(found.text).size >= size:
                return found
        time.sleep(0.02)
    raise AssertionError(server.log.read_text("utf-8"))


@pytest.mark.parametrize("quorum", ["none", "w1"])
def test_the_published_checkpoint_is_cosigned(
    quorum: str, start: Start, witness: StubWitness, tmp_path: Path
) -> None:
    """Log and witness have signed it, also as the log grows and after a restart."""
    named = policy(tmp_path, witness, quorum)
    server = start(POLICYD_WITNESSES=named)
    note.verify(await_cosigned(server, witness), note.parse_vkey(server.home.vkey))
    size = len(server.home.records())
    server.check(ALLOWED, server.pep("sales"))
    await_cosigned(server, witness, size + 1)
    assert server.stop() == 0
    again = start(POLICYD_WITNESSES=named)
    await_cosigned(again, witness, len(again.home.records()))
    assert again.home.verify().returncode == 0


def test_without_a_quorum_an_absent_witness_holds_nothing_up(
    start: Start, witness: StubWitness, tmp_path: Path
) -> None:
    """The checkpoint is published without it, and the server's log says who is missing."""
    witness.behave = lambda _: None
    server = start(POLICYD_WITNESSES=policy(tmp_path, witness, "none"))
    assert server.get("/log/checkpoint").status == 200
    asked = including(ALLOWED, "receipt")
    assert "receipt" in server.check(asked, server.pep("sales")).json()["context"]
    deadline = time.monotonic() + 60
    while "witness-unreachable" not in server.log.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_with_a_quorum_nothing_is_published_without_it_and_checks_go_on(
    start: Start, witness: StubWitness, tmp_path: Path
) -> None:
    """Checks are answered and recorded; checkpoint and receipts are there when the witness is."""
    witness.behave = lambda _: None
    server = start(POLICYD_WITNESSES=policy(tmp_path, witness, "w1"))
    key = server.pep("sales")
    answer = server.check(including(ALLOWED, "receipt"), key)
    assert answer.json()["decision"] is True
    assert "receipt" not in answer.json().get("context", {})
    path = f"/v1/audit/records/{answer.headers['x-decision-id']}/proof"
    assert server.get("/log/checkpoint").status == 503
    refused = server.get(path, server.home.admin)
    assert (refused.status, refused.code) == (503, "witnesses-missing")
    assert server.ready().status == 200
    witness.behave = witness.cosign
    witness.over.set()
    await_cosigned(server, witness)
    proof = receipt.parse(server.get(path, server.home.admin).body.decode())
    receipt.check(proof, note.parse_vkey(server.home.vkey))
    assert cosignature.time_of(note.parse(proof.note), witness.key()) is not None


def test_a_policy_of_witnesses_that_is_wrong_keeps_the_server_from_starting(
    home: Home, tmp_path: Path
) -> None:
    """It says where it is wrong; a server without its witnesses would seem to have them."""
    path = tmp_path / "witnesses"
    path.write_text("quorum w1\n")
    where = ("--data", home.data, "--policies", "policies", "--port", "0")
    done = policyd("serve", *where, POLICYD_WITNESSES=str(path))
    assert done.returncode == 2
    assert f"{path}:1: `w1` is not named" in done.stderr
