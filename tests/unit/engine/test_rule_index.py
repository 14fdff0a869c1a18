"""The index of rules: what a look-up comes to, however many rules there are."""

from collections.abc import Sequence
from typing import Any

import pytest

from policyd.engine.rule_index import ANY, Keyed, Keys, Node, Tree, grow, leaves
from policyd.engine.rule_leaves import Leaf, trees
from policyd.model.rules import Rule, Section
from tests.unit.engine.conftest import VOCABULARY, rule

Refs = tuple[int, ...]


def _refs(rules: Sequence[int], met: frozenset[int]) -> Refs:
    del met
    return tuple(rules)


def _grown(*keys: tuple[Keys, ...]) -> Tree[Refs]:
    """The tree of rules 0, 1, 2, … with these keys in each column."""
    return grow([Keyed(each, number) for number, each in enumerate(keys)], _refs)


def _found(tree: Tree[Refs], *keys: Keys) -> list[int]:
    return sorted({number for leaf in leaves(tree, keys.__getitem__) for number in leaf})


def test_few_rules_are_a_leaf() -> None:
    """What is tested as quickly as it is looked up is not looked up."""
    tree = _grown(*((("a",), ("b",)),) * 3)
    assert tree == (0, 1, 2)
    assert _found(tree) == [0, 1, 2]


def test_rules_are_found_by_the_column_that_tells_them_apart() -> None:
    """A rule of everyone about one thing is found by the thing, one about all by who."""
    things = [((ANY,), (f"thing-{n}",)) for n in range(100)]
    people = [((f"person-{n}",), (ANY,)) for n in range(100)]
    tree = _grown(*things, *people)
    assert _found(tree, (ANY, "person-7"), (ANY, "thing-3")) == [3, 107]
    assert _found(tree, (ANY,), (ANY, "thing-3")) == [3]
    assert _found(tree, (ANY, "nobody"), (ANY, "nothing")) == []


def test_a_rule_with_several_keys_is_found_by_each() -> None:
    """One of its keys is enough."""
    tree = _grown(*(((f"a{n}", f"b{n}"),) for n in range(50)))
    assert _found(tree, (ANY, "a7")) == _found(tree, (ANY, "b7")) == [7]


def _places(tree: Tree[Refs]) -> int:
    if isinstance(tree, Node):
        return sum(map(_places, tree.children.values()))
    return len(tree)


def test_rules_are_not_repeated_without_end() -> None:
    """Rules with long lists in every column do not fill the memory."""
    long = [
        tuple(
            tuple(f"{(number + n) * (column + 3) % 97}" for n in range(30)) for column in range(4)
        )
        for number in range(60)
    ]
    tree = _grown(*long)
    assert _places(tree) <= 64 * 60
    for number, keys in enumerate(long):
        assert number in _found(tree, *keys)


def _everyone(number: int) -> Rule:
    """One of many rules about everyone and everything that differ in their conditions alone."""
    return rule(
        f"guardrail:r{number}",
        Section.FORBID,
        data={"send": ("*",)},
        label_at_least=VOCABULARY.levels[number % 4],
        category=(("personal",), ("payment",), ("health",))[number % 3],
    )


def _tested(tree: Tree[Leaf]) -> int:
    """Tests in all leaves together."""
    if isinstance(tree, Node):
        return sum(map(_tested, tree.children.values()))
    return len(tree)


def test_rules_that_test_the_same_are_tested_once() -> None:
    """Thousands of rules that nothing but their labels tells apart cost as many tests as labels."""
    found = trees(map(_everyone, range(2_400)), VOCABULARY)
    assert _tested(found["guardrail", "send"]) <= 4 * 3


@pytest.mark.parametrize("missing", [{"who": ()}, {"data": {"send": ()}}])
def test_who_says_nothing_speaks_about_nothing(missing: dict[str, Any]) -> None:
    """A rule for nobody, or about no data, stands in no tree."""
    says: dict[str, Any] = {"data": {"send": ("*",)}} | missing
    assert trees([rule("guardrail:empty", Section.FORBID, **says)], VOCABULARY) == {}
