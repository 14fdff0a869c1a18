"""Running policy tests: what holds, what fails and why, and which rules were tried."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from policyd.engine.decide import Engine
from policyd.policy.load import load
from policyd.review.junit import junit_xml
from policyd.review.policy_tests import Report, Result, Verdict, run
from policyd.review.suites import read_suites
from tests.servers import POLICIES

Tried = Callable[[str], Report]
NOW = "2026-03-02T09:00:00+01:00"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample company, ready to decide."""
    return Engine(load(POLICIES))


@pytest.fixture
def tried(tmp_path: Path, engine: Engine) -> Tried:
    """Run one entry."""

    def report(entry: str) -> Report:
        (tmp_path / "tests").mkdir()
        text = f"suite: Ours\nnow: {NOW}\ntests:\n  - it: holds\n    {entry}"
        (tmp_path / "tests/ours_test.yaml").write_text(text)
        tests, findings = read_suites(tmp_path, engine.snapshot)
        assert findings == []
        return run(engine, tests)

    return report


def test_the_sample_does_what_its_tests_say(engine: Engine) -> None:
    """What a policy owner wrote down as true is true, of the calls that are named and of all."""
    tests, findings = read_suites(POLICIES, engine.snapshot)

    report = run(engine, tests)

    assert findings == []
    assert {each.verdict for each in report.results} == {Verdict.PASSED}
    proved = {each.test.place.file for each in report.results if each.calls is None}
    assert proved == {"tests/promises_test.yaml"}


def test_every_folder_of_the_sample_has_suites(engine: Engine) -> None:
    """The guardrails have tests, and so has every unit."""
    tests, _ = read_suites(POLICIES, engine.snapshot)
    folders = {each.place.file.rpartition("/")[0] for each in tests}
    assert folders == {"tests", *(f"units/{unit}/tests" for unit in engine.snapshot.units)}


MAIL = (
    "who: sales/campaign-mailer, send: crm/contacts, fields: [email], to: newsletter/api, rows: 1"
)
FREEZE = "now: 2026-03-28T10:00:00+01:00\n    "
ORDERS = "who: webshop/orders-to-erp, write: erp/sales-orders, rows: 1"
LOSES = [
    (f"try: {{{MAIL}}}\n    expect: deny\n", "expected deny, got allow"),
    (f"try: {{{MAIL}, can: []}}\n    expect: allow\n", "expected allow, got deny"),
    (
        f"try: {{{MAIL}, can: []}}\n    expect: deny\n    because: [limit-exceeded]\n".replace(
            "limit-exceeded", "volume-exceeded"
        ),
        "because: expected volume-exceeded; got",
    ),
    (f"try: {{{MAIL}}}\n    expect: allow\n    obligations: {{}}\n", "obligations: expected {}"),
    (f"try: {{{MAIL}}}\n    expect: allow\n    advice: [mask]\n", "advice: expected mask; got"),
    (
        f"try: {{{MAIL}}}\n    expect: allow\n    would_deny: [change-freeze]\n",
        "would_deny: expected change-freeze; got nothing",
    ),
    (
        f"try: {{{MAIL}}}\n    expect: allow\n    lifted: [EX-2026-009]\n",
        "lifted: expected EX-2026-009; got nothing",
    ),
]


@pytest.mark.parametrize(("entry", "problem"), LOSES, ids=[f"{n}" for n in range(len(LOSES))])
def test_what_does_not_hold(tried: Tried, entry: str, problem: str) -> None:
    """A call that comes out in another way is told with what was expected and what came."""
    (result,) = tried(entry).results

    assert result.verdict is Verdict.FAILED
    (failure,) = result.failures
    assert failure.problems[0].startswith(problem)
    assert failure.explanation.would in {"allow", "deny"}


def test_a_moment_and_an_exemption(tried: Tried) -> None:
    """An entry's own moment counts, and what is lifted is seen."""
    entry = f"{FREEZE}try: {{{ORDERS}}}\n    expect: allow\n    lifted: [EX-2026-009]\n"
    (result,) = tried(entry).results
    assert result.verdict is Verdict.PASSED


def test_a_table_denies_what_it_does_not_list(tried: Tried) -> None:
    """`allow_only`: each listed call is allowed, each other one denied; both are tried."""
    table = "try: {who: sales/sales-cube, read: [erp/sales-orders, crm/contacts], rows: 1}\n"
    only = "    allow_only: [{data: erp/sales-orders}]\n"
    (result,) = tried(f"now: 2026-03-02T23:00:00+01:00\n    {table}{only}").results
    assert (result.verdict, result.calls) == (Verdict.PASSED, 2)


def test_what_was_tried(tried: Tried) -> None:
    """Rules of every layer that speak about a call count as tried."""
    tested = tried(f"try: {{{MAIL}}}\n    expect: allow\n").tried
    assert {"guardrail:customers-moved", "unit:sales/newsletter"} <= tested
    assert "guardrail:pay-run" not in tested


NEVER = "never: {send: [analytics/kpi], to: [chat, mail]}\n"
ONLY = "only: [hr/headcount-to-bi]\n    may: {read: [payroll/payslips]}\n"


@pytest.mark.parametrize(
    ("entry", "who", "region"),
    [
        (NEVER, "finance/", "may send analytics/kpi at chat"),
        (ONLY, "hr/pay-run", "hr/pay-run may read payroll/payslips, whatever it names"),
    ],
    ids=["never", "only"],
)
def test_what_is_not_so_for_all_calls(tried: Tried, entry: str, who: str, region: str) -> None:
    """Each region is told in words, with one of its calls and all that decided it."""
    (result,) = tried(entry).results

    assert (result.verdict, result.calls) == (Verdict.FAILED, None)
    first = result.failures[0]
    assert first.problems[0].startswith("expected deny, got allow: ")
    assert region in first.problems[0]
    assert first.call.subject.id.startswith(who)
    assert first.explanation.would == "allow"


def test_a_promise_holds_at_its_own_moment(tried: Tried) -> None:
    """With a moment of its own an entry is about that one; else about all from the suite's on."""
    frozen = "never: {write: [erp/ledger]}\n"
    (result,) = tried(f"now: 2026-03-29T12:00:00+02:00\n    {frozen}").results
    assert result.verdict is Verdict.PASSED


def test_a_promise_of_later_days(tried: Tried) -> None:
    """What is so today and not tomorrow is not so."""
    (result,) = tried("never: {write: [erp/ledger]}\n").results
    assert result.verdict is Verdict.FAILED


def test_what_no_proof_decides(engine: Engine) -> None:
    """It is an error of the run for CI systems, with the reason."""
    tests, _ = read_suites(POLICIES, engine.snapshot)
    unsure = Result(tests[0], Verdict.NOT_PROVED, None, (), ("there is more to look at",))
    root = ET.fromstring(junit_xml(Report((unsure,), frozenset())))  # noqa: S314 - made by us

    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.get("message") == "not proved: there is more to look at"
    assert root[0].get("errors") == "1"


def test_junit(engine: Engine) -> None:
    """CI systems see each test with its file and line."""
    report = run(engine, read_suites(POLICIES, engine.snapshot)[0])

    root = ET.fromstring(junit_xml(report))  # noqa: S314 - made by us

    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(report.results)
    assert all(len(each) == 0 for each in cases)
    assert {"name", "file", "line", "classname"} <= set(cases[0].keys())
    assert junit_xml(report) == junit_xml(report)


def test_junit_of_a_failure(tried: Tried) -> None:
    """A failure names the call and the problem."""
    root = ET.fromstring(junit_xml(tried(LOSES[0][0])))  # noqa: S314 - made by us
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected deny, got allow"
    assert "sales/campaign-mailer send crm/contacts" in f"{failure.text}"
