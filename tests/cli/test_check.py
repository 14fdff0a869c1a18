"""`policyd check`: the question it asks, the answer it shows, and what it never claims."""

from typing import Any

import pytest

from tests.cli.program import KEY, POLICIES, Program, Stub

CALL = ["check", "sales/sales-cube", "read", "erp/sales-orders", "--to", "erp/odata"]
ALLOWED: dict[str, Any] = {
    "decision": True,
    "context": {
        "obligations": [
            {"id": "mask", "type": "mask", "properties": {"fields": ["email", "phone"]}}
        ],
        "valid_until": "2026-03-01T12:01:00Z",
    },
}
DENIED: dict[str, Any] = {
    "decision": False,
    "context": {
        "reasons": [
            {
                "code": "outside-ceiling",
                "message": "no guardrail lets it",
                "fix": "ask for a line",
                "contact": "it@example",
            }
        ],
        "more_reasons": 2,
    },
}


def test_whole_call_is_asked(policyd: Program, stub: Stub) -> None:
    """Each option becomes its member of the AuthZEN request, and the key comes from POLICYD_KEY."""
    stub.gives(200, ALLOWED)
    options = ["--fields", "email,name", "--labels", "personal", "--path", "/a", "--rows", "0"]
    policyd(
        *CALL, *options, "--method", "GET", "--can", "mask", POLICYD_URL=stub.url, POLICYD_KEY=KEY
    )

    ((method, path, asked),) = stub.asked
    assert (method, path) == ("POST", "/access/v1/evaluation")
    assert stub.keys == [f"Bearer {KEY}"]
    assert asked == {
        "subject": {"type": "integration", "id": "sales/sales-cube"},
        "action": {"name": "read", "properties": {"rows": 0}},
        "resource": {
            "type": "dataset",
            "id": "erp/sales-orders",
            "properties": {"fields": ["email", "name"], "labels": ["personal"]},
        },
        "context": {
            "endpoint": "erp/odata",
            "path": "/a",
            "method": "GET",
            "supported_obligations": ["mask"],
            "policyd": {"include": ["reasons", "valid-until"]},
        },
    }


def test_what_was_not_said_is_not_sent(policyd: Program, stub: Stub) -> None:
    """A part that was not given is absent, not empty: it could otherwise mean something else."""
    stub.gives(200, ALLOWED)
    policyd("check", "a/b", "read", "c/d", "--url", stub.url, POLICYD_KEY=KEY)

    assert stub.asked[0][2] == {
        "subject": {"type": "integration", "id": "a/b"},
        "action": {"name": "read"},
        "resource": {"type": "dataset", "id": "c/d"},
        "context": {"policyd": {"include": ["reasons", "valid-until"]}},
    }


def test_allow_shows_its_duties(policyd: Program, stub: Stub) -> None:
    """An allow ends with 0 and shows what must be done, until when it holds, and its record."""
    stub.gives(200, ALLOWED, X_Decision_ID="0199d0c5")

    ended = policyd(*CALL, "--url", stub.url, POLICYD_KEY=KEY)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("ALLOW  sales/sales-cube read erp/sales-orders")
    for part in ("mask (fields: email, phone)", "2026-03-01T12:01:00Z", "0199d0c5"):
        assert part in ended.out


def test_deny_shows_every_way_out(policyd: Program, stub: Stub) -> None:
    """A deny ends with 1 and shows each reason with its code, its fix and whom to ask."""
    stub.gives(200, DENIED, X_Decision_ID="0199d0c5")

    ended = policyd(*CALL, "--url", stub.url, POLICYD_KEY=KEY)

    assert ended.code == 1
    assert ended.out.startswith("DENY")
    parts = ("outside-ceiling", "no guardrail lets it", "ask for a line", "it@example", "2 more")
    for part in (*parts, "0199d0c5"):
        assert part in ended.out


@pytest.mark.parametrize(("body", "code"), [(ALLOWED, 0), (DENIED, 1)], ids=["allow", "deny"])
def test_programs_get_the_answer(
    policyd: Program, stub: Stub, body: dict[str, Any], code: int
) -> None:
    """With --json stdout is the answer and the id of its record; the exit code is the same."""
    stub.gives(200, body, X_Decision_ID="0199d0c5")

    ended = policyd(*CALL, "--json", "--url", stub.url, POLICYD_KEY=KEY)

    assert ended.code == code
    assert ended.json() == body | {"decision_id": "0199d0c5"}


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        (401, {"code": "unauthenticated", "detail": "the key is unknown"}, 2, "POLICYD_KEY"),
        (403, {"code": "key-out-of-scope", "detail": "not for `x`"}, 2, "not for `x`"),
        (400, {"code": "call-malformed", "detail": "`action`: wrong"}, 2, "[call-malformed]"),
        (503, {"code": "audit-unavailable", "detail": "disk full"}, 3, "nothing was decided"),
        (500, {"code": "internal-error", "detail": "a fault"}, 3, "[internal-error]"),
        (502, b"<html>bad gateway</html>", 3, "[not-policyd]"),
        (404, {"error": "no such page"}, 3, "[not-policyd]"),
        (302, b"", 3, "[not-policyd]"),
        (200, b"", 3, "[not-policyd]"),
        (200, b"\xff", 3, "[not-policyd]"),
        (200, [True], 3, "[not-policyd]"),
        (200, {}, 3, "[answer-unreadable]"),
        (200, {"decision": "true"}, 3, "[answer-unreadable]"),
        (200, ALLOWED, 3, "recorded"),
        (200, {"decision": 1}, 3, "[answer-unreadable]"),
    ],
    ids=ascii,
)
def test_no_decision_is_never_an_allow(
    policyd: Program, stub: Stub, *, status: int, body: object, code: int, told: str
) -> None:
    """Whatever is no decision ends with 2 or 3, is told with its code, and allows nothing."""
    stub.gives(status, body)

    ended = policyd(*CALL, "--json", "--url", stub.url, POLICYD_KEY=KEY)

    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("policyd: ")
    assert told in ended.err
    assert KEY not in ended.err
    assert "Traceback" not in ended.err


def test_no_server_is_told(policyd: Program) -> None:
    """Without a server the answer is 3 and the command that starts one."""
    ended = policyd(*CALL, "--url", "http://127.0.0.1:1", POLICYD_KEY=KEY)

    assert (ended.code, ended.out) == (3, "")
    assert "[server-unreachable]" in ended.err
    assert "is the server running? `policyd serve" in ended.err


@pytest.mark.parametrize(
    ("url", "key", "code"),
    [
        ("http://127.0.0.1:1", "", "key-missing"),
        ("http://127.0.0.1:1", "pd_schlüssel", "key-invalid"),
        ("http://127.0.0.1:1", "pd_a\nX-Admin: 1", "key-invalid"),
        ("127.0.0.1:8321", KEY, "url-invalid"),
        ("ftp://127.0.0.1", KEY, "url-invalid"),
        ("http://", KEY, "url-invalid"),
        ("http://me:pw@127.0.0.1", KEY, "url-invalid"),
        ("http://127.0.0.1:99999", KEY, "url-invalid"),
        ("http://[::1", KEY, "url-invalid"),
        ("http://policyd.example", KEY, "url-unencrypted"),
    ],
)
def test_nothing_is_sent_with_a_bad_key_or_url(
    policyd: Program, url: str, key: str, code: str
) -> None:
    """A key that is none, or that would travel in the open, ends the command before it asks."""
    ended = policyd(*CALL, "--url", url, POLICYD_KEY=key)

    assert (ended.code, ended.out) == (2, "")
    assert f"[{code}]" in ended.err


def test_answer_cannot_command_the_terminal(policyd: Program, stub: Stub) -> None:
    """Control characters in an answer are not passed on, in words or as JSON."""
    reason = DENIED["context"]["reasons"][0] | {"message": "a\x1b[2Jb\u202ec"}
    body = {"decision": False, "context": {"reasons": [reason]}}
    stub.gives(200, body, X_Decision_ID="0199d0c5")

    for as_json in ([], ["--json"]):
        ended = policyd(*CALL, *as_json, "--url", stub.url, POLICYD_KEY=KEY)
        assert ended.code == 1
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out


def test_dry_run_is_no_decision(policyd: Program) -> None:
    """By local files the answer says that it is none, in words and in what programs read."""
    ended = policyd(*CALL, "--policies", POLICIES)
    told = policyd(*CALL, "--policies", POLICIES, "--json").json()

    assert "dry run, not recorded, not an authorisation" in ended.out
    assert ended.out.startswith("WOULD ")
    assert told["dry_run"] is True
    assert "decision" not in told
    assert told["would"] in {"allow", "deny"}
    assert told["snapshot"].startswith("sha256:")


def test_dry_run_tells_both_answers_by_its_exit_code(policyd: Program) -> None:
    """A dry run ends with 0 where the call would be allowed and with 1 where it would not."""
    allowed = policyd(
        *("check", "sales/customers-to-crm", "read", "crm/contacts", "--to", "crm/api"),
        *("--method", "GET", "--fields", "name,email"),
        *("--can", "mask,tokenise,drop-fields", "--policies", POLICIES, "--json"),
    )
    denied = policyd("check", "no/body", "read", "crm/contacts", "--policies", POLICIES, "--json")

    assert (allowed.code, allowed.json()["would"]) == (0, "allow")
    assert (denied.code, denied.json()["would"]) == (1, "deny")
    assert denied.json()["context"]["reasons"][0]["code"] == "integration-unregistered"


def test_dry_run_on_broken_files_decides_nothing(policyd: Program) -> None:
    """Files with findings give no answer: the findings are told, and the exit code is 2."""
    (policyd.folder / "mine").mkdir()

    ended = policyd(*CALL, "--policies", "mine")

    assert (ended.code, ended.out) == (2, "")
    assert "mine/policyd.yaml" in ended.err
    assert "[policy-invalid]" in ended.err


def test_dry_run_refuses_what_the_server_would(policyd: Program) -> None:
    """A call that the server could not judge is no deny in a dry run either."""
    ended = policyd("check", "a/b\x07", "read", "c/d", "--policies", POLICIES)

    assert (ended.code, ended.out) == (2, "")
    assert "[call-malformed]" in ended.err
