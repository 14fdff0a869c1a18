"""The invented company is one and the same for all, and policyd decides in it as it should."""

from itertools import islice

import pytest

from policyd.engine.decide import Engine
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.policy.load import load_files
from tests.benchmarks.calls import batch
from tests.benchmarks.company import Check, Company, Question
from tests.benchmarks.company_files import files
from tests.benchmarks.company_rules import (
    NOON,
    Resolver,
    access_rules,
    allows,
    snapshot_without_rules,
)

SMALL = Company(100)


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_a_company_has_the_rules_it_says(size: int) -> None:
    """Every size is met exactly, by rules that are all different and of every kind."""
    rules = Company(size).rules
    assert len(rules) == len(set(rules)) == size
    assert {rule.is_forbid for rule in rules} == {True, False}
    assert {rule.data.endswith("/*") for rule in rules} == {True, False}
    assert {rule.action for rule in rules} == {"read", "write", "send"}


def test_questions_never_repeat_and_end() -> None:
    """Nothing is asked twice, so no cache can answer; a small company runs out of questions."""
    questions = list(SMALL.questions())
    assert len(questions) == len(set(questions)) == 80 * 3 * 160


def test_answers_are_those_of_the_rules() -> None:
    """The answer that engines are held to is what going through all rules gives.

    Among the questions are some that a forbid decides, or it would not matter who obeys it.
    """
    questions = list(islice(SMALL.questions(), 1_000))
    said = [_said(each) for each in questions]
    assert [SMALL.may(each) for each in questions] == [each == {False} for each in said]
    assert {False} in said
    assert {True, False} in said


def _said(question: Question) -> set[bool]:
    """Whether the rules that speak about the question forbid it."""
    return {
        rule.is_forbid
        for rule in SMALL.rules
        if rule.role in SMALL.closure[question.integration]
        and rule.action == question.action
        and question.dataset.startswith(rule.data.removesuffix("*"))
        and (rule.data.endswith("*") or rule.data == question.dataset)
    }


def test_policyd_decides_as_the_company_says() -> None:
    """The files of the company are a tree without findings, and its decisions are the expected."""
    engine, facts = Engine(load_files(files(SMALL))), Facts(NOON)
    checks = list(islice(SMALL.checks(), 400))
    decided = [engine.decide(_call(each), facts).allow for each in checks]
    assert decided == [SMALL.passes(each) for each in checks]
    assert 0.1 < sum(decided) / len(decided) < 0.9


def _call(check: Check) -> Call:
    asked = check.question
    return Call(
        subject=Entity("integration", asked.integration),
        action=asked.action,
        resource=Entity("dataset", asked.dataset),
        endpoint=f"https://{check.host}/v1/orders/1",
        method="POST",
        rows=1,
    )


def test_one_layer_answers_as_the_company_says() -> None:
    """All rules in the guardrails' layer give the same answers as in the units' files."""
    company = Company(1_000)
    snapshot = snapshot_without_rules(company)
    rules, resolver = access_rules(company, snapshot), Resolver(snapshot)
    for question in islice(company.questions(), 1_000):
        assert allows(rules, resolver.asked(question)) == company.may(question), question


def test_a_batch_is_of_one_integration() -> None:
    """The items of a batch are distinct, and one key and one principal will do for them."""
    checks = batch("unit-0/flow-0", SMALL, 30, 100)
    assert {check.question.integration for check in checks} == {"unit-0/flow-0"}
    assert len(set(checks)) == 100
