"""Servers that are killed with SIGKILL while they answer, and what they had answered."""

import http.client
import threading
from collections.abc import Sequence
from contextlib import suppress
from hashlib import shake_128

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


def missing(home: Home, answered: Answered) -> set[str]:
    """The answers that the log has not, or not as they were given.

    Raises:
        AssertionError: the log does not verify.
    """
    verdict = home.verify()
    assert verdict.returncode == 0, verdict.stdout
    recorded = {record["id"]: record["decision"] for record in home.records("decision")}
    return {each for each, decision in answered.items() if recorded.get(each) != decision}


def moments(seed: int) -> Sequence[int]:
    """After how many answers each server is killed; the first before it has given any."""
    drawn = shake_128(str(seed).encode()).digest(KILLS - 1)
    return [0, *(1 + each * MOST_ANSWERS // 256 for each in drawn)]
