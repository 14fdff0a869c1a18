"""The order in which policy files say things, and the process that reads them, do not matter."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.model.decision import Decision
from policyd.policy.load import load_files
from tests.properties import answers
from tests.properties.asking import Asks
from tests.properties.trees import HR, SALES, Tree, asks_of, company, files
from tests.properties.unit_files import honest

ROOT = Path(__file__).parents[2]
Shuffle = Callable[[list[Any]], None]
shuffles: st.SearchStrategy[Shuffle] = st.randoms(use_true_random=True).map(
    lambda chance: chance.shuffle
)
# In these lists the order says something: levels from the lowest, and a level before categories.
LEVELS, MARKS = "labels", "guardrails/labels.yaml"


def _shuffled(said: Any, shuffle: Shuffle, *above: str) -> Any:  # noqa: ANN401 - any data
    """The same data with its maps and lists in another order; *above* are the keys around it."""
    if isinstance(said, dict):
        names = list(said)
        shuffle(names)
        return {name: _shuffled(said[name], shuffle, *above, name) for name in names}
    if isinstance(said, list) and above[-1] != LEVELS and above[0] != MARKS:
        items = list(said)
        shuffle(items)
        return items
    return said


def _said(decision: Decision) -> Decision:
    """The decision without the order in which a unit's file gives roles out."""
    roles = tuple(sorted(decision.resolved.roles))
    return decision._replace(resolved=decision.resolved._replace(roles=roles))


@given(honest(), asks_of(*SALES, *HR), shuffles)
def test_files_say_the_same_in_any_order(tree: Tree, asked: Asks, shuffle: Shuffle) -> None:
    """Maps and lists of every file in another order give the same decision, reason by reason."""
    tree = company() | tree
    mixed = _shuffled(tree, shuffle)
    assert files(mixed) != files(tree)
    one, other = Engine(load_files(files(tree))), Engine(load_files(files(mixed)))
    for call, now in asked:
        assert _said(one.decide(call, now)) == _said(other.decide(call, now))


@pytest.mark.parametrize("seed", ["1", "20260302"])
def test_another_process_answers_alike(seed: str) -> None:
    """The answers do not hang on how a process happens to order its sets."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "audit")])
    found = subprocess.run(
        [sys.executable, "-m", "tests.properties.answers"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == answers.text()


def test_many_answers_are_compared() -> None:
    """The answers that are compared are of all kinds: allowed, with duties, denied."""
    said = answers.answers()
    assert sum(each["allow"] for each in said) >= 40
    assert sum(bool(each["obligations"]) for each in said) >= 5
    assert sum(len(each["reasons"]) for each in said) >= len(said)
