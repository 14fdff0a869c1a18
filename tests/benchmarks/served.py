"""A server under measurement, and policyd as one; its peers are in `peers`."""

import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from tests.benchmarks import company_files
from tests.benchmarks.calls import call
from tests.benchmarks.company import Check, Company
from tests.benchmarks.processes import Process, free_port
from tests.servers import EVALUATION, EVALUATIONS, JSON, Connection, Home, bearer, encode

KEYS = 8
_PATIENCE_S = 300


class Served(ABC):
    """A running server with the company's rules.

    Attributes:
        name: As tables have it.
        path: Of one check.
        keys: With which it is asked, in turn.
        process: Of the server.
    """

    name: str
    path: str
    keys: tuple[str, ...] = ()
    process: Process

    @property
    def url(self) -> str:
        """Of one check."""
        return f"http://127.0.0.1:{self.process.port}{self.path}"

    @abstractmethod
    def body(self, check: Check, number: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """What it is asked."""

    @abstractmethod
    def is_allow(self, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
        """What its answer to one check means."""

    def ask(self, line: Connection, check: Check, number: int) -> bool:
        """Its answer to one check.

        Raises:
            AssertionError: it has none.
        """
        headers = JSON | (bearer(self.keys[number % len(self.keys)]) if self.keys else {})
        answer = line.send("POST", self.path, encode(self.body(check, number)), headers)
        assert answer.status == 200, f"{self.name} has no answer: {answer}"
        return self.is_allow(answer.json())

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()


class PolicydServer(Served):
    """policyd: real keys, a real ledger on this disk."""

    name = "policyd"
    path = EVALUATION
    batch_path = EVALUATIONS

    def __init__(self, company: Company, scratch: Path, home: Home | None = None) -> None:
        """Start one in folder mode, on a data folder that is there or a new one, and make keys."""
        self.policies = scratch / "policies"
        if not self.policies.exists():
            company_files.write(company, self.policies)
        self.home = home or Home.make(scratch / "data")
        port = free_port()
        command = [sys.executable, "-m", "policyd", "serve", "--port", str(port)]
        where = ["--data", self.home.data, "--policies", self.policies]
        self.process = Process([*command, *where], port, scratch / "policyd.log", _PATIENCE_S)
        units = list(company.units)
        self.keys = tuple(self._make_key(f"pep {number}", "pep", units) for number in range(KEYS))

    def make_reader(self) -> str:
        """A key that may read the log."""
        return self._make_key("auditor", "auditor", [])

    def _make_key(self, holder: str, role: str, units: list[str]) -> str:
        asked = {"holder": holder, "roles": [role], "units": units}
        with Connection(self.process.port) as line:
            made = line.send("POST", "/v1/keys", encode(asked), JSON | bearer(self.home.admin))
        assert made.status == 201, made
        key: str = made.json()["key"]
        return key

    def body(self, check: Check, number: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """An AuthZEN request."""
        return call(check, number)

    def is_allow(self, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
        """The decision."""
        return bool(answer["decision"])

    def snapshot(self) -> str:
        """The digest of the policy in force."""
        with Connection(self.process.port) as line:
            said = line.send("GET", "/health/ready", headers=bearer(self.home.admin))
        digest: str = json.loads(said.body)["snapshot"]
        return digest
