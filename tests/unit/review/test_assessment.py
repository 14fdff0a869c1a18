"""Assessments: what a review asks of people, and when nothing is opened."""

from datetime import UTC, datetime

import pytest

from policyd.model.change import Demand
from policyd.review.assessment import assess
from tests.published import ACCESS, CLOSED, SMALL, edited, files_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TREE = files_of(SMALL)
CEILING = "guardrails/access.yaml"
WIDER = TREE[CEILING].replace("read: [books/staff]", "read: [books/*]", 1)


def encoded(files: dict[str, str]) -> dict[str, bytes]:
    """The tree in bytes."""
    return {path: text.encode() for path, text in files.items()}


def test_a_unit_that_closes_something() -> None:
    """The fast lane, one person, for the unit; and it is proved that nothing opens."""
    steps: list[str] = []
    found = assess(encoded(TREE), encoded(edited(TREE, ACCESS, CLOSED)), NOW, steps.append)
    assert found.demand == Demand(found.decision, "fast", frozenset({"hr-team"}))
    assert found.opens_nothing
    assert {(each.side, each.callers) for each in found.regions} == {("closes", ("hr/sync",))}
    assert steps
    assert found.review["decisions"] == found.decision


def test_what_opens_something_takes_two() -> None:
    """Back again: more people, and never proved to open nothing."""
    found = assess(encoded(edited(TREE, ACCESS, CLOSED)), encoded(TREE), NOW)
    assert (found.verdict, found.lane, found.persons) == ("widens", "fast", 1)
    assert not found.opens_nothing
    guarded = assess(encoded(TREE), encoded(edited(TREE, CEILING, WIDER)), NOW)
    assert guarded.lane == "slow"
    assert guarded.persons == (1 if guarded.opens_nothing else 2)


@pytest.mark.parametrize("text", ["", "allow: [\n", "allowed: {}\n"])
def test_a_tree_with_findings(text: str) -> None:
    """It is blocked, with the places of what is wrong, and opens who knows what."""
    found = assess(encoded(TREE), encoded(edited(TREE, ACCESS, text)), NOW)
    assert found.blocked_by == ("lint",)
    assert all(each.startswith(f"{ACCESS}:") for each in found.findings)
    assert not found.opens_nothing


def test_words_decide_nothing() -> None:
    """A comment leaves the digest of what is approved as it is; prose and tests do, too."""
    closed = edited(TREE, ACCESS, CLOSED)
    decisions = {
        assess(encoded(TREE), encoded(each), NOW).decision
        for each in (closed, edited(closed, ACCESS, CLOSED + "# why\n"), closed | {"N.md": "x"})
    }
    assert len(decisions) == 1
