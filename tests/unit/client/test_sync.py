"""The client against a server that answers as it is told."""

import logging
import socket
from contextlib import closing
from typing import Any

import pytest

from policyd.client import Denied, NotFulfilled, Policyd, Unavailable
from tests.unit.client.stub import Reply, Stub, allowing, duty, running

SECRET = b"0123456789abcdef"
CALL: Any = {"subject": "sales/sync", "action": "send", "data": "erp/customers"}
PLACE: Any = {"to": "crm/api", "path": "contacts", "method": "POST"}
CRM = "https://crm.example/v3/contacts"


def client(stub: Stub, **options: Any) -> Policyd:  # noqa: ANN401 - options of the client
    """A client of *stub* that can do everything."""
    chosen: dict[str, Any] = {"tokenise_with": SECRET, "timeout": 10.0} | options
    return Policyd(stub.url, "pd_key", **chosen)


def test_the_question_says_all() -> None:
    """Every part of the call is in the request, with what the client can do and wants to see."""
    with running(allowing()) as stub:
        parts: Any = {"fields": ["no"], "rows": 0, "bytes": 9, "sources": ["a/b"]}
        more: Any = {"labels": ["secret"], "on_behalf_of": [("user", "ida")], "purpose": "p1"}
        with client(stub).allow(**CALL, **PLACE, **parts, **more, traceparent="t"):
            pass
        (asked,) = stub.checks()
    assert asked.headers["authorization"] == "Bearer pd_key"
    assert asked.body == {
        "subject": {"type": "integration", "id": "sales/sync"},
        "action": {
            "name": "send",
            "properties": {"rows": 0, "bytes": 9, "processing_activity_id": "p1"},
        },
        "resource": {
            "type": "dataset",
            "id": "erp/customers",
            "properties": {"fields": ["no"], "labels": ["secret"]},
        },
        "context": {
            "endpoint": "crm/api",
            "path": "contacts",
            "method": "POST",
            "sources": ["a/b"],
            "on_behalf_of": [{"type": "user", "id": "ida"}],
            "traceparent": "t",
            "policyd": {"include": ["reasons", "destination", "valid-until"]},
            "supported_obligations": [
                "drop-fields",
                "mask",
                "row-limit",
                "log-outcome",
                "tokenise",
            ],
        },
    }


def test_tokens_are_declared_only_with_a_secret() -> None:
    """Without a secret the client does not say that it can tokenise."""
    with running(allowing()) as stub, client(stub, tokenise_with=None).allow(**CALL):
        assert "tokenise" not in stub.checks()[0].body["context"]["supported_obligations"]


def test_a_deny_is_raised_with_all_its_reasons() -> None:
    """`Denied` has the first reason's parts, all reasons, and the message names each."""
    reasons = [
        {"code": "a-code", "message": "a thing", "fix": "mend it", "contact": "ida"},
        {"code": "b-code", "message": "b thing", "fix": "", "contact": ""},
    ]
    deny = Reply(200, {"decision": False, "context": {"reasons": reasons}}, {"X-Decision-ID": "d"})
    with running(deny) as stub:
        with pytest.raises(Denied) as caught, client(stub).allow(**CALL):
            pytest.fail("a denied block ran")
        assert stub.outcomes() == []
    told = caught.value
    assert (told.code, told.message, told.fix, told.contact) == (
        *("a-code", "a thing", "mend it", "ida"),
    )
    assert (told.decision_id, len(told.reasons)) == ("d", 2)
    assert str(told) == (
        "denied (decision d):\n- a-code: a thing; fix: mend it; ask ida\n- b-code: b thing"
    )


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(200, {"decision": False}), "denied"),
        (Reply(200, {"decision": "true"}), "denied"),
        (Reply(200, {"decision": 1}), "denied"),
        (Reply(200, {}), "denied"),
        (Reply(200, [True]), "answer-malformed"),
        (Reply(200, b"<html>"), "answer-malformed"),
        (Reply(200, b""), "answer-malformed"),
        (Reply(200, {"decision": True, "context": "x"}), "answer-malformed"),
        (allowing(obligations=[duty("watermark")]), "obligation-unknown"),
        (allowing(obligations=None), "obligation-unknown"),
        (Reply(401, {"code": "unauthenticated", "detail": "no"}), "unauthenticated"),
        (Reply(403, {"code": "key-out-of-scope", "detail": "no"}), "key-out-of-scope"),
        (Reply(302, b"", {"Location": "/elsewhere"}), "request-refused"),
        (Reply(404, b"nothing"), "request-refused"),
        (Reply(500, {"detail": "oops"}), "policyd-unavailable"),
        (Reply(503, {"detail": "disk"}), "policyd-unavailable"),
        (Reply(429, b""), "policyd-unavailable"),
        (Reply(200, None), "policyd-unavailable"),
    ],
)
def test_only_a_plain_allow_lets_the_block_run(reply: Reply, code: str) -> None:
    """Whatever is no allow that the client understands is `Denied`, and is asked for once."""
    with running(reply) as stub:
        with pytest.raises(Denied) as caught, client(stub).allow(**CALL):
            pytest.fail("a denied block ran")
        assert caught.value.code == code
        assert len(stub.checks()) == 1


def test_a_server_that_never_answers_denies() -> None:
    """Silence ends at the timeout and is a denial; the request is not sent again."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        asking = Policyd(f"http://127.0.0.1:{silent.getsockname()[1]}", "k", timeout=0.2)
        with pytest.raises(Unavailable, match="no answer within"), asking.allow(**CALL):
            pytest.fail("a denied block ran")


def _nobody() -> str:
    """The URL of a port on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_server_that_is_not_there_denies() -> None:
    """Without a server nothing runs."""
    with (
        pytest.raises(Unavailable, match="cannot be reached"),
        Policyd(_nobody(), "k").allow(**CALL),
    ):
        pytest.fail("a denied block ran")


def test_running_unasked_is_a_written_choice(caplog: pytest.LogCaptureFixture) -> None:
    """Who chose `allow` runs without an answer; the grant and the log say so."""
    asking = Policyd(_nobody(), "k", on_unavailable="allow")
    with caplog.at_level(logging.WARNING), asking.allow(**CALL) as grant:
        grant.check_url(CRM)
        assert (len(grant.unasked), grant.decision_id) == (2, None)
    assert "sales/sync runs without a decision" in caplog.text


def test_a_server_that_is_back_is_told() -> None:
    """What ran without a decision is told at the end of the block."""
    with running(Reply(503, {})) as stub:
        with client(stub, on_unavailable="allow").allow(**CALL) as grant:
            grant.apply([{"no": 1}])
        assert stub.outcomes() == [{"status": "ok", "rows": 1, "unasked": CALL}]


@pytest.mark.parametrize("reply", [Reply(401, {}), Reply(200, {}), Reply(200, b"<html>")])
def test_the_choice_is_not_about_refusals(reply: Reply) -> None:
    """Who runs without a server does not run against its word."""
    with running(reply) as stub:
        asking = client(stub, on_unavailable="allow")
        with pytest.raises(Denied), asking.allow(**CALL):
            pytest.fail("a denied block ran")


def test_a_busy_server_is_asked_again_with_the_same_id() -> None:
    """503 with Retry-After is tried again after that time, as the same request."""
    with running(Reply(503, {}, {"Retry-After": "0"}), allowing()) as stub:
        with client(stub).allow(**CALL):
            pass
        first, second = stub.checks()
    assert first.body == second.body
    assert first.headers["x-request-id"] == second.headers["x-request-id"]


def test_a_server_that_stays_busy_denies() -> None:
    """It is asked three times at most, and never beyond the timeout."""
    for wait, asked in (("0", 3), ("3600", 1)):
        with running(Reply(503, {"detail": "full"}, {"Retry-After": wait})) as stub:
            with pytest.raises(Unavailable, match="full"), client(stub).allow(**CALL):
                pytest.fail("a denied block ran")
            assert len(stub.checks()) == asked


def test_each_call_has_its_own_request_id() -> None:
    """Two calls are two requests."""
    with running(allowing()) as stub:
        for _ in range(2):
            with client(stub).allow(**CALL):
                pass
        ids = {each.headers["x-request-id"] for each in stub.checks()}
    assert len(ids) == 2


def test_a_good_end_is_reported() -> None:
    """The outcome has the decision, the rows that went on, and what the caller adds."""
    with running(allowing()) as stub:
        with client(stub).allow(**CALL) as grant:
            assert grant.apply([{"no": 1}, {"no": 2}]) == [{"no": 1}, {"no": 2}]
            grant.bytes = 77
        assert stub.outcomes() == [{"decision_id": "d1", "status": "ok", "rows": 2, "bytes": 77}]


def test_a_failure_is_reported_and_passed_on() -> None:
    """The caller's own error comes out as it was; of it only the kind is told."""
    with running(allowing()) as stub:
        with pytest.raises(KeyError, match="secret"), client(stub).allow(**CALL):
            raise KeyError("secret")
        assert stub.outcomes() == [{"decision_id": "d1", "status": "failed", "error": "KeyError"}]


@pytest.mark.parametrize("outcome", [Reply(500, {}), Reply(404, {}), Reply(200, None)])
def test_a_report_that_fails_is_only_logged(
    outcome: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a good end nor the caller's error is replaced by a failure to report."""
    with running(allowing(), outcome=outcome) as stub:
        with client(stub).allow(**CALL):
            pass
        with pytest.raises(KeyError), client(stub).allow(**CALL):
            raise KeyError
    assert "outcome of d1 not reported" in caplog.text


def test_a_report_that_is_owed_must_succeed() -> None:
    """`log-outcome` is fulfilled only by a report that the server took."""
    owing = allowing(obligations=[duty("log-outcome", within="15m")])
    with running(owing, outcome=Reply(500, {})) as stub:
        with pytest.raises(NotFulfilled) as caught, client(stub).allow(**CALL):
            pass
        assert caught.value.code == "outcome-not-reported"
    reported = Reply(409, {"code": "outcome-already-reported", "detail": "before"})
    with running(owing, outcome=reported) as stub, client(stub).allow(**CALL):
        pass


MASKING = allowing(obligations=[duty("mask", fields=["name"])], destination=CRM)


def test_rows_are_treated() -> None:
    """What `apply` returns has the obligations applied."""
    with running(MASKING) as stub, client(stub).allow(**CALL, fields=["name"]) as grant:
        assert grant.apply([{"name": "Ada"}]) == [{"name": "***"}]
        assert not grant.must_apply


def test_a_block_that_ignores_obligations_fails() -> None:
    """Leaving without `apply` is an error and is reported as one."""
    with running(MASKING) as stub:
        with pytest.raises(NotFulfilled) as caught, client(stub).allow(**CALL):
            pass
        assert caught.value.code == "obligations-not-applied"
        (outcome,) = stub.outcomes()
    assert outcome["status"] == "failed"
    assert outcome["error"] == "obligations-not-applied"


def test_nothing_leaves_before_obligations_are_applied() -> None:
    """A request with data that was not treated is stopped, not just told of afterwards."""
    with running(MASKING) as stub, client(stub).allow(**CALL, method="POST") as grant:
        with pytest.raises(Denied) as caught:
            grant.check_url(CRM)
        assert caught.value.code == "obligations-not-applied"
        grant.apply([])
        grant.check_url(CRM)


def test_a_read_is_treated_after_its_request() -> None:
    """What is read can be treated only once it is there."""
    reading = CALL | {"action": "read"}
    with running(MASKING) as stub, client(stub).allow(**reading, method="GET") as grant:
        grant.check_url(CRM)
        assert grant.apply([{"name": "Ada"}]) == [{"name": "***"}]


def test_the_decided_place_needs_no_other_question() -> None:
    """The canonical destination of the answer is covered, whatever the query."""
    with running(allowing(destination=CRM)) as stub, client(stub).allow(**CALL, **PLACE) as grant:
        grant.check_url(f"{CRM}?page=2#x", "POST")
        grant.check_url("https://CRM.example:443/v3/contacts")
        assert len(stub.checks()) == 1


@pytest.mark.parametrize(
    ("url", "method"),
    [
        ("https://other.example/v3/contacts", "POST"),
        ("https://crm.example/v3/contacts/7", "POST"),
        (CRM, "DELETE"),
        ("https://crm.example/v3/../x", "POST"),
    ],
)
def test_another_place_is_asked_about(url: str, method: str) -> None:
    """Another host, path or method is another question, with the same data and no query."""
    deny = Reply(200, {"decision": False}, {"X-Decision-ID": "d2"})
    with running(allowing(destination=CRM), deny) as stub:
        asking = client(stub).allow(**CALL, **PLACE, fields=["no"], rows=3)
        with asking as grant, pytest.raises(Denied) as caught:
            grant.check_url(f"{url}?key=1", method)
        first, second = stub.checks()
    assert caught.value.decision_id == "d2"
    context = first.body["context"] | {"endpoint": url, "method": method}
    del context["path"]
    assert second.body == first.body | {"context": context}


def test_another_place_that_is_allowed_is_covered_too() -> None:
    """It is asked about once, and each decision has its outcome."""
    other = "https://other.example/x"
    yes = Reply(200, {"decision": True, "context": {"destination": other}}, {"X-Decision-ID": "d2"})
    with running(allowing(destination=CRM), yes) as stub:
        with client(stub).allow(**CALL, **PLACE) as grant:
            grant.check_url(other)
            grant.check_url(other)
        assert len(stub.checks()) == 2
        assert [each["decision_id"] for each in stub.outcomes()] == ["d1", "d2"]


def test_another_place_may_not_bring_other_duties() -> None:
    """Rows that were treated for one place do not go where another treatment is due."""
    with running(allowing(destination=CRM), MASKING) as stub:
        asking = client(stub).allow(**CALL, **PLACE)
        with asking as grant, pytest.raises(Denied) as caught:
            grant.check_url("https://other.example/")
    assert caught.value.code == "obligations-differ"


def test_an_old_answer_covers_nothing() -> None:
    """Once the answer's time is over, the same place is asked about again."""
    old = allowing(destination=CRM, valid_until="2026-01-01T00:00:00Z")
    old = old._replace(headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "X-Decision-ID": "d1"})
    with running(old) as stub, client(stub).allow(**CALL, **PLACE) as grant:
        grant.check_url(CRM)
        assert len(stub.checks()) >= 2


def test_credentials_in_a_url_go_nowhere() -> None:
    """Not even into a question."""
    with running(allowing()) as stub, client(stub).allow(**CALL) as grant:
        with pytest.raises(Denied) as caught:
            grant.check_url("https://ida:secret@crm.example/")
        assert len(stub.checks()) == 1
    assert caught.value.code == "endpoint-unreadable"


def test_a_grant_ends_with_its_block() -> None:
    """Afterwards it lets nothing through."""
    with running(allowing(destination=CRM)) as stub:
        with client(stub).allow(**CALL, **PLACE) as grant:
            pass
        for late in (lambda: grant.check_url(CRM), lambda: grant.apply([])):
            with pytest.raises(Denied) as caught:
                late()
            assert caught.value.code == "grant-closed"


def test_a_roll_out_is_told() -> None:
    """A call that only a roll-out lets pass knows it, and what will be demanded."""
    soft = allowing(would="deny", advice=[duty("mask", fields=["name"])])
    with running(soft) as stub, client(stub).allow(**CALL) as grant:
        assert grant.would_deny
        assert grant.advice == (duty("mask", fields=["name"]),)


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("http://policyd.example", {}, "use https"),
        ("policyd.example", {}, "no URL"),
        ("ftp://127.0.0.1", {}, "no URL"),
        ("https://policyd.example", {"tokenise_with": b"short"}, "16 bytes"),
        ("https://policyd.example", {"tokenise_with": "0123456789abcdef"}, "no text"),
        ("https://policyd.example", {"on_unavailable": "maybe"}, "`deny` or `allow`"),
    ],
)
def test_a_client_that_cannot_be_safe_is_not_made(
    url: str, options: dict[str, Any], why: str
) -> None:
    """A key never travels in the clear, a guessable token is never made."""
    with pytest.raises(ValueError, match=why):
        Policyd(url, "k", **options)
