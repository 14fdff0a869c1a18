"""Lint rules, one by one: what each finds, where, and the neighbour that it leaves alone."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from policyd.review.lint.registry import RULES
from tests.lint_trees import linted, tree

CASES = Path(__file__).parents[2] / "cases" / "lint"


def cases() -> Iterator[Any]:
    """Every case, named by its file and its sentence."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['it']}")


@pytest.mark.parametrize("case", list(cases()))
def test_a_rule_finds_what_its_case_says_and_nothing_else(case: Mapping[str, Any]) -> None:
    """Each notice at its place, with its level; with `suppressed` those that comments silence."""
    now = datetime.fromisoformat(case.get("now", "2026-03-02T09:00:00+01:00"))
    found = linted(tree(case), now)
    told = [f"{n.file}:{n.line}:{n.column}: {n.level} {n.id}" for n in found if not n.silence]
    silenced = [f"{n.file}:{n.line}: {n.id}" for n in found if n.silence]
    assert told == case.get("expect", [])
    assert silenced == case.get("suppressed", [])
    said = " ".join(each.message for each in found)
    for words in case.get("says", ()):
        assert words in said


def test_every_rule_has_a_case_and_a_clean_neighbour() -> None:
    """Each rule is found in some case, and each file of cases has one that finds nothing."""
    found = {
        line.rpartition(" ")[2] for param in cases() for line in param.values[0].get("expect", ())
    }
    assert found == RULES.keys()
    for path in CASES.glob("*.yaml"):
        listed = yaml.safe_load(path.read_text("utf-8"))
        assert any(not case.get("expect") for case in listed), path.name
