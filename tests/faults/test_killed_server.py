"""A real server killed with SIGKILL while it answers, time and again on the same data folder."""

import http.client
import threading
from collections.abc import Sequence
from contextlib import suppress
from hashlib import shake_128
from pathlib import Path

import pytest

from tests.api.calls import ALLOWED, DENIED, TOKENISED
from tests.servers import EVALUATION, JSON, Connection, Home, Server, bearer, encode

PATIENCE_S = 60  # a bound for what hangs
KILLS = 20
ASKERS = 8
SEED = 20260301
MOST_ANSWERS = 150  # at which a server is killed, at the latest
CALLS = [encode(call) for call in (ALLOWED, TOKENISED, DENIED)]

Answered = dict[str, str]
"""Decision ids, and what was decided, as the askers were told."""


class Load:
    """Askers who ask on until their server is gone, and what they were told.

    Attributes:
        answered: What they were told.
        others: Every answer that was no decision.
    """

    def __init__(self, server: Server, key: str) -> None:
        """Begin to ask."""
        self.answered: Answered = {}
        self.others: list[int] = []
        self._told = threading.Semaphore(0)
        self._askers = [
            threading.Thread(target=self._ask, args=(server.port, key, CALLS[at % len(CALLS)]))
            for at in range(ASKERS)
        ]
        for asker in self._askers:
            asker.start()

    def await_answers(self, count: int) -> None:
        """Wait until so many answers have come."""
        for _ in range(count):
            assert self._told.acquire(timeout=PATIENCE_S)

    def join(self) -> None:
        """Wait until all askers have noticed that nobody answers any more."""
        for asker in self._askers:
            asker.join()

    def _ask(self, port: int, key: str, body: bytes) -> None:
        with suppress(OSError, http.client.HTTPException), Connection(port) as line:
            while True:
                answer = line.send("POST", EVALUATION, body, JSON | bearer(key))
                if answer.status == 200:
                    decision = "allow" if answer.json()["decision"] else "deny"
                    self.answered[answer.headers["x-decision-id"]] = decision
                else:
                    self.others.append(answer.status)
                self._told.release()


def kill_under_load(home: Home, key: str, after: int, *, with_writer: bool) -> Answered:
    """What one server has answered when it is killed, after so many answers."""
    server = Server(home)
    load = Load(server, key)
    load.await_answers(after)
    server.kill(with_writer=with_writer)
    load.join()
    assert load.others == []
    return load.answered


def check_log(home: Home, answered: Answered) -> None:
    """See that the log verifies, and has every answer as it was given."""
    verdict = home.verify()
    assert verdict.returncode == 0, verdict.stdout
    recorded = {record["id"]: record["decision"] for record in home.records("decision")}
    missing = {decision_id for decision_id in answered if decision_id not in recorded}
    assert not missing
    assert all(recorded[decision_id] == decision for decision_id, decision in answered.items())


def moments(seed: int) -> Sequence[int]:
    """After how many answers each server is killed; the first before it has given any."""
    drawn = shake_128(str(seed).encode()).digest(KILLS - 1)
    return [0, *(1 + each * MOST_ANSWERS // 256 for each in drawn)]


@pytest.mark.slow
def test_a_killed_server_loses_no_answer(tmp_path: Path) -> None:
    """After each of twenty kills the log verifies, and has every decision that was answered."""
    home = Home.make(tmp_path / "data")
    with Server(home) as server:
        key = server.pep("sales")
    answered: Answered = {}
    for number, after in enumerate(moments(SEED)):
        # Every other time the writer is left to commit what the server had sent.
        answered |= kill_under_load(home, key, after, with_writer=number % 2 == 0)
        check_log(home, answered)
    assert len(answered) >= sum(moments(SEED))
    with Server(home) as server:  # and the log goes on where it was
        assert server.check(ALLOWED, key).json() == {"decision": True}
    check_log(home, answered)
    assert len(home.records("policy_change")) >= KILLS + 2
