"""`POST /v1/explain`: for whom, on what record, and that it can never pass for a check."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.api.calls import ALLOWED, DENIED, call
from tests.api.conftest import Start
from tests.servers import JSON, POLICIES, Answer, Server, bearer, encode

EXPLAIN = "/v1/explain"


def explain(server: Server, asked: object, key: str) -> Answer:
    """The answer to a call that is to be explained."""
    return server.send("POST", EXPLAIN, encode(asked), JSON | bearer(key))


def test_every_check_with_its_rule_place_and_owner(server: Server) -> None:
    """A builder sees what stands in the way, where that is written, and what nearly covers it."""
    key = server.make_key("builder", units=["sales"])["key"]

    told = explain(server, DENIED, key).json()

    assert told["would"] == "deny"
    checks = {each["name"]: each for each in told["checks"]}
    assert [name for name, each in checks.items() if each["outcome"] == "failed"] == [
        *("forbid", "ceiling", "template", "destination", "label-flow", "unit"),
    ]
    (ground,) = checks["forbid"]["grounds"]
    assert ground["ref"] == "guardrail:payroll-stays-home"
    assert ground["owner"] == "payroll-office"
    assert ground["place"]["file"] == "guardrails/access.yaml"
    (near,) = checks["ceiling"]["near"]
    assert [each["word"] for each in near["misses"]] == ["who", "to"]
    assert checks["destination"]["reasons"][0]["fix"]


def test_places_lead_to_the_policy_files(server: Server) -> None:
    """File and line of every ground are those of the tree: the name stands there."""
    key = server.make_key("author")["key"]
    read = explain(server, ALLOWED, key).json()

    grounds = [ground for check in read["checks"] for ground in check["grounds"]]
    assert {each["ref"].partition(":")[0] for each in grounds} >= {
        *("guardrail", "unit", "destination", "zone", "integration"),
    }
    for ground in grounds:
        place = ground["place"]
        name = ground["ref"].rpartition(":")[2].rpartition("/")[2]
        text = (POLICIES / place["file"]).read_text().splitlines()[place["line"] - 1]
        assert text.lstrip().startswith(name), (ground["ref"], text)


@pytest.mark.parametrize("role", ["author", "auditor", "admin"])
def test_who_watches_may_ask_about_anyone(server: Server, role: str) -> None:
    """Authors, auditors and admins are bound to no unit."""
    assert explain(server, ALLOWED, server.make_key(role)["key"]).status == 200


def test_who_may_not_ask(server: Server, pep: str) -> None:
    """A PEP's key does not explain, a builder's only its own unit's calls; neither is recorded."""
    other = server.make_key("builder", units=["hr"])["key"]
    before = len(server.home.records("query"))

    assert explain(server, ALLOWED, pep).code == "forbidden"
    assert explain(server, ALLOWED, other).code == "key-out-of-scope"
    assert server.send("POST", EXPLAIN, encode(ALLOWED), JSON).code == "unauthenticated"
    assert len(server.home.records("query")) == before


@pytest.mark.parametrize("asked", [ALLOWED, DENIED], ids=["allowed", "denied"])
def test_it_never_passes_for_a_check(start: Start, asked: dict[str, Any]) -> None:
    """No `decision`, no X-Decision-ID, no decision on record; the question is on record."""
    server = start()
    key = server.make_key("builder", "pep", units=["sales"])

    answer = explain(server, asked, key["key"])

    assert answer.status == 200
    assert "decision" not in answer.json()
    assert "x-decision-id" not in answer.headers
    assert server.home.records("decision") == []
    (query,) = server.home.records("query")
    assert query["caller"]["key"] == key["id"]
    assert query["text"].startswith("explain subject:sales/customers-to-crm action:send data:")
    assert query["rows"] == 0


MAILING = call(
    *("sales/campaign-mailer", "send", "crm/contacts", "email"),
    endpoint="newsletter/api",
    method="POST",
    supported_obligations=["log-outcome"],
)


def test_limits_are_shown_and_not_counted(start: Start, tmp_path: Path) -> None:
    """An explanation shows what checks have used of a limit, and uses nothing itself."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    rules = policies / "units/sales/access.yaml"
    # No hour of the day decides this test.
    rules.write_text(rules.read_text("utf-8").replace("during: [night]", "during: [change-freeze]"))
    server = start(policies)
    key = server.make_key("builder", "pep", units=["sales"])["key"]
    asked = MAILING | {"action": {"name": "send", "properties": {"rows": 300}}}

    def used() -> int:
        (limit,) = explain(server, asked, key).json()["limits"]
        assert limit["ground"]["ref"] == "guardrail:people-leaving-per-day"
        assert limit["adds"] == 300
        found: int = limit["used"]
        return found

    assert [used(), used()] == [0, 0]
    assert server.check(asked, key).json()["decision"]
    assert used() == 300


BAD = [
    (b"", "request-malformed"),
    (b"[]", "request-malformed"),
    (b"{}", "call-malformed"),
    (b'{"a": 1, "a": 2}', "call-malformed"),
    (b'{"a": ' * 40 + b"1" + b"}" * 40, "call-too-deep"),
    (encode(call("sales/x", "send", "y" * 5000)), "call-too-large"),
    (encode(call("sales/x\x00", "send", "y")), "call-malformed"),
]


@pytest.mark.parametrize(
    ("body", "code"), BAD, ids=[f"{n} {code}" for n, (_, code) in enumerate(BAD)]
)
def test_bad_input(server: Server, body: bytes, code: str) -> None:
    """What a check refuses, an explanation refuses."""
    key = server.make_key("admin")["key"]

    answer = server.send("POST", EXPLAIN, body, JSON | bearer(key))

    assert (answer.status, answer.code) == (400, code)


def test_query_strings_reach_neither_answer_nor_record(start: Start) -> None:
    """A URL's query may be a secret."""
    server = start()
    asked = call("sales/x", "send", "crm/contacts", endpoint="https://a.example/?key=s3cret")

    answer = explain(server, asked, server.make_key("admin")["key"])

    assert b"s3cret" not in answer.body
    assert "s3cret" not in str(server.home.records())
