"""What a decision looks at does not grow with the number of rules: counted, not timed."""

from collections import Counter
from functools import cache

import pytest

from policyd.engine.decide import Engine
from policyd.engine.rule_index import Keys, leaves
from policyd.engine.rule_keys import Question
from policyd.engine.rule_leaves import trees
from policyd.model.facts import Facts
from tests.benchmarks.large import NOW, calls, company

SMALL, LARGE = 500, 8_000
ASKED = 150


@cache
def work(rules: int) -> Counter[str]:
    """Look-ups and tests of the guardrail layer for some calls in a company of that size."""
    snapshot, done = company(rules), Counter[str]()
    grown, engine = trees(snapshot.rules.values(), snapshot.vocabulary), Engine(snapshot)
    for call in calls(ASKED, snapshot):
        asked = engine.open(call, NOW).asked
        assert asked.integration
        question = Question(asked, asked.integration.names)

        def keys(column: int, question: Question = question) -> Keys:
            found = question.keys(column)
            done["look-ups"] += len(found)
            return found

        for leaf in leaves(grown["guardrail", call.action], keys):
            done["tests"] += len(leaf)
    return done


@pytest.mark.parametrize("kind", ["look-ups", "tests"])
def test_work_does_not_grow_with_the_rules(kind: str) -> None:
    """Sixteen times the rules take the same look-ups and tests, give or take a tenth."""
    assert 0 < work(LARGE)[kind] <= 1.1 * work(SMALL)[kind]


def test_calls_are_answered_alike_at_any_size() -> None:
    """The companies differ in size alone: about as many calls are allowed, and most are."""
    shares = []
    for size in (SMALL, LARGE):
        snapshot = company(size)
        engine = Engine(snapshot)
        allowed = [engine.decide(call, Facts(NOW)).allow for call in calls(ASKED, snapshot)]
        shares.append(sum(allowed) / ASKED)
    assert min(shares) > 0.7
    assert abs(shares[0] - shares[1]) < 0.1
