"""A server that decides by what was published, and the people who change that over HTTP."""

import time
from pathlib import Path
from typing import Any

from policyd.policy.whole import read_whole
from tests.servers import JSON, REPOSITORY, Answer, Home, Server, bearer, encode

SMALL = REPOSITORY / "tests/cases/policies/minimal"
"""A company so small that its changes are reviewed in a moment."""

PATH = "/v1/policies"
ACCESS = "units/hr/access.yaml"
CALL = {
    "subject": {"type": "integration", "id": "hr/sync"},
    "action": {"name": "read"},
    "resource": {"type": "dataset", "id": "books/staff"},
    "context": {"endpoint": "books/api", "method": "GET"},
}
CLOSED = "allow: {}\nforbid: {}\n"
"""Nothing is allowed any more: what the only integration of the company did is closed."""

_PATIENCE_S = 120.0  # a bound for what hangs
_POLL_S = 0.05

Files = dict[str, str]


def files_of(folder: Path = SMALL) -> Files:
    """The whole tree of a folder, as it is sent."""
    return {path: data.decode() for path, data in read_whole(folder).items()}


def edited(files: Files, path: str = ACCESS, text: str = CLOSED) -> Files:
    """The tree with one other file."""
    return files | {path: text}


def small_home(path: Path) -> Home:
    """A data folder in which the small company is published."""
    return Home.make(path, SMALL)


class Someone:
    """A person with a key to a server."""

    def __init__(self, server: Server, holder: str, *roles: str, **about: object) -> None:
        """Make a key for *holder*."""
        made = server.make_key(*roles, holder=holder, **about)
        self.server, self.key, self.key_id = server, made["key"], made["id"]

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """The answer to a request under `/v1/policies`."""
        sent = None if body is None else encode(body)
        return self.server.send(method, PATH + path, sent, JSON | bearer(self.key))

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON is any of its types
        """What is at a path."""
        return self.ask("GET", path).json()

    def in_force(self) -> str:
        """The digest that is in force."""
        snapshot: str = self.get("")["snapshot"]
        return snapshot

    def propose(self, files: Files, base: str | None = None, title: str = "a change") -> Answer:
        """The answer to a proposal."""
        asked = {"title": title, "reason": "because", "base": base or self.in_force()}
        return self.ask("POST", "/changes", asked | {"files": files})

    def reviewed(self, files: Files) -> dict[str, Any]:
        """A new change, once its review is there."""
        answer = self.propose(files)
        assert answer.status == 201, answer
        return self.wait(answer.json()["id"])

    def wait(self, change_id: str) -> dict[str, Any]:
        """The change, once it is not under review any more."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            change: dict[str, Any] = self.get(f"/changes/{change_id}")
            if change["progress"] is None:
                return change
            assert not change["progress"].startswith("failed"), change["progress"]
            assert time.monotonic() < deadline, change
            time.sleep(_POLL_S)

    def approve(self, change: dict[str, Any]) -> Answer:
        """The answer to a yes to what the review of *change* says."""
        asked = {"decision": change["decision"]}
        return self.ask("POST", f"/changes/{change['id']}/approvals", asked)

    def publish(self, change: dict[str, Any], **more: object) -> Answer:
        """The answer to the order to put it in force."""
        return self.ask("POST", f"/changes/{change['id']}/publication", more)

    def done(self, answer: Answer) -> dict[str, Any]:
        """The job that was begun, once it has ended."""
        assert answer.status == 202, answer
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            job: dict[str, Any] = self.get(f"/jobs/{answer.json()['id']}")
            if job["state"] != "running":
                return job
            assert time.monotonic() < deadline, job
            time.sleep(_POLL_S)

    def compare(self, base: str, head: str) -> dict[str, Any]:
        """What a comparison finds."""
        job = self.done(self.ask("POST", "/comparisons", {"base": base, "head": head}))
        found: dict[str, Any] = job["result"]
        return found

    def roll_back(self, to: str, decision: str | None = None) -> Answer:
        """The answer to the order to go back."""
        asked = {"to": to, "why": "it broke"} | ({"decision": decision} if decision else {})
        return self.ask("POST", "/rollbacks", asked)
