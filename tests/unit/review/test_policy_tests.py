"""Running policy tests: what holds, what fails and why, and which rules were tried."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.decision import Decision
from policyd.model.facts import Facts
from policyd.model.rules import Place
from policyd.model.snapshot import Snapshot
from policyd.policy.load import load
from policyd.policy.suite_shapes import CaseEntry, TryShape
from policyd.review.cells import calls_of
from policyd.review.coverage import changed_rules, coverage
from policyd.review.decisive import spoken, without
from policyd.review.failures import decided_by
from policyd.review.junit import junit_xml
from policyd.review.policy_test_pages import annotations, markdown
from policyd.review.policy_tests import Report, Result, Verdict, no_others, run
from policyd.review.suites import read_suites
from tests.servers import POLICIES

Tried = Callable[[str], Report]
NOW = "2026-03-02T09:00:00+01:00"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample company, ready to decide."""
    return Engine(load(POLICIES))


@pytest.fixture(scope="module")
def whole(engine: Engine) -> Report:
    """What becomes of all tests of the sample; that takes a while."""
    tests, findings = read_suites(POLICIES, engine.snapshot)
    assert findings == []
    return run(engine, tests)


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


def test_the_sample_does_what_its_tests_say(engine: Engine, whole: Report) -> None:
    """What a policy owner wrote down as true is true, of the calls that are named and of all."""
    skipped = [each for each in whole.results if each.verdict is Verdict.SKIPPED]
    assert [each.test.entry.same_as for each in skipped] == ["v1.0"]
    assert whole.count(Verdict.PASSED) == len(read_suites(POLICIES, engine.snapshot)[0]) - 1
    proved = {each.test.place.file for each in whole.results if each.calls is None}
    assert proved == {"tests/promises_test.yaml"}


def test_every_word_of_tests_stands_in_the_sample(engine: Engine) -> None:
    """Whoever reads the sample sees each kind of assertion once."""
    tests, _ = read_suites(POLICIES, engine.snapshot)
    said = {name for each in tests for name in each.entry.model_fields_set}
    assert said == set(CaseEntry.model_fields)


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
        f"try: {{{MAIL}}}\n    expect: allow\n    including: {{mask: [email]}}\n",
        "including: expected {'mask': ['email']}; got",
    ),
    (
        f"try: {{{MAIL}}}\n    expect: allow\n    without: [mask, log-outcome]\n",
        "without: expected no log-outcome; got {'log-outcome': '15m'}",
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
    assert failure.explanation
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
    assert first.call
    assert first.explanation
    assert first.call.subject.id.startswith(who)
    assert first.explanation.would == "allow"


def test_what_decided_a_failure(tried: Tried) -> None:
    """Every rule that spoke is named, and the first without which it would be otherwise."""
    (result,) = tried(LOSES[0][0]).results
    failure = result.failures[0]
    assert {"guardrail:customers-moved", "unit:sales/newsletter"} <= {*failure.matched}
    assert failure.flip == "guardrail:customers-moved"
    told = [*decided_by(failure)]
    assert told[0] == (
        "roles: customer-integrator; stage: production; destination: newsletter;"
        " zone: processor; open: business-hours"
    )
    assert told[-1] == "without guardrail:customers-moved it would be: deny"


EXACTLY = "exactly: [%s]\n    may: {read: [payroll/payslips]}\n"


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        ("hr/pay-run", []),
        ("hr", []),
        ("payroll-link", []),
        ("hr/pay-run, hr/headcount-to-bi", ["hr/headcount-to-bi may, and nothing of it"]),
        ("sales", ["got allow: hr/pay-run may read payroll/payslips", "sales may, and nothing"]),
    ],
)
def test_who_may(tried: Tried, names: str, problems: list[str]) -> None:
    """`exactly`: all who may are of those that are named, and each of those may."""
    (result,) = tried(EXACTLY % names).results
    found = [each.problems[0] for each in result.failures]
    assert len(found) == len(problems)
    assert all(part in text for part, text in zip(problems, found, strict=True))


def test_only_units_and_roles(tried: Tried) -> None:
    """`only` takes whole units and roles; who is named need not be allowed anything."""
    assert (
        tried("only: [hr, sales]\n    may: {read: [payroll/payslips]}\n").results[0].verdict
        == "passed"
    )


def test_the_same_as_before(tmp_path: Path, engine: Engine) -> None:
    """More and less is told, within the sentence; a version that is not there is an error."""
    duty = engine.snapshot.rules["guardrail:people-leaving-are-reported"]
    fewer = {ref: each for ref, each in engine.snapshot.rules.items() if each is not duty}
    before = {"v1": engine.snapshot, "v2": replace(engine.snapshot, rules=fewer)}
    entries = (
        "same_as: v1",
        "same_as: v2",
        "same_as: v2\n    within: {read: anything}",
        "same_as: v3",
    )
    (tmp_path / "tests").mkdir()
    text = "".join(f"  - it: holds\n    {each}\n" for each in entries)
    (tmp_path / "tests/ours_test.yaml").write_text(f"suite: Ours\nnow: {NOW}\ntests:\n{text}")
    tests, _ = read_suites(tmp_path, engine.snapshot)

    def others(name: str) -> Snapshot:
        return before[name] if name in before else no_others(name)

    same, other, within, gone = run(engine, tests, others=others).results
    back = run(Engine(before["v2"]), tests[:1], others=others).results[0]

    assert [each.verdict for each in (same, other, within, gone, back)] == [
        *("passed", "failed", "passed", "error", "failed")
    ]
    assert other.failures[0].problems[0].startswith("less is allowed than in v2, where ")
    assert "without the log-outcome" in other.failures[0].problems[0]
    assert back.failures[0].problems[0].startswith("more is allowed than in v1: ")
    assert gone.gaps == ("there is no `v3` to compare with here",)


def test_skipping_ends(tmp_path: Path, engine: Engine) -> None:
    """Through its last day a test is not run; then it fails, until somebody looks at it."""
    skip = "skip: {reason: We move., owner: ciso, until: 2026-03-31}"
    (tmp_path / "tests").mkdir()
    text = f"  - it: holds\n    never: {{read: anything}}\n    {skip}\n"
    (tmp_path / "tests/ours_test.yaml").write_text(f"suite: Ours\nnow: {NOW}\ntests:\n{text}")
    tests, _ = read_suites(tmp_path, engine.snapshot)
    days = [date(2026, 3, 31), date(2026, 4, 1)]
    first, second = (run(engine, tests, today=day).results[0] for day in days)
    assert (first.verdict, first.gaps) == ("skipped", ("We move. (ciso, until 2026-03-31)",))
    assert second.verdict == "failed"
    assert second.failures[0].problems == (
        "skipped until 2026-03-31 by ciso: run it again, or take it out",
    )


def test_what_rules_decide(tried: Tried) -> None:
    """A rule decides a test that would not hold without it; one that only speaks does not."""
    report = tried(f"try: {{{MAIL}}}\n    expect: allow\n")
    found = coverage(report, report.tried | {"guardrail:pay-run"})
    assert {"guardrail:customers-moved", "unit:sales/newsletter"} <= {*found.decisive}
    assert "guardrail:people-leaving-are-reported" in found.tried
    assert found.untried == ("guardrail:pay-run",)
    assert found.words().endswith(
        f"{len(report.tried) + 1} rules were tried, 2 of them decide a test"
    )


def test_a_rule_left_out_of_a_case_is_a_tree_without_it(engine: Engine) -> None:
    """Coverage asks the case without a rule; the tree without it gives the same answer."""
    tests, _ = read_suites(POLICIES, engine.snapshot)
    asked = 0
    for test in [each for each in tests if each.entry.try_][::3]:
        now = datetime.fromisoformat(test.now)
        for call in calls_of(test.entry.try_ or TryShape(), engine.snapshot.connections):
            case = engine.open(call, now)
            facts = Facts(now, test.entry.used or {}, owner_state(case))
            for ref in spoken(case):
                rules = {name: each for name, each in engine.snapshot.rules.items() if name != ref}
                other = engine.successor(replace(engine.snapshot, rules=rules))
                there, here = other.decide(call, facts), engine.judge(without(case, ref), facts)
                assert _said(there) == _said(here)
                asked += 1
    assert asked > 60


def _said(decision: Decision) -> tuple[object, ...]:
    reasons = [(each.code, each.rule) for each in decision.reasons]
    return decision.allow, reasons, decision.obligations, decision.advice, decision.counted


def test_changed_rules(engine: Engine) -> None:
    """A rule is changed by what it says; not by where it stands or why."""
    rules = {**engine.snapshot.rules}
    refs = sorted(rules)[:4]
    moved = {
        refs[0]: replace(rules[refs[0]], reason="Other words.", place=Place("x", 1, 1)),
        refs[1]: replace(rules[refs[1]], exemptible=not rules[refs[1]].exemptible),
    }
    base = replace(
        engine.snapshot, rules={n: r for n, r in (rules | moved).items() if n != refs[2]}
    )
    assert changed_rules(base, engine.snapshot) == {refs[1], refs[2]}


def test_markdown_and_annotations(tried: Tried) -> None:
    """A pull request shows the totals first, then each failure with its place."""
    report = tried(LOSES[0][0])
    text = markdown(report, [coverage(report, report.tried)])
    assert text.startswith("### Policy tests: 0 passed, 1 failed\n")
    assert "#### **failed**: Ours: it holds (`tests/ours_test.yaml:4`)" in text
    assert "expected deny, got allow" in text
    (line,) = annotations(report, "policies")
    assert line.startswith(
        "::error file=policies/tests/ours_test.yaml,line=4,col=5,title=policy test failed::Ours: it"
        " holds%0Asales/campaign-mailer send crm/contacts (email) at newsletter/api%0Aexpected deny"
    )


def test_no_more_annotations_than_are_shown(tried: Tried) -> None:
    """The last one says how many there are besides."""
    (result,) = tried(LOSES[0][0]).results
    lines = [*annotations(Report((result,) * 12, frozenset()), "policies")]
    assert len(lines) == 10
    assert lines[-1] == "::error::3 more tests: see the whole report"


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


def test_junit(whole: Report) -> None:
    """CI systems see each test with its file and line."""
    root = ET.fromstring(junit_xml(whole))  # noqa: S314 - made by us

    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(whole.results)
    assert [each.tag for case in cases for each in case] == ["skipped"]
    assert {"name", "file", "line", "classname"} <= set(cases[0].keys())
    assert junit_xml(whole) == junit_xml(whole)


def test_junit_of_a_failure(tried: Tried) -> None:
    """A failure names the call and the problem."""
    root = ET.fromstring(junit_xml(tried(LOSES[0][0])))  # noqa: S314 - made by us
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected deny, got allow"
    assert "sales/campaign-mailer send crm/contacts" in f"{failure.text}"
