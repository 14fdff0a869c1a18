"""The AuthZEN certification scenario's fixture, as a policy folder, asked over HTTP.

A user of the scenario is an integration of the unit `lab` here, a record a dataset of the system
`records`, and every call names the endpoint it contacts, as policyd demands. Its core decisions
hold then. Those that rest on what a caller says of itself or of the data (properties `role`,
`status` and `soft`) hold where a rule can say the same by name; a caller's word never grants.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import (
    EVALUATION,
    EVALUATIONS,
    JSON,
    REPOSITORY,
    Answer,
    Home,
    Server,
    bearer,
    encode,
)

SCENARIO = REPOSITORY / "tests" / "cases" / "authzen"
METHODS = {"read": "GET", "write": "PUT", "delete": "DELETE"}
Asked = dict[str, Any]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the scenario."""
    home = Home.make(tmp_path_factory.mktemp("scenario") / "data")
    with Server(home, SCENARIO) as running:
        yield running


@pytest.fixture(scope="module")
def key(scenario: Server) -> str:
    """A key that asks for both users."""
    return scenario.pep("lab")


def asked(user: str, action: str, record: str, **more: object) -> Asked:
    """The scenario's request in the words of policyd."""
    where = {"endpoint": "records/api", "path": record, "method": METHODS[action]}
    return {
        "subject": {"type": "integration", "id": f"lab/{user}"},
        "action": {"name": action},
        "resource": {"type": "dataset", "id": f"records/{record}"},
        "context": where | more,
    }


def send(server: Server, key: str, path: str, body: Asked) -> Answer:
    """The answer to *body*."""
    return server.send("POST", path, encode(body), JSON | bearer(key))


DECISIONS = [
    ("alice", "read", "record-1", True),
    ("alice", "write", "record-1", True),
    ("bob", "read", "record-1", True),
    ("bob", "write", "record-1", False),
    ("alice", "write", "record-2", False),
    ("bob", "write", "record-2", True),
    ("alice", "delete", "record-1", True),
]


@pytest.mark.parametrize(("user", "action", "record", "decision"), DECISIONS)
def test_decisions_of_the_scenario(
    scenario: Server, key: str, user: str, action: str, record: str, decision: bool
) -> None:
    """Each decision that can be told by names is as the scenario wants it."""
    answer = send(scenario, key, EVALUATION, asked(user, action, record))
    assert (answer.status, answer.json()) == (200, {"decision": decision})


def test_context_of_the_scenario_changes_nothing(scenario: Server, key: str) -> None:
    """Its optional context, additional properties and unknown members are taken and ignored."""
    body = asked("alice", "read", "record-1", time="2025-06-27T18:03-07:00", ip="192.168.1.1")
    body["subject"] |= {"properties": {"department": "Sales", "role": "manager"}}
    body["action"] |= {"properties": {"method": "GET"}}
    body["resource"] |= {"properties": {"status": "active", "owner": "bob"}}
    body |= {"foo": "bar", "futureField": {"nested": True}}
    assert send(scenario, key, EVALUATION, body).json() == {"decision": True}


def test_a_role_that_is_only_claimed(scenario: Server, key: str) -> None:
    """A caller that claims to be an admin gets no more than before: here the scenario differs."""
    body = asked("alice", "write", "record-2")
    body["subject"] |= {"properties": {"role": "admin"}}
    assert send(scenario, key, EVALUATION, body).json() == {"decision": False}


def test_the_scenario_in_one_batch(scenario: Server, key: str) -> None:
    """The same decisions come in a batch, in order."""
    items = [asked(user, action, record) for user, action, record, _ in DECISIONS]
    answer = send(scenario, key, EVALUATIONS, {"evaluations": items}).json()
    expected = [{"decision": decision} for *_, decision in DECISIONS]
    assert answer == {"evaluations": expected}


def test_names_of_the_scenario_as_they_are(scenario: Server) -> None:
    """A `user` is nobody here: an unbound name is refused, whatever its type."""
    body = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "record-1"},
    }
    answer = send(scenario, scenario.pep("lab"), EVALUATION, body)
    assert (answer.status, answer.code) == (403, "key-out-of-scope")
