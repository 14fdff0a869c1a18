"""`policyd explain`: the same question as `policyd check`, told check by check."""

from tests.cli.program import KEY, POLICIES, Program, Stub

CALL = [
    *("explain", "sales/customers-to-crm", "send", "payroll/payslips"),
    *("--to", "https://files.example/drop", "--method", "POST"),
]


def test_told_from_files(policyd: Program) -> None:
    """A dry run names each check, rule, place, owner and fix, and says that it is no answer."""
    told = policyd(*CALL, "--policies", POLICIES)

    assert told.code == 0
    assert told.out.startswith("WOULD DENY  sales/customers-to-crm send payroll/payslips")
    for part in (
        "dry run, not recorded, not an authorisation",
        "rule: guardrail:payroll-stays-home  guardrails/access.yaml:",
        "owner payroll-office",
        "fix: Send hris/headcount",
        "nearly: guardrail:pay-run",
        "who: the policy has payroll-link; the call has",
        "all fields: restricted health payment personal: never by zone:open/health",
    ):
        assert part in told.out


def test_everything_that_can_be_said(policyd: Program) -> None:
    """Modes with their end, limits, duties and exemptions stand in the terminal too."""
    call = ["explain", "sales/campaign-mailer", "send", "crm/contacts", "--to", "newsletter/api"]
    told = policyd(*call, "--fields", "email", "--method", "POST", "--policies", POLICIES)

    for part in (
        "let pass",
        "(warn until 2030-04-01 00:00)",
        "0 of 20,000 rows used per day and integration, this adds unsaid",
        "log-outcome 15m: not declared by the caller",
        "EX-2026-012 lifts guardrail:people-leaving-per-day, in force until",
        "lifted by exemption EX-2026-012",
    ):
        assert part in told.out


def test_json_has_no_decision(policyd: Program) -> None:
    """A program that looks for a decision finds none."""
    told = policyd(*CALL, "--policies", POLICIES, "--json").json()

    assert "decision" not in told
    assert (told["dry_run"], told["would"]) == (True, "deny")


def test_asked_of_the_server(policyd: Program, stub: Stub) -> None:
    """The question goes to /v1/explain; what comes back and is none of ours is told as that."""
    local = policyd(*CALL, "--policies", POLICIES, "--json").json()
    stub.gives(200, {name: each for name, each in local.items() if name not in ("dry_run", "note")})

    told = policyd(*CALL, POLICYD_URL=stub.url, POLICYD_KEY=KEY)
    stub.gives(200, {"would": "allow"})
    odd = policyd(*CALL, POLICYD_URL=stub.url, POLICYD_KEY=KEY)

    (method, path, asked) = stub.asked[0]
    assert (method, path) == ("POST", "/v1/explain")
    assert "policyd" not in asked["context"]
    assert told.code == 0
    assert "the question is recorded; nothing was decided" in told.out
    assert odd.code == 3
    assert "[answer-unreadable]" in odd.err
