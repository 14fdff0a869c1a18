"""An answer in words."""

from typing import Any

import pytest

from policyd.cli.answer import read_answer, show
from policyd.cli.server import Unanswered

REASON = {
    "code": "unit-forbids",
    "message": "the unit forbids it",
    "fix": "ask",
    "contact": "a@b.c",
}
ALLOW: dict[str, Any] = {
    "decision": True,
    "context": {
        "obligations": [{"id": "mask", "type": "mask", "properties": {"fields": ["iban", "name"]}}],
        "valid_until": "2026-03-27T12:01:00Z",
    },
}


def shown(capsys: pytest.CaptureFixture[str], body: dict[str, Any], **note: str) -> list[str]:
    """The lines that are printed for *body*."""
    show(read_answer(body), "hr/pay-run read payroll/payslips", **note)
    return capsys.readouterr().out.splitlines()


def test_an_allow_names_its_duties(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads an allow sees what it is tied to, and how long it holds."""
    assert shown(capsys, ALLOW) == [
        "ALLOW  hr/pay-run read payroll/payslips",
        "  you must mask (fields: iban, name)",
        "  valid until 2026-03-27T12:01:00Z",
    ]


def test_every_kind_of_duty_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Duties about fields, rows or time, and those still to come, are all put into words."""
    due = [
        {"id": "log-outcome", "type": "log-outcome", "properties": {"within": "15m"}},
        {"id": "row-limit", "type": "row-limit", "properties": {"rows": 50}},
    ]
    body = {"decision": True, "context": {"obligations": due, "advice": due[1:]}}
    assert shown(capsys, body)[1:] == [
        "  you must log-outcome (within: 15m)",
        "  you must row-limit (rows: 50)",
        "  you will have to row-limit (rows: 50)",
    ]


def test_an_allow_that_will_be_none_says_so_first(capsys: pytest.CaptureFixture[str]) -> None:
    """What only a roll-out lets pass is told before its duties and its reasons."""
    context = {"would": "deny", "obligations": [{"type": "mask"}], "reasons": [REASON]}
    assert shown(capsys, {"decision": True, "context": context})[1:4] == [
        "  let pass by a roll-out alone: it will be denied",
        "  you must mask",
        "  1. the unit forbids it [unit-forbids]",
    ]


def test_a_missing_approval_names_who_gives_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Where an approval alone is missing, the answer says whose."""
    context = {"reasons": [], "access_request": {"approvers": ["data-office", "ciso"]}}
    assert shown(capsys, {"decision": False, "context": context})[1:] == [
        "  only an approval is missing, of data-office, ciso"
    ]


def test_a_denial_names_every_obstacle_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads a denial sees each reason, what would help, and whom to ask."""
    second = REASON | {"code": "outside-ceiling", "rule": "guardrail:x", "owner": "it"}
    context = {"reasons": [REASON, second], "more_reasons": 3}
    assert shown(capsys, {"decision": False, "context": context}) == [
        "DENY  hr/pay-run read payroll/payslips",
        "  1. the unit forbids it [unit-forbids]",
        "     fix: ask",
        "     contact: a@b.c",
        "  2. the unit forbids it [outside-ceiling]",
        "     fix: ask",
        "     contact: a@b.c",
        "     rule: guardrail:x",
        "  and 3 more",
    ]


def test_a_fix_is_told_by_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """What a request lacks is called as it is written on the command line."""
    lacks = REASON | {
        "message": "the call does not say context.method",
        "fix": "declare it in context.supported_obligations or on the key",
    }
    assert shown(capsys, {"decision": False, "context": {"reasons": [lacks]}})[1:3] == [
        "  1. the call does not say --method [unit-forbids]",
        "     fix: declare it with --can or on the key",
    ]


def test_a_bare_answer_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer without a context, or with members that we do not know, can be shown."""
    assert shown(capsys, {"decision": False}) == ["DENY  hr/pay-run read payroll/payslips"]
    later = ALLOW | {"receipt": {}, "context": {"obligations": [{"type": "log-outcome"}], "x": 1}}
    assert shown(capsys, later)[1:] == ["  you must log-outcome"]


@pytest.mark.parametrize("decision", [True, False])
def test_what_is_no_answer_does_not_look_like_one(
    capsys: pytest.CaptureFixture[str], decision: bool
) -> None:
    """A dry run says "would" in its first line and its note in the next."""
    first, second, *_ = shown(capsys, ALLOW | {"decision": decision}, note="not an authorisation")
    assert first.startswith(f"WOULD {'ALLOW' if decision else 'DENY'}  ")
    assert second == "  not an authorisation"


def test_an_answer_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """Text from elsewhere cannot hide or rewrite the verdict on a terminal."""
    sly = REASON | {"message": "no\r\x1b[1A\x1b[2KALLOW\nALLOW"}
    lines = shown(capsys, {"decision": False, "context": {"reasons": [sly]}})
    assert lines[1] == "  1. no\ufffd\ufffd[1A\ufffd[2KALLOW\ufffdALLOW [unit-forbids]"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "true"},
        {"decision": 1},
        {"decision": None},
        {"would": "allow"},
        {"decision": True, "context": []},
        {"decision": True, "context": {"obligations": {}}},
        {"decision": True, "context": {"obligations": [{"id": "mask"}]}},
        {"decision": True, "context": {"obligations": [{"type": "mask", "properties": []}]}},
        {"decision": True, "context": {"would": "allow"}},
        {"decision": False, "context": {"reasons": ["because"]}},
    ],
)
def test_an_answer_that_cannot_be_read_is_none(body: dict[str, Any]) -> None:
    """Where any part is not as expected, nothing is concluded, least of all an allow."""
    with pytest.raises(Unanswered, match="the answer cannot be read") as refused:
        read_answer(body)
    assert refused.value.code == "answer-unreadable"
    assert refused.value.hint
