"""`policyd keys`: what it asks the server for, and what it shows of the answer."""

from typing import Any

from tests.cli.program import KEY, Program, Stub

SECRET = "pd_bbbbbbbb_" + "B" * 43
FLOWS: dict[str, Any] = {
    "id": "bbbbbbbb",
    "holder": "Sales flows [bold]",
    "kind": "service",
    "owner": "sales-it",
    "roles": ["builder", "pep"],
    "units": ["sales"],
    "integrations": ["hr/pay-run"],
    "supported_obligations": ["mask"],
    "created_at": "2026-03-01T12:00:00Z",
    "revoked_at": None,
}
REVOKED = FLOWS | {"id": "cccccccc", "revoked_at": "2026-04-01T12:00:00Z"}


def test_new_key_is_asked_for_and_shown_once(policyd: Program, stub: Stub) -> None:
    """Each option becomes its member; stdout is the secret alone, ready for a pipe."""
    stub.gives(201, {"key": SECRET} | FLOWS)
    ended = policyd(
        *("keys", "create", "Sales flows", "--service", "--owner", "sales-it"),
        *("--role", "pep", "--role", "builder", "--unit", "sales"),
        *("--integration", "hr/pay-run", "--can", "mask,tokenise", "--url", stub.url),
        POLICYD_KEY=KEY,
    )

    assert (ended.code, ended.out) == (0, f"{SECRET}\n")
    assert "bbbbbbbb" in ended.err
    assert SECRET not in ended.err
    assert stub.asked == [
        (
            "POST",
            "/v1/keys",
            {
                "holder": "Sales flows",
                "kind": "service",
                "owner": "sales-it",
                "roles": ["pep", "builder"],
                "units": ["sales"],
                "integrations": ["hr/pay-run"],
                "supported_obligations": ["mask", "tokenise"],
            },
        )
    ]


def test_names_the_policy_does_not_have_are_noted(policyd: Program, stub: Stub) -> None:
    """The key is made and shown alone; each unknown name is a line beside it."""
    stub.gives(201, {"key": SECRET, "unknown": ["unit sale"]} | FLOWS)
    asked = ("keys", "create", "Ida", "--role", "builder", "--unit", "sale", "--url", stub.url)
    ended = policyd(*asked, POLICYD_KEY=KEY)
    assert (ended.code, ended.out) == (0, f"{SECRET}\n")
    assert "the policy in force has no unit sale" in ended.err


def test_person_is_the_default_holder(policyd: Program, stub: Stub) -> None:
    """Without --service the key is a person's; with --json stdout is what the server said."""
    stub.gives(201, {"key": SECRET} | FLOWS)
    ended = policyd(
        *("keys", "create", "Ida", "--role", "auditor", "--json", "--url", stub.url),
        POLICYD_KEY=KEY,
    )

    assert ended.json() == {"key": SECRET} | FLOWS
    assert (stub.asked[0][2]["kind"], stub.asked[0][2]["owner"]) == ("person", None)


def test_list_shows_what_matters_of_each_key(policyd: Program, stub: Stub) -> None:
    """Each key is one line, however long, with its id, its holder as written, and its state."""
    long = FLOWS | {"units": [f"unit-number-{n}" for n in range(20)]}
    stub.gives(200, {"keys": [long, REVOKED]})

    ended = policyd("keys", "list", "--url", stub.url, POLICYD_KEY=KEY)

    head, first, second = ended.out.splitlines()
    assert head.split()[:2] == ["ID", "HOLDER"]
    for part in ("bbbbbbbb", "Sales flows [bold]", "sales-it", "unit-number-19", "live"):
        assert part in first
    assert "revoked 2026-04-01T12:00:00Z" in second
    assert stub.asked == [("GET", "/v1/keys", None)]


def test_programs_get_the_whole_list(policyd: Program, stub: Stub) -> None:
    """With --json stdout is the server's list."""
    stub.gives(200, {"keys": [FLOWS, REVOKED]})

    ended = policyd("keys", "list", "--json", "--url", stub.url, POLICYD_KEY=KEY)

    assert ended.json() == {"keys": [FLOWS, REVOKED]}


def test_key_is_revoked_by_its_id(policyd: Program, stub: Stub) -> None:
    """The id goes into the path as one part of it, whatever it holds."""
    stub.gives(200, REVOKED)

    ended = policyd("keys", "revoke", "../x?y", "--url", stub.url, POLICYD_KEY=KEY)

    assert ended.code == 0
    assert "revoked 2026-04-01T12:00:00Z" in ended.out
    assert stub.asked == [("DELETE", "/v1/keys/..%2Fx%3Fy", None)]


def test_unknown_key_is_told(policyd: Program, stub: Stub) -> None:
    """A key that is not there ends with 2 and the server's words."""
    stub.gives(404, {"code": "not-found", "detail": "there is no key `x`; see `policyd keys list`"})

    ended = policyd("keys", "revoke", "x", "--url", stub.url, POLICYD_KEY=KEY)

    assert (ended.code, ended.out) == (2, "")
    assert "there is no key `x`" in ended.err


def test_answer_of_another_version_is_told(policyd: Program, stub: Stub) -> None:
    """An answer without what is needed ends with 3 and no half-made output."""
    stub.gives(200, {"other": 1})

    for command in (["list"], ["revoke", "x"], ["create", "Ida", "--role", "auditor"]):
        ended = policyd("keys", *command, "--url", stub.url, POLICYD_KEY=KEY)

        assert (ended.code, ended.out) == (3, "")
        assert "[answer-unreadable]" in ended.err
        assert "Traceback" not in ended.err
