"""Mutants of rules: which slips there are, which tests notice them, and which are none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from policyd.engine.decide import Engine
from policyd.model.rules import Limit, Place, Rule, Section, Sentence, Value
from policyd.policy.load import load
from policyd.review.mutants import mutants_of
from policyd.review.mutation import Fate, Outcome, Score, mutate
from policyd.review.policy_tests import Verdict, run
from policyd.review.suites import PolicyTest, read_suites
from tests.servers import POLICIES

LEVELS = ("public", "internal", "restricted")
RULE = Rule(
    ref="guardrail:r",
    layer="guardrail",
    section=Section.LIMIT,
    sentence=Sentence(
        {"send": ("erp/orders", "crm/*")},
        who=("sales/mailer", "reader"),
        excepted=("hr",),
        to=("mail",),
        stage="sandbox",
        label_at_least="public",
        label_at_most="internal",
    ),
    owner="ciso",
    reason="",
    fix=None,
    place=Place("x", 1, 1),
    limit=Limit("rows", 5, "day", "unit"),
)


def test_slips_of_a_rule() -> None:
    """Deleted, each pattern a step wider, each condition dropped, each bound moved both ways."""
    duties: dict[str, Value] = {"mask": ("personal",), "row-limit": 5}
    assert [each.slip for each in mutants_of(replace(RULE, duties=duties), LEVELS)] == [
        "the rule deleted",
        "send erp/orders widened to erp/*",
        "send crm/* widened to anything",
        "sales/mailer widened to sales",
        "reader widened to everyone",
        "`to` dropped",
        "`stage` dropped",
        "`except` dropped",
        "`label_at_least` moved from public to none",
        "`label_at_least` moved from public to internal",
        "`label_at_most` moved from internal to public",
        "`label_at_most` moved from internal to restricted",
        "mask dropped",
        "row-limit dropped",
        "one more let through",
    ]


def test_what_slips_say() -> None:
    """A pattern is replaced where it stands; what stands for all stands alone."""
    found = {each.slip: each.rule for each in mutants_of(RULE, LEVELS) if each.rule}
    data = {slip: rule.sentence.data["send"] for slip, rule in found.items()}
    assert data["send erp/orders widened to erp/*"] == ("erp/*", "crm/*")
    assert data["send crm/* widened to anything"] == ("*",)
    who = {slip: rule.sentence.who for slip, rule in found.items()}
    assert who["sales/mailer widened to sales"] == ("sales", "reader")
    assert who["reader widened to everyone"] == ("everyone",)
    assert found["`stage` dropped"].sentence.stage is None
    assert found["`to` dropped"].sentence.to == ()
    assert found["`label_at_least` moved from public to none"].sentence.label_at_least is None
    assert found["one more let through"].limit == Limit("rows", 6, "day", "unit")


def test_what_slips_open() -> None:
    """A ceiling opens when it widens, a limit when it narrows; either closes the other way."""
    ceiling = replace(RULE, section=Section.CEILING, limit=None)
    opens = {
        rule.section: {each.slip for each in mutants_of(rule, LEVELS) if each.opens}
        for rule in (RULE, ceiling)
    }
    narrow = {
        "the rule deleted",
        "`label_at_least` moved from public to internal",
        "`label_at_most` moved from internal to public",
    }
    assert opens[Section.LIMIT] == {*narrow, "one more let through"}
    assert opens[Section.CEILING] == {each.slip for each in mutants_of(ceiling, LEVELS)} - narrow


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample company, ready to decide."""
    return Engine(load(POLICIES))


@pytest.fixture(scope="module")
def tests(engine: Engine) -> list[PolicyTest]:
    """Its tests."""
    return [each for each in read_suites(POLICIES, engine.snapshot)[0] if not each.entry.skip]


Fates = Callable[[str], dict[str, Outcome]]


@pytest.fixture(scope="module")
def fates(engine: Engine, tests: list[PolicyTest]) -> Fates:
    """The outcomes of the mutants of one rule, by slip."""
    return lambda ref: {each.mutant.slip: each for each in mutate(engine, tests, [ref]).outcomes}


def test_what_is_noticed(fates: Fates) -> None:
    """The first test that would fail is named."""
    found = fates("guardrail:bank-details-are-approved")
    assert {each.fate for each in found.values()} == {Fate.NOTICED}
    assert found["the rule deleted"].by == "tests/people_test.yaml:21"


def test_what_a_promise_notices(engine: Engine, tests: list[PolicyTest]) -> None:
    """What no call of a table shows, a proof about all calls may."""
    promises = [each for each in tests if each.entry.never]
    found = mutate(engine, promises, ["guardrail:sandbox-changes-no-records"]).outcomes
    by = {each.mutant.slip: (each.fate, each.by) for each in found}
    assert by["the rule deleted"] == (Fate.NOTICED, "tests/promises_test.yaml:9")


def test_what_changes_nothing(engine: Engine, tests: list[PolicyTest]) -> None:
    """A slip that decides every call as before is none, and is not held against the tests."""
    tables = [each for each in tests if each.entry.try_]
    score = mutate(engine, tables, ["guardrail:books-kept"])
    found = {each.mutant.slip: each.fate for each in score.outcomes}
    assert found["write erp/ledger widened to erp/*"] is Fate.EQUIVALENT
    assert score.percent < 100


@pytest.mark.parametrize(
    ("ref", "slips"),
    [
        ("guardrail:books-seen", {"the rule deleted", "finance-reader widened to everyone"}),
        (
            "guardrail:crm-changes-per-day",
            {"the rule deleted", "write crm/* widened to anything", "one more let through"},
        ),
    ],
)
def test_what_is_missing(
    engine: Engine, tests: list[PolicyTest], tmp_path: Path, ref: str, slips: set[str]
) -> None:
    """The test that is told as missing holds on the tree, and notices the slip."""
    tables = [each for each in tests if each.entry.try_]
    survivors = [*mutate(engine, tables, [ref]).survivors()]
    assert {each.mutant.slip for each in survivors} == slips
    for each in survivors:
        (tmp_path / "tests").mkdir(exist_ok=True)
        head = f"suite: Ours\nnow: {tests[0].now}\ntests:\n"
        (tmp_path / "tests/ours_test.yaml").write_text(f"{head}{each.missing}")
        missing, findings = read_suites(tmp_path, engine.snapshot)
        assert findings == []
        slipped = Engine(each.mutant.on(engine.snapshot))
        assert run(engine, missing).count(Verdict.PASSED) == 1
        assert run(slipped, missing).count(Verdict.FAILED) == 1


def test_a_rule_that_something_lifts(engine: Engine) -> None:
    """Without the rule there is nothing to lift, and calls are decided all the same."""
    lifted = {each.lifts for each in engine.snapshot.exemptions.values()}
    ref = next(iter(sorted(lifted & engine.snapshot.rules.keys())))
    deleted = next(mutants_of(engine.snapshot.rules[ref], LEVELS)).on(engine.snapshot)
    assert ref not in deleted.rules
    assert len(deleted.exemptions) < len(engine.snapshot.exemptions)


def test_the_budget(engine: Engine, tests: list[PolicyTest]) -> None:
    """Beyond it mutants are counted and not tried; each one tried is told as it comes."""
    seen: list[Outcome] = []
    refs = ["guardrail:bank-details-are-approved", "guardrail:books-kept"]
    score = mutate(engine, tests, refs, seen.append, budget=2)
    assert (len(score.outcomes), score.left_out) == (2, 4)
    assert seen == [*score.outcomes]
    assert score.words() == "2 of 2 slips are noticed (100 %), 4 were left out"


def test_the_score() -> None:
    """It is of slips that decide something; what is undecided is told apart."""
    mutant = next(mutants_of(RULE, LEVELS))
    told = [*([Fate.NOTICED] * 2), Fate.SURVIVED, Fate.EQUIVALENT, Fate.UNDECIDED]
    score = Score(tuple(Outcome(mutant, each) for each in told), 0)
    assert score.percent == 66
    assert score.words() == (
        "2 of 3 slips are noticed (66 %), 1 change nothing, 1 could not be decided"
    )
    assert Score((), 0).percent == 100
