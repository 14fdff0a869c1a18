"""Calls written down as tests: what is written holds, and says what the call said."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.stamp import Stamp
from policyd.model.call import Call, Entity
from policyd.model.decision import Obligation
from policyd.model.errors import UsageError
from policyd.model.facts import Facts
from policyd.model.rules import OBLIGATIONS
from policyd.policy.load import load
from policyd.review.cells import calls_of
from policyd.review.policy_tests import Verdict, run
from policyd.review.suites import PolicyTest, read_suites
from policyd.review.told_calls import ToldCall, of_record, of_witness
from policyd.review.written_cases import Expected, written
from tests.servers import POLICIES

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HEAD = "suite: Ours\nnow: 2026-03-02T09:00:00+01:00\ntests:\n"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample company, ready to decide."""
    return Engine(load(POLICIES))


def read_back(engine: Engine, tmp_path: Path, text: str) -> list[PolicyTest]:
    """The tests in *text*, which has no findings."""
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests/ours_test.yaml").write_text(HEAD + text)
    tests, findings = read_suites(tmp_path, engine.snapshot)
    assert findings == []
    return tests


def test_whatever_is_asked_can_be_written(engine: Engine, tmp_path: Path) -> None:
    """Every call of the sample's tests, written down, is the same call and holds."""
    asked, text = [], ""
    for test in read_suites(POLICIES, engine.snapshot)[0]:
        strangers = {"integration-unregistered", "dataset-unknown"} & {*(test.entry.because or ())}
        if test.entry.try_ and not strangers:
            for call in calls_of(test.entry.try_, engine.snapshot.connections):
                asked.append(call)
                now, used = datetime.fromisoformat(test.now), test.entry.used or {}
                text += written(engine, call, now, used, "why")
    tests = read_back(engine, tmp_path, text)
    again = [
        call
        for test in tests
        if test.entry.try_
        for call in calls_of(test.entry.try_, engine.snapshot.connections)
    ]
    assert again == asked
    assert run(engine, tests).count(Verdict.PASSED) == len(asked) > 80


CALL = Call(
    Entity("integration", "webshop/orders-to-erp"),
    "write",
    Entity("dataset", "erp/sales-orders"),
    fields=("order_no", "null"),
    labels=("personal",),
    endpoint="https://x.example/?a={b}",
    path="/a: #b",
    method="PUT",
    sources=("shop/orders",),
    rows=0,
    supported_obligations=("mask",),
)


def test_every_part_of_a_call(engine: Engine, tmp_path: Path) -> None:
    """All that a table can say is said; what YAML would read otherwise stands in quotes."""
    call = replace(CALL, sources=("crm/contacts",))
    text = written(engine, call, NOW, {"guardrail:record-changes-per-hour": 3, "gone": 4})
    (test,) = read_back(engine, tmp_path, text)
    assert test.entry.try_
    assert [*calls_of(test.entry.try_, engine.snapshot.connections)] == [call]
    assert test.entry.used == {"guardrail:record-changes-per-hour": 3}


def test_what_a_table_cannot_leave_open(engine: Engine) -> None:
    """A call without method or endpoint is written, and judged, as a table asks it."""
    call = Call(
        Entity("integration", "hr/pay-run"),
        "read",
        Entity("dataset", "payroll/payslips"),
        rows=1,
        supported_obligations=OBLIGATIONS,
    )
    assert written(engine, call, NOW, {}).splitlines() == [
        "  - it: lets hr/pay-run read payroll/payslips",
        "    now: 2026-03-02T08:00:00Z",
        "    try: {who: hr/pay-run, read: payroll/payslips, rows: 1}",
        "    expect: allow",
        "    obligations: {}",
    ]


def test_a_record_has_the_call(engine: Engine) -> None:
    """What the log keeps of a decision is enough to ask it again."""
    facts = Facts(NOW, {"guardrail:record-changes-per-hour": 599})
    decision = engine.decide(CALL, facts)
    stamp = Stamp(NOW, "2026-03-02T08:00:00.000Z", "id", "nonce")
    basis = Basis(engine.snapshot.digest, "folder", "1", engine.snapshot.vocabulary)
    leaf = decision_record(stamp, Request("a", "k"), CALL, facts, decision, basis)
    told = of_record(msgspec.json.decode(leaf))
    assert told == ToldCall(CALL, NOW, facts.used, Expected(allow=False, duties=()))


PAY = Call(
    Entity("integration", "hr/pay-run"),
    "read",
    Entity("dataset", "payroll/payslips"),
    rows=1,
    supported_obligations=OBLIGATIONS,
)
MASKED = (Obligation("mask", {"fields": ("iban",)}),)
OTHERWISE = "  # It fails on this tree, which decides: "
EXPECTED = {
    "as it is": (PAY, Expected(allow=True), "expect: allow"),
    "as it is, with its duties": (PAY, Expected(allow=True, duties=()), "obligations: {}"),
    "denied": (PAY, Expected(allow=False), "expect: deny"),
    "a duty more": (PAY, Expected(allow=True, duties=MASKED), "obligations: {mask: [iban]}"),
    "allowed": (replace(PAY, action="delete"), Expected(allow=True), "expect: allow"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_person_expects(engine: Engine, tmp_path: Path, name: str) -> None:
    """A test that the tree does not pass says so, and fails; the others hold as ever."""
    call, expected, told = EXPECTED[name]
    text = written(engine, call, NOW, {}, "why", expected)
    report = run(engine, read_back(engine, tmp_path, text))
    is_so = name.startswith("as it is")
    assert report.count(Verdict.PASSED if is_so else Verdict.FAILED) == 1
    assert (OTHERWISE in text) == (not is_so)
    assert f"    {told}" in text.splitlines()
    assert ("- it: lets" in text) == expected.allow


ASKED = {"subject": "hr/pay-run", "action": "read", "dataset": "payroll/payslips"}
LEAF: dict[str, Any] = {
    "kind": "decision",
    "decision": "deny",
    "facts": {"now": "2026-03-02T08:00:00Z"},
    "call": ASKED | {"labels": {}, "destination": {}},
}


@pytest.mark.parametrize(
    ("record", "part"),
    [
        ({"kind": "query"}, "kind `query`"),
        ({"kind": "decision"}, "another version"),
        (LEAF | {"reasons": [{"code": "not-evaluated"}]}, "never decided"),
        (LEAF | {"call": LEAF["call"] | {"subject_type": "user"}}, "can name nothing else"),
    ],
)
def test_records_of_something_else(record: dict[str, object], part: str) -> None:
    """Whoever picks another record is told what it is."""
    with pytest.raises(UsageError) as found:
        of_record(record)
    assert found.value.code == "no-decision"
    assert part in found.value.message


def witness(side: str = "opens", **other: object) -> bytes:
    """A review with one region."""
    call = {"subject": {"type": "integration", "id": "a/b"}, "action": "read"}
    whole = {**call, "resource": {"type": "dataset", "id": "c/d"}, "fields": ["e"]}
    told = {
        "call": whole,
        "now": "2026-03-02T08:00:00+00:00",
        "used": [{"r": 1, "s": 5}, {"r": 2, "t": 6}],
    }
    region = {"number": 1, "side": side, "witness": told | other}
    return msgspec.json.encode({"regions": [region]})


def test_a_witness_has_the_call() -> None:
    """The region is found by its number; limits have counted what the stricter side refuses."""
    told = of_witness(witness(), 1)
    assert of_witness(witness("closes"), 1).used == {"r": 2, "s": 5, "t": 6}
    assert (told.call.subject.id, told.call.fields, told.now) == ("a/b", ("e",), NOW)
    assert told.used == {"r": 1, "s": 5, "t": 6}


@pytest.mark.parametrize(
    ("review", "code"),
    [
        (b"no json", "no-review"),
        (b"[]", "no-review"),
        (b"{}", "no-review"),
        (witness(call={}), "no-review"),
        (witness(now="noon"), "no-review"),
        (witness(used=[]), "no-review"),
        (witness().replace(b'"number":1', b'"number":7'), "no-region"),
    ],
)
def test_what_is_no_review(review: bytes, code: str) -> None:
    """It is said what it should have been."""
    with pytest.raises(UsageError) as found:
        of_witness(review, 1)
    assert found.value.code == code
