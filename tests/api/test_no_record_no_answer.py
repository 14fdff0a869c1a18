"""No durable record, no answer: a real server whose log can take no more, or not yet."""

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.api.calls import ALLOWED, DENIED
from tests.api.test_health import metric
from tests.servers import EVALUATION, JSON, Connection, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer, Home, Server

ASKERS = 4
PATIENCE_S = 60  # a bound for what hangs


def fill_disk(server: "Server") -> None:
    """Have the writer's files grow no more, as on a full disk."""
    longest = (server.home.data / "ledger.db-wal").stat().st_size
    resource.prlimit(server.writer(), resource.RLIMIT_FSIZE, (longest, longest))


def kill_writer(server: "Server") -> None:
    """End the writer as the system does when memory runs out."""
    os.kill(server.writer(), signal.SIGKILL)


def ask_until_refused(server: "Server", key: str, begun: threading.Semaphore) -> "list[Answer]":
    """The answers of one asker, the last of which is the first that is no 200."""
    answers: list[Answer] = []
    with Connection(server.port) as line:
        while not answers or answers[-1].status == 200:
            answers.append(line.send("POST", EVALUATION, encode(ALLOWED), JSON | bearer(key)))
            begun.release()
    return answers


def answered_while(
    server: "Server", key: str, trouble: Callable[["Server"], None]
) -> "list[Answer]":
    """All answers of several askers who ask on until *trouble*, begun meanwhile, ends it."""
    begun = threading.Semaphore(0)
    with ThreadPoolExecutor(ASKERS) as askers:
        asked = [askers.submit(ask_until_refused, server, key, begun) for _ in range(ASKERS)]
        for _ in range(100):
            assert begun.acquire(timeout=PATIENCE_S)
        trouble(server)
        return [answer for each in asked for answer in each.result()]


TROUBLES = {"full disk": (fill_disk, "disk"), "killed writer": (kill_writer, "writer")}


@pytest.mark.parametrize("what", TROUBLES)
def test_a_log_that_takes_no_more(start: "Start", home: "Home", what: str) -> None:
    """Under load: what was answered is in the log, and from then on there are no answers."""
    trouble, said = TROUBLES[what]
    server = start()
    key = server.pep("sales")
    answers = answered_while(server, key, trouble)
    answers += [server.check(call, key) for call in (ALLOWED, DENIED)]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(refused) == ASKERS + 2
    for answer in refused:
        assert (answer.status, answer.code) == (503, "audit-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert said in answer.json()["detail"]
        assert "x-decision-id" not in answer.headers
        assert "decision" not in answer.json()
    server.stop()
    durable = {record["id"]: record["decision"] for record in home.records("decision")}
    for answer in answers:
        if answer.status == 200:
            assert answer.json() == {"decision": True}
            assert durable[answer.headers["x-decision-id"]] == "allow"
    assert home.verify().returncode == 0


@pytest.mark.parametrize("what", TROUBLES)
def test_a_server_without_a_log_says_so(start: "Start", home: "Home", what: str) -> None:
    """It lives but is not ready, does nothing that has to be recorded; a restart mends it."""
    trouble, said = TROUBLES[what]
    server = start()
    key = server.pep("sales")
    server.check(ALLOWED, key)
    trouble(server)
    assert server.check(ALLOWED, key).code == "audit-unavailable"
    admin = home.admin
    wish = encode({"holder": "late", "roles": ["auditor"]})
    for answer in (
        server.get("/v1/audit/records", admin),
        server.get("/v1/audit/records/x", admin),
        server.send("POST", "/v1/keys", wish, JSON | bearer(admin)),
        server.send("DELETE", f"/v1/keys/{key.split('_')[1]}", headers=bearer(admin)),
    ):
        assert (answer.status, answer.code) == (503, "audit-unavailable")
        assert "retry-after" in answer.headers
    state = server.ready()
    assert (state.status, state.json()["ready"]) == (503, False)
    (problem,) = state.json()["problems"]
    assert problem["code"] == "audit-unavailable"
    assert said in problem["detail"]
    assert server.get("/health/ready").json()["problems"] == [{"code": "audit-unavailable"}]
    assert server.get("/health/live").status == 200
    assert metric(server, "policyd_ready") == 0.0
    keys = server.get("/v1/keys", admin).json()["keys"]
    assert "late" not in {each["holder"] for each in keys}
    assert all(each["revoked_at"] is None for each in keys)
    server.stop()
    again = start()
    assert again.check(ALLOWED, key).json() == {"decision": True}
    assert again.ready().status == 200
    assert home.verify().returncode == 0


def test_bad_requests_without_a_log(start: "Start", home: "Home") -> None:
    """A bad request is refused as ever by a server whose log is gone; nothing is decided."""
    server = start()
    key = server.pep("sales")
    kill_writer(server)
    assert server.check({}, key).status == 400
    assert server.check(ALLOWED, "pd_aaaaaaaa_x").status == 401
    assert server.check(ALLOWED, key).status == 503
    assert server.stop() == 0
    assert home.records("decision") == []


@contextmanager
def paused(process: int) -> Iterator[None]:
    """A block in which a process stands still."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def await_queue(server: "Server") -> None:
    """Wait until a record waits for its commit."""
    deadline = time.monotonic() + PATIENCE_S
    while metric(server, "policyd_queue_depth") == 0:
        assert time.monotonic() < deadline


def test_a_log_that_is_slow(start: "Start", home: "Home") -> None:
    """While the commit is under way the answer waits; a full queue is 503; then all is well."""
    server = start(POLICYD_QUEUE_RECORDS="1")
    key = server.pep("sales")
    with ThreadPoolExecutor(1) as asker:
        with paused(server.writer()):
            first = asker.submit(server.check, ALLOWED, key)
            await_queue(server)
            second = server.check(ALLOWED, key)
            assert (second.status, second.code) == (503, "audit-unavailable")
            assert "no room" in second.json()["detail"]
            assert "retry-after" in second.headers
            assert server.ready().status == 200
            assert not first.done()
            assert home.records("decision") == []
        answer = first.result()
    assert answer.json() == {"decision": True}
    assert [each["id"] for each in home.records("decision")] == [answer.headers["x-decision-id"]]
    assert server.check(ALLOWED, key).json() == {"decision": True}


def test_a_disk_that_hangs(start: "Start", home: "Home") -> None:
    """Nobody waits for ever: there is no answer, and the call is on record once the disk is back.

    Reporting, limits and the log go on as if the answer had been lost on its way.
    """
    server = start(POLICYD_LEDGER_SECONDS="0.2")
    key = server.pep("sales")
    with paused(server.writer()):
        waited = server.check(ALLOWED, key)
        refused = server.check(ALLOWED, key)
        for answer in (waited, refused):
            assert (answer.status, answer.code) == (503, "audit-unavailable")
            assert "not answered for 0.2 s" in answer.json()["detail"]
            assert "retry-after" in answer.headers
            assert "x-decision-id" not in answer.headers
        state = server.ready()
        assert (state.status, state.json()["ready"]) == (503, False)
    deadline = time.monotonic() + PATIENCE_S
    while server.ready().status != 200:
        assert time.monotonic() < deadline
    assert server.check(ALLOWED, key).json() == {"decision": True}
    assert [each["decision"] for each in home.records("decision")] == ["allow", "allow"]
    assert home.verify().returncode == 0


def test_a_client_that_does_not_wait(start: "Start", home: "Home") -> None:
    """A client that leaves before its answer leaves a record: the call was decided."""
    server = start()
    key, body = server.pep("sales"), encode(ALLOWED)
    head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with paused(server.writer()):
        server.leave(head.encode() + body)
        await_queue(server)
    assert server.check(ALLOWED, key).status == 200
    assert [each["decision"] for each in home.records("decision")] == ["allow", "allow"]
