"""SIGHUP: a good tree is put in force whole, a broken one changes nothing and is told."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.calls import ALLOWED
from tests.api.test_health import metric
from tests.servers import EVALUATION, JSON, POLICIES, Connection, Home, Server, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start

PATIENCE_S = 60.0  # a bound for what hangs
FORBID = """
forbid:
  nothing-to-the-crm:
    who: everyone
    send: anything
    to: [crm]
    reason: The contract has ended.
    fix: Wait for the next contract.
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sample company, to be edited."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def close_crm(tree: Path) -> None:
    """Forbid everyone to send anything to the CRM."""
    access = tree / "guardrails/access.yaml"
    access.write_text(access.read_text("utf-8").replace("\nforbid:\n", FORBID), "utf-8")


def open_crm(tree: Path) -> None:
    """Have the sample company's own rules again."""
    shutil.copy(POLICIES / "guardrails/access.yaml", tree / "guardrails/access.yaml")


def until(server: Server, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the server says of its readiness, once *holds* is true of it."""
    state: dict[str, Any]
    deadline = time.monotonic() + PATIENCE_S
    while not holds(state := server.ready().json()):
        assert time.monotonic() < deadline, f"it never came to pass: {state}"
    return state


def reload(server: Server) -> str:
    """Have a changed tree read; the snapshot that is in force once all of it is done."""
    changed = 'policyd_reloads_total{result="changed"}'
    before = metric(server, changed)
    server.signal(signal.SIGHUP)
    until(server, lambda _: metric(server, changed) > before)
    new: str = server.ready().json()["snapshot"]  # what `until` saw may be from just before
    return new


def test_a_change_comes_into_force(start: "Start", tree: Path) -> None:
    """After SIGHUP the new tree decides, and the log says so before the first such decision."""
    server = start(tree)
    key = server.pep("sales")
    old = server.ready().json()["snapshot"]
    assert server.check(ALLOWED, key).json() == {"decision": True}
    close_crm(tree)
    assert server.check(ALLOWED, key).json() == {"decision": True}  # nobody has asked for it
    new = reload(server)
    assert server.check(ALLOWED, key).json() == {"decision": False}
    change = server.home.records("policy_change")[-1]
    assert (change["snapshot"], change["previous"], change["reason"]) == (new, old, "reload")
    assert change["source"] == "folder"
    told = [line for line in server.log_lines() if line["event"] == "reload-done"]
    assert [(line["snapshot"], line["previous"]) for line in told] == [(new, old)]
    assert metric(server, 'policyd_reloads_total{result="changed"}') == 1


def test_a_reload_without_a_change(start: "Start", tree: Path) -> None:
    """Reading the same tree again changes nothing and records nothing."""
    server = start(tree)
    (tree / "policyd.yaml").touch()
    server.signal(signal.SIGHUP)
    until(server, lambda _: metric(server, 'policyd_reloads_total{result="unchanged"}') == 1)
    assert [change["reason"] for change in server.home.records("policy_change")] == ["start"]


def write(path: str, text: str | bytes) -> Callable[[Path], None]:
    """A way to break a tree: this file with this text."""
    content = text.encode() if isinstance(text, str) else text
    return lambda tree: _written(tree / path, content)


def _written(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def turn_into_folder(tree: Path) -> None:
    """Put a folder where a file belongs."""
    (tree / "policyd.yaml").unlink()
    (tree / "policyd.yaml").mkdir()


BROKEN: dict[str, Callable[[Path], object]] = {
    "no YAML": write("policyd.yaml", "a: [b\n"),
    "an unknown key": write("guardrails/promotions.yaml", "owner: platform\npromotion: {}\n"),
    "empty": write("guardrails/access.yaml", ""),
    "not text": write("units/hr/access.yaml", b"\xff\xfe\0\0" * 100),
    "a deep file": write("units/hr/access.yaml", "[" * 100_000),
    "a missing file": lambda tree: (tree / "guardrails/labels.yaml").unlink(),
    "a folder for a file": turn_into_folder,
    "no tree": shutil.rmtree,
}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server and its tree, which whoever breaks it mends."""
    folder = tmp_path_factory.mktemp("broken")
    tree = Path(shutil.copytree(POLICIES, folder / "policies"))
    with Server(Home.make(folder / "data"), tree) as running:
        yield running, tree


def failures(server: Server) -> list[dict[str, Any]]:
    """What the server's own log says of reloads that failed."""
    return [line for line in server.log_lines() if line["event"] == "reload-failed"]


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_tree_changes_nothing(lasting: tuple[Server, Path], how: str) -> None:
    """The old tree goes on serving; readiness, log and metrics say that and why; mending helps."""
    server, tree = lasting
    failed = 'policyd_reloads_total{result="failed"}'
    before = server.ready().json(), len(failures(server)), metric(server, failed)
    BROKEN[how](tree)
    server.signal(signal.SIGHUP)
    state = until(server, lambda state: "failed_reload" in state)
    assert (state["ready"], state["snapshot"]) == (True, before[0]["snapshot"])
    assert "policyd lint" in state["failed_reload"] or str(tree) in state["failed_reload"]
    assert server.check(ALLOWED, server.pep("sales")).json() == {"decision": True}
    told = failures(server)[before[1] :]
    assert [(line["level"], line["code"]) for line in told] == [("error", "policy-invalid")]
    assert told[0]["findings"]
    assert metric(server, failed) == before[2] + 1
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(POLICIES, tree)
    server.signal(signal.SIGHUP)
    until(server, lambda state: "failed_reload" not in state)
    assert [change["reason"] for change in server.home.records("policy_change")] == ["start"]


def test_a_finding_is_told_with_its_place(lasting: tuple[Server, Path]) -> None:
    """The log names file, line and column of what is wrong."""
    server, tree = lasting
    BROKEN["an unknown key"](tree)
    server.signal(signal.SIGHUP)
    until(server, lambda state: "failed_reload" in state)
    told = failures(server)[-1]["findings"]
    assert any(each.startswith("guardrails/promotions.yaml:2:1: ") for each in told)


def test_reloads_under_load(start: "Start", tree: Path) -> None:
    """While trees change, every check is answered, each by one snapshot, the one in force."""
    server = start(tree)
    key, opened = server.pep("sales"), server.ready().json()["snapshot"]
    done, answers = threading.Event(), []

    def ask() -> None:
        with Connection(server.port) as line:
            while not done.is_set():
                answers.append(line.send("POST", EVALUATION, encode(ALLOWED), JSON | bearer(key)))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for change in (close_crm, open_crm) * 3:
        change(tree)
        reload(server)
    done.set()
    for asker in askers:
        asker.join()
    assert {answer.status for answer in answers} == {200}
    answered = {answer.headers["x-decision-id"]: answer.json()["decision"] for answer in answers}
    in_force, seen = "", set()
    for record in server.home.records():
        in_force = record["snapshot"] if record["kind"] == "policy_change" else in_force
        if record["kind"] == "decision":
            assert record["snapshot"] == in_force
            assert (record["decision"] == "allow") == (in_force == opened) == answered[record["id"]]
            seen.add(record["id"])
    assert seen == set(answered)
    assert set(answered.values()) == {True, False}
