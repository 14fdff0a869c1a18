"""Checks over HTTP, of the sample company: what is answered."""

from typing import TYPE_CHECKING

import pytest

from tests.api.calls import ALLOWED, DENIED, TOKENISED, Call, call, including
from tests.servers import EVALUATION, JSON, bearer, encode

if TYPE_CHECKING:
    from tests.servers import Server

TOKENISE_IBAN = {"id": "tokenise", "type": "tokenise", "properties": {"fields": ["iban"]}}
OF_ITS_OWN_CALL = {"code", "message", "fix", "contact"}


def test_an_allow_is_the_bare_decision(server: "Server", pep: str) -> None:
    """An allow without obligations is 200 with `decision: true` and nothing else."""
    answer = server.check(ALLOWED, pep)
    assert (answer.status, answer.json()) == (200, {"decision": True})
    assert answer.headers["content-type"] == "application/json"


def test_an_allow_carries_its_obligations(server: "Server", pep: str) -> None:
    """An obligation is in the answer although nobody asked to see more."""
    answer = server.check(TOKENISED, pep)
    obligations = {"obligations": [TOKENISE_IBAN]}
    assert (answer.status, answer.json()) == (200, {"decision": True, "context": obligations})


def without_declaration(asked: Call) -> Call:
    """The same check of a PEP that does not say what it supports."""
    context = {name: value for name, value in asked["context"].items() if name != DECLARATION}
    return asked | {"context": context}


DECLARATION = "supported_obligations"


def test_a_key_declares_obligations_for_its_pep(server: "Server") -> None:
    """What the key declares counts for a request that declares nothing."""
    key = server.pep("sales", supported_obligations=["tokenise"])
    answer = server.check(without_declaration(TOKENISED), key)
    assert answer.json() == {"decision": True, "context": {"obligations": [TOKENISE_IBAN]}}


def test_a_request_declares_for_itself(server: "Server") -> None:
    """A request that declares none has none, whatever its key declares."""
    key = server.pep("sales", supported_obligations=["tokenise"])
    asked = TOKENISED | {"context": TOKENISED["context"] | {DECLARATION: []}}
    answer = server.check(including(asked, "reasons"), key).json()
    assert not answer["decision"]
    assert [reason["code"] for reason in answer["context"]["reasons"]] == ["obligation-unsupported"]


def test_an_obligation_that_nobody_declared_denies(server: "Server", pep: str) -> None:
    """An allow whose obligation the PEP cannot fulfil is a deny, and has no obligations."""
    answer = server.check(without_declaration(TOKENISED), pep)
    assert (answer.status, answer.json()) == (200, {"decision": False})


def test_a_deny_is_the_bare_decision(server: "Server", pep: str) -> None:
    """A deny is 200 with `decision: false`; HTTP errors never express a decision."""
    answer = server.check(DENIED, pep)
    assert (answer.status, answer.json()) == (200, {"decision": False})


def test_a_deny_tells_all_reasons(server: "Server", pep: str) -> None:
    """Every failing check is told at once, each with what to do and whom to ask."""
    answer = server.check(including(DENIED, "reasons"), pep).json()
    reasons = answer["context"]["reasons"]
    assert {reason["code"] for reason in reasons} == {
        "outside-ceiling",
        "outside-template",
        "unit-does-not-allow",
        "destination-not-allowlisted",
        "category-never-enters-zone",
        "guardrail-forbids",
    }
    assert all(set(reason) == OF_ITS_OWN_CALL for reason in reasons)
    assert all(reason[part] for reason in reasons for part in OF_ITS_OWN_CALL)


@pytest.mark.parametrize("role", ["author", "auditor", "admin"])
def test_rules_are_named_to_those_who_may_know(server: "Server", role: str) -> None:
    """With the role author, auditor or admin a reason also names its check, owner and rule."""
    key = server.pep("sales", roles=["pep", role])
    answer = server.check(including(DENIED, "reasons"), key).json()
    reasons = {reason["code"]: reason for reason in answer["context"]["reasons"]}
    assert reasons["guardrail-forbids"]["rule"].endswith("payroll-stays-home")
    assert reasons["guardrail-forbids"]["owner"] == "payroll-office"
    assert all({"check", "owner"} <= set(reason) for reason in reasons.values())


def test_an_allow_has_no_reasons_but_an_end(server: "Server", pep: str) -> None:
    """Who asks to see more of an allow gets an empty list, and until when the answer holds."""
    context = server.check(including(ALLOWED, "reasons", "valid-until"), pep).json()["context"]
    assert context["reasons"] == []
    assert context["valid_until"].endswith("Z")


def test_unknown_parts_are_left_out(server: "Server", pep: str) -> None:
    """Asking to see a part that does not exist changes nothing."""
    answer = server.check(including(ALLOWED, "everything", ""), pep)
    assert (answer.status, answer.json()) == (200, {"decision": True})


@pytest.mark.parametrize("asked", [ALLOWED, TOKENISED, including(DENIED, "reasons")])
def test_the_same_request_has_the_same_answer(server: "Server", pep: str, asked: Call) -> None:
    """Asking three times gives the same body, byte for byte, and three decision ids."""
    answers = [server.check(asked, pep) for _ in range(3)]
    assert len({answer.body for answer in answers}) == 1
    assert len({answer.headers["x-decision-id"] for answer in answers}) == 3


def test_a_call_without_context_is_judged(server: "Server", pep: str) -> None:
    """`context` is optional: a call without it is denied for what it lacks, not refused."""
    asked = {name: part for name, part in ALLOWED.items() if name != "context"}
    answer = server.check(asked, pep)
    assert (answer.status, answer.json()) == (200, {"decision": False})


GARNISHED = {
    "at the top": ALLOWED | {"reason": "please", "decision": True, "evaluations_semantic": "x"},
    "in the subject": ALLOWED | {"subject": ALLOWED["subject"] | {"properties": {"role": "root"}}},
    "in the action": ALLOWED | {"action": ALLOWED["action"] | {"soon": 1, "properties": {"x": 1}}},
    "in the resource": ALLOWED | {"resource": ALLOWED["resource"] | {"owner": {"id": 1}}},
    "in the context": ALLOWED | {"context": ALLOWED["context"] | {"time": "now", "mfa": True}},
}


@pytest.mark.parametrize("place", GARNISHED)
def test_unknown_members_change_nothing(server: "Server", pep: str, place: str) -> None:
    """Members that the standard or policyd does not know are ignored, wherever they are."""
    assert server.check(GARNISHED[place], pep).json() == {"decision": True}


OPENERS: list[Call] = [
    {"decision": True, "allow": True},
    {"subject": DENIED["subject"] | {"properties": {"roles": ["payroll-link"], "unit": "hr"}}},
    {"resource": DENIED["resource"] | {"properties": {"label": "public", "labels": ["public"]}}},
    {"context": DENIED["context"] | {"stage": "production", "zone": "core", "mode": "observe"}},
]


@pytest.mark.parametrize("more", OPENERS)
def test_nothing_in_a_body_opens_anything(server: "Server", pep: str, more: Call) -> None:
    """What a caller claims about itself, the data or the mode never turns a deny to an allow."""
    assert server.check(DENIED | more, pep).json() == {"decision": False}


@pytest.mark.parametrize(
    ("label", "code"),
    [("restricted", "label-exceeds-clearance"), ("health", "category-never-enters-zone")],
)
def test_properties_take_part(server: "Server", pep: str, label: str, code: str) -> None:
    """A label that the request asserts raises that of the data, and can close what was open."""
    about = {"fields": ["customer_no"], "labels": [label]}
    asked = ALLOWED | {"resource": ALLOWED["resource"] | {"properties": about}}
    answer = server.check(including(asked, "reasons"), pep).json()
    assert not answer["decision"]
    assert code in {reason["code"] for reason in answer["context"]["reasons"]}


def test_a_misspelt_member_opens_nothing(server: "Server", pep: str) -> None:
    """A call that misspells the endpoint lacks it, and is denied for that."""
    context = {"end_point" if name == "endpoint" else name: v for name, v in _CONTEXT.items()}
    answer = server.check(including(ALLOWED | {"context": context}, "reasons"), pep).json()
    assert "call-incomplete" in {reason["code"] for reason in answer["context"]["reasons"]}


_CONTEXT: dict[str, object] = ALLOWED["context"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;",
    ],
)
def test_json_is_taken_however_it_is_spelt(server: "Server", pep: str, content_type: str) -> None:
    """The content type counts without its parameters, in any case."""
    headers = bearer(pep) | {"Content-Type": content_type}
    assert server.send("POST", EVALUATION, encode(ALLOWED), headers).json() == {"decision": True}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_check_is_posted(server: "Server", pep: str, method: str) -> None:
    """Any other method gets 405 and is told the right one."""
    answer = server.send(method, EVALUATION, encode(ALLOWED), JSON | bearer(pep))
    assert (answer.status, answer.code) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_a_head_request_has_no_body(server: "Server", pep: str) -> None:
    """HEAD is refused like GET, without a body."""
    answer = server.send("HEAD", EVALUATION, headers=bearer(pep))
    assert (answer.status, answer.body) == (405, b"")


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("POST", JSON, encode(ALLOWED), 200),
        ("POST", JSON, encode(DENIED), 200),
        ("POST", JSON, b"{", 400),
        ("POST", {}, encode(ALLOWED), 400),
        ("POST", JSON | {"Authorization": "Bearer nobody"}, encode(ALLOWED), 401),
        ("POST", JSON, encode(ALLOWED | {"subject": {"type": "integration", "id": "x/y"}}), 403),
        ("GET", {}, None, 405),
        ("POST", JSON, b" " * (2 << 20), 413),
    ],
)
def test_the_request_id_comes_back(
    server: "Server", pep: str, method: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """A request's own id is in its answer, whatever the answer is."""
    sent = bearer(pep) | headers | {"X-Request-ID": "flow 7/run 12"}
    answer = server.send(method, EVALUATION, body, sent)
    assert (answer.status, answer.headers["x-request-id"]) == (status, "flow 7/run 12")


def test_no_request_id_is_made_up(server: "Server", pep: str) -> None:
    """A request without an id of its own gets none."""
    assert "x-request-id" not in server.check(ALLOWED, pep).headers


@pytest.mark.parametrize("sent", ["x" * 129, "a\tb", "b\xe4h"])
def test_a_request_id_that_cannot_be_recorded(server: "Server", pep: str, sent: str) -> None:
    """A request id beyond 128 printable ASCII characters is refused, and still comes back."""
    answer = server.check(ALLOWED, pep, X_Request_ID=sent)
    assert (answer.status, answer.code) == (400, "call-too-large")
    assert answer.headers["x-request-id"] == sent


def test_the_path_is_exact(server: "Server", pep: str) -> None:
    """Nothing beside the one path answers checks."""
    for path in (f"{EVALUATION}/", f"/{EVALUATION}", EVALUATION.upper(), f"{EVALUATION}x"):
        answer = server.send("POST", path, encode(ALLOWED), JSON | bearer(pep))
        assert (answer.status, answer.code) == (404, "not-found")
    assert "v1" in EVALUATION


def test_a_reader_is_no_asker(server: "Server") -> None:
    """A key without the role pep asks nothing, although it may read everything."""
    for role in ("auditor", "admin", "author"):
        answer = server.check(ALLOWED, server.make_key(role)["key"])
        assert (answer.status, answer.code) == (403, "forbidden")


FOREIGN = call("hr/pay-run", "read", "hris/headcount", endpoint="hris/api", method="GET")


@pytest.mark.parametrize(
    "bound",
    [
        {"units": ["sales"]},
        {"integrations": ["sales/customers-to-crm"]},
        {"integrations": ["hr/headcount-to-bi"]},
    ],
)
def test_a_key_speaks_only_for_its_own(server: "Server", bound: dict[str, object]) -> None:
    """A key bound to other units or integrations is refused, and the message names the subject."""
    answer = server.check(FOREIGN, server.make_key("pep", **bound)["key"])
    assert (answer.status, answer.code) == (403, "key-out-of-scope")
    assert "`hr/pay-run`" in answer.json()["detail"]


def test_a_key_may_be_bound_to_one_integration(server: "Server") -> None:
    """A key of one integration asks for that one."""
    key = server.make_key("pep", integrations=["sales/customers-to-crm"])["key"]
    assert server.check(ALLOWED, key).json() == {"decision": True}
