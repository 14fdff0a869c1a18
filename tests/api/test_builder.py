"""The process that reads policy: whatever becomes of it, the policies in force go on serving."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.calls import ALLOWED
from tests.api.test_health import metric
from tests.api.test_reload import PATIENCE_S, close_crm, failures, reload, until
from tests.servers import POLICIES, Server

if TYPE_CHECKING:
    from tests.api.conftest import Start

FAILED = 'policyd_reloads_total{result="failed"}'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sample company, to be edited."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def is_over(pid: int) -> bool:
    """Whether a process has ended; one that nobody has buried has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def await_end(pid: int) -> None:
    """Wait until a process has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_over(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on and on"
        time.sleep(0.01)


def stop_at_work(server: Server) -> int:
    """Have a builder that has an order and does nothing; its process id."""
    builder = server.builder()
    os.kill(builder, signal.SIGSTOP)
    server.signal(signal.SIGHUP)
    server.ready()  # by now the signal has been taken
    return builder


def test_one_that_was_killed_at_work(start: "Start", tree: Path) -> None:
    """The old tree goes on serving and everything says why; the next reload has a new builder."""
    server = start(tree)
    key, old = server.pep("sales"), server.ready().json()["snapshot"]
    close_crm(tree)
    killed = stop_at_work(server)
    os.kill(killed, signal.SIGKILL)
    state = until(server, lambda state: "failed_reload" in state)
    assert (state["ready"], state["snapshot"]) == (True, old)
    assert "builder ended unexpectedly" in state["failed_reload"]
    assert server.check(ALLOWED, key).json() == {"decision": True}
    assert [(line["level"], line["code"]) for line in failures(server)] == [
        ("error", "policy-unread")
    ]
    assert metric(server, FAILED) == 1
    assert reload(server) != old
    assert "failed_reload" not in server.ready().json()
    assert server.check(ALLOWED, key).json() == {"decision": False}
    assert server.builder() != killed
    changes = server.home.records("policy_change")
    assert [change["reason"] for change in changes] == ["start", "reload"]


def test_one_that_was_killed_while_it_waited(start: "Start", tree: Path) -> None:
    """Nobody notices: the next reload starts another and comes into force."""
    server = start(tree)
    killed = server.builder()
    os.kill(killed, signal.SIGKILL)
    await_end(killed)
    close_crm(tree)
    reload(server)
    assert server.check(ALLOWED, server.pep("sales")).json() == {"decision": False}
    assert not failures(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_while_policy_is_read(
    start: "Start", tree: Path, number: signal.Signals
) -> None:
    """It ends as always, takes the builder with it, and complains of nothing."""
    server = start(tree)
    close_crm(tree)
    builder = stop_at_work(server)
    server.signal(number)
    assert server.process.wait(PATIENCE_S) == 0
    assert is_over(builder)
    assert not [line for line in server.log_lines() if line["level"] == "error"]
    assert [change["reason"] for change in server.home.records("policy_change")] == ["start"]
    assert server.home.verify().returncode == 0


@pytest.mark.parametrize("is_at_work", [False, True], ids=["waiting", "at work"])
def test_a_builder_does_not_outlive_its_server(
    start: "Start", tree: Path, *, is_at_work: bool
) -> None:
    """However the server ends, its builder ends, and has nothing to say about it."""
    server = start(tree)
    builder = stop_at_work(server) if is_at_work else server.builder()
    server.kill()
    os.kill(builder, signal.SIGCONT)
    await_end(builder)
    assert not [line for line in server.log_lines() if line["level"] == "error"]


def test_signals_of_a_terminal_are_the_servers(start: "Start", tree: Path) -> None:
    """SIGHUP and SIGINT go to all of a terminal's processes; the builder leaves them alone."""
    server = start(tree)
    builder = server.builder()
    for number in (signal.SIGHUP, signal.SIGINT):
        os.kill(builder, number)
    close_crm(tree)
    reload(server)
    assert server.builder() == builder


def test_a_change_and_its_undoing(start: "Start", tree: Path) -> None:
    """A file that is as it was makes the snapshot that there was; the log has every step."""
    server = start(tree)
    old = server.ready().json()["snapshot"]
    access = tree / "units/hr/access.yaml"
    text = access.read_bytes()
    access.write_bytes(text + b"# and a remark\n")
    new = reload(server)
    access.write_bytes(text)
    assert reload(server) == old
    changes = server.home.records("policy_change")
    told = [(change.get("previous"), change["snapshot"]) for change in changes]
    assert told == [(None, old), (old, new), (new, old)]
