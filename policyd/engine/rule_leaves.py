"""Rules made ready to be indexed, and what is left to test of them in the leaves of the index."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from policyd.engine.conditions import NONE, Test, all_of, compile_condition, condition
from policyd.engine.rule_index import Keyed, Tree, grow
from policyd.engine.rule_keys import COLUMNS, DATA, TO, WHO, covering, place_of
from policyd.model.labels import Vocabulary
from policyd.model.rules import ANYTHING, Rule, Section

Hit = tuple[int, str]
"""A rule that speaks about a call: the place of what it does in `Matches`, and its reference."""

SLOTS = {
    Section.CEILING: 0,
    Section.ALLOW: 0,
    Section.FORBID: 1,
    Section.REQUIRE: 2,
    Section.LIMIT: 3,
}


class Alike(NamedTuple):
    """Rules of a leaf that the same calls match; None is what needs no more testing."""

    who: frozenset[str] | None
    excepted: frozenset[str] | None
    test: Test | None
    hits: tuple[Hit, ...]


Leaf = tuple[Alike, ...]


class _Spoken(NamedTuple):
    """A rule, as far as it speaks about one action."""

    rule: Rule
    action: str
    hit: Hit


Trees = dict[tuple[str, str], Tree[Leaf]]
"""By layer and action."""


def trees(rules: Iterable[Rule], vocabulary: Vocabulary) -> Trees:
    """The rules as one tree for each layer and action."""
    spoken = defaultdict[tuple[str, str], list[Keyed[_Spoken]]](list)
    for rule in rules:
        hit = (SLOTS[rule.section], rule.ref)
        for action in rule.sentence.data:
            keys = tuple(column.of_rule(rule.sentence, action) for column in COLUMNS)
            if all(keys):
                spoken[rule.layer, action].append(Keyed(keys, _Spoken(rule, action, hit)))
    leaf = _Leaves(vocabulary).leaf
    return {where: grow(each, leaf) for where, each in spoken.items()}


class _Leaves:
    """Makes leaves; what tests the same is one object in all of them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names = cache(frozenset[str])
        self._test = cache(self._new_test)

    def leaf(self, rules: Sequence[_Spoken], met: frozenset[int]) -> Leaf:
        """The leaf of *rules*, to which come calls with one of their keys in the columns *met*."""
        alike: dict[_Tested, list[Hit]] = {}
        for rule, action, hit in rules:
            says = rule.sentence
            tested = (
                None if WHO in met else self._names(says.who),
                self._names(says.excepted) if says.excepted else None,
                self._test(
                    rule.section,
                    condition(says, action),
                    () if DATA in met else says.data[action],
                    () if TO in met or action != "send" else says.to,
                ),
            )
            alike.setdefault(tested, []).append(hit)
        return tuple(Alike(*tested, tuple(hits)) for tested, hits in alike.items())

    def _new_test(
        self, section: Section, when: str, data: tuple[str, ...], to: tuple[str, ...]
    ) -> Test | None:
        """The test of a condition, and of datasets and destinations where any are given."""
        tests: list[Test] = []
        if to:
            tests.append(lambda asked: place_of(asked) in to)
        if data and ANYTHING not in data:
            patterns = frozenset(data)
            tests.append(lambda asked: not patterns.isdisjoint(covering(asked.call.resource.id)))
        if when != NONE:
            tests.append(compile_condition(when, section, self._vocabulary))
        return all_of(tests) if tests else None


_Tested = tuple[frozenset[str] | None, frozenset[str] | None, Test | None]
