"""Outcomes over HTTP: who may say what became of a call, and how often."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.calls import ALLOWED, DENIED
from tests.servers import JSON, Answer, Server, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Home

OUTCOMES = "/v1/outcomes"


def report(server: Server, key: str, decision_id: str, **said: object) -> Answer:
    """The answer to a report."""
    body = {"decision_id": decision_id, "status": "ok"} | said
    return server.send("POST", OUTCOMES, encode(body), JSON | bearer(key))


def decided(server: Server, key: str, call: Any = ALLOWED) -> str:  # noqa: ANN401 - JSON
    """The id of a new decision."""
    return server.check(call, key).headers["x-decision-id"]


def test_an_outcome_is_on_record_before_its_answer(server: Server, pep: str) -> None:
    """The record has what was said, of which decision, and by which key; the log holds."""
    decision_id = decided(server, pep)
    said: Any = {"status": "failed", "rows": 3, "bytes": 0, "error": "Timeout"}
    answer = report(server, pep, decision_id, **said)
    assert answer.status == 201
    assert answer.json()["status"] == "failed"
    records = server.home.records()
    (record,) = [each for each in records if each["id"] == answer.json()["id"]]
    assert record["kind"] == "outcome"
    assert {name: record[name] for name in said} == said
    assert records[record["index"]]["id"] == record["decision"] == decision_id
    assert record["caller"] == records[record["index"]]["caller"]
    assert server.home.verify().returncode == 0


def test_an_outcome_is_said_once(server: Server, pep: str) -> None:
    """The second report is refused, whatever it says."""
    decision_id = decided(server, pep)
    assert report(server, pep, decision_id).status == 201
    again = report(server, pep, decision_id, status="failed")
    assert (again.status, again.code) == (409, "outcome-already-reported")


def test_only_who_got_the_decision_may_report(server: Server, pep: str) -> None:
    """To another key, admin or not, the decision does not exist."""
    decision_id = decided(server, pep)
    for other in (server.pep("sales"), server.home.admin):
        answer = report(server, other, decision_id)
        assert (answer.status, answer.code) == (404, "not-found")
    assert report(server, pep, decision_id).status == 201


def test_only_decisions_have_outcomes(server: Server, pep: str) -> None:
    """No other record, and nothing that is no record."""
    outcome = report(server, pep, decided(server, pep)).json()["id"]
    for unknown in (outcome, "01890a5d-ac96-774b-bcce-b302099a8057", "x", ""):
        answer = report(server, pep, unknown)
        assert (answer.status, answer.code) == (404, "not-found")


def test_running_despite_a_deny_is_recorded_and_counted(server: Server, pep: str) -> None:
    """What runs although it was denied is on record as that, and an operator sees it."""
    decision_id = decided(server, pep, DENIED)
    answer = report(server, pep, decision_id)
    assert (answer.status, answer.json()["status"]) == (201, "ran-despite-deny")
    metrics = server.get("/metrics", server.home.admin).body.decode()
    assert 'policyd_outcomes_total{status="ran-despite-deny"} 1.0' in metrics


def test_an_item_of_a_batch_has_its_own_outcome(server: Server, pep: str) -> None:
    """Items are named `id/index`; the batch as a whole has none."""
    batch = {"evaluations": [ALLOWED, DENIED]}
    path = "/access/v1/evaluations"
    sent = server.send("POST", path, encode(batch), JSON | bearer(pep))
    batch_id = sent.headers["x-decision-id"]
    assert report(server, pep, f"{batch_id}/0").json()["status"] == "ok"
    assert report(server, pep, f"{batch_id}/1").json()["status"] == "ran-despite-deny"
    assert report(server, pep, f"{batch_id}/1").status == 409
    assert report(server, pep, batch_id).status == 404


@pytest.mark.parametrize(
    "said",
    [
        {"status": "maybe"},
        {"status": None},
        {"rows": -1},
        {"rows": "3"},
        {"rows": 3.5},
        {"rows": 2.0**53},
        {"rows": True},
        {"rows": 2**53},
        {"bytes": 1.5},
        {"error": "x" * 161},
        {"error": "a\nb"},
        {"decision_id": "x" * 65},
        {"decision_id": 7},
        {"decided": True},
        {"decision_id": None},
        {"unasked": {"subject": "sales/x", "action": "read", "data": "a/b"}},
    ],
    ids=repr,
)
def test_a_report_that_says_something_else_is_refused(
    server: Server, pep: str, said: dict[str, Any]
) -> None:
    """What is not understood is refused whole, and may be said again rightly."""
    decision_id = decided(server, pep)
    body = {"decision_id": decision_id, "status": "ok"} | said
    answer = server.send("POST", OUTCOMES, encode(body), JSON | bearer(pep))
    assert (answer.status, answer.code) == (400, "request-malformed")
    assert report(server, pep, decision_id).status == 201


UNASKED = {"subject": "sales/customers-to-crm", "action": "send", "data": "erp/customers"}


def test_running_unasked_is_recorded_and_counted(server: Server, pep: str) -> None:
    """What ran while there was no answer is on record afterwards, and an operator sees it."""
    body = {"unasked": UNASKED, "status": "ok", "rows": 4.0}
    answer = server.send("POST", OUTCOMES, encode(body), JSON | bearer(pep))
    assert (answer.status, answer.json()["status"]) == (201, "ran-unasked")
    records = {each["id"]: each for each in server.home.records("outcome")}
    record = records[answer.json()["id"]]
    assert record["call"] == {
        "subject": "sales/customers-to-crm",
        "action": "send",
        "dataset": "erp/customers",
    }
    assert (record["rows"], "decision" in record) == (4, False)
    metrics = server.get("/metrics", server.home.admin).body.decode()
    assert 'policyd_outcomes_total{status="ran-unasked"} 1.0' in metrics


def test_a_key_tells_of_its_own_integrations(server: Server) -> None:
    """Nobody puts a call of somebody else on record."""
    body = {"unasked": UNASKED, "status": "ok"}
    for other in (server.pep("hr"), server.home.admin):
        answer = server.send("POST", OUTCOMES, encode(body), JSON | bearer(other))
        assert (answer.status, answer.code) == (403, "key-out-of-scope")


def test_without_a_key_nothing_is_said(server: Server) -> None:
    """A report needs a key."""
    answer = server.send("POST", OUTCOMES, encode({"decision_id": "x", "status": "ok"}), JSON)
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_once_outlives_the_server(home: "Home", start: "Start") -> None:
    """After a restart it is still known what was reported, and what was not."""
    first = start()
    key = first.pep("sales")
    told, untold = decided(first, key), decided(first, key)
    assert report(first, key, told).status == 201
    unasked = {"unasked": UNASKED, "status": "ok"}
    assert first.send("POST", OUTCOMES, encode(unasked), JSON | bearer(key)).status == 201
    first.stop()
    second = start()
    assert report(second, key, told).code == "outcome-already-reported"
    assert report(second, key, untold).status == 201
    assert len(home.records("outcome")) == 3
