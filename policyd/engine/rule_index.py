"""An index of rules by what they ask for: a tree of hash look-ups, built with the snapshot.

A rule asks for one of a few keys in each of several columns (who, data, place, …), and a call has
a few keys in each. Every node of the tree parts its rules by the column that tells them apart
best, so that a look-up follows the keys of the call and meets few rules that are not about it.
Rules that no column tells apart stay together in a leaf, to be tested one by one.

A look-up costs the nodes on the paths of the call's keys, whose depth is the number of columns at
most, and the rules in the leaves it comes to: not the number of rules.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Generic, NamedTuple, TypeAlias, TypeVar

ANY = "*"
"""Every call has this key in every column; a rule that asks for nothing there stands under it."""

Keys = Sequence[str]
Rule = TypeVar("Rule")
Leaf = TypeVar("Leaf")

_FEW = 6  # rules that are tested as quickly as they are parted
_GAIN = 0.7  # a column that leaves a call more of the rules than this is not worth a node
_ROOM = 64.0  # places in the tree that a rule may take, on average


class Keyed(NamedTuple, Generic[Rule]):
    """A rule with the keys it asks for in each column."""

    keys: tuple[Keys, ...]
    rule: Rule


class Node(NamedTuple, Generic[Leaf]):
    """Rules parted by their keys in one column."""

    column: int
    children: Mapping[str, "Node[Leaf] | Leaf"]


Tree: TypeAlias = Node[Leaf] | Leaf
MakeLeaf: TypeAlias = Callable[[Sequence[Rule], frozenset[int]], Leaf]
"""Told the columns in which a call that comes to the leaf has one of the keys of its rules."""


def grow(rules: Sequence[Keyed[Rule]], leaf: MakeLeaf[Rule, Leaf]) -> Tree[Leaf]:
    """The tree of *rules*: at least one, each with a key in every one of the same columns."""
    return _grow(rules, leaf, frozenset(range(len(rules[0].keys))), frozenset(), _ROOM)


def _grow(
    rules: Sequence[Keyed[Rule]],
    leaf: MakeLeaf[Rule, Leaf],
    columns: frozenset[int],
    met: frozenset[int],
    room: float,
) -> Tree[Leaf]:
    """The tree over *columns*, for calls that have met the rules in the columns *met*."""
    best = _best(rules, columns, room) if len(rules) > _FEW else None
    if best is None:
        return leaf([each.rule for each in rules], met)
    parts = defaultdict[str, list[Keyed[Rule]]](list)
    for each in rules:
        for key in each.keys[best]:
            parts[key].append(each)
    room *= len(rules) / sum(map(len, parts.values()))
    columns, met = columns - {best}, met | {best}
    return Node(best, {key: _grow(part, leaf, columns, met, room) for key, part in parts.items()})


def _best(rules: Sequence[Keyed[Rule]], columns: frozenset[int], room: float) -> int | None:
    """The column whose parts are smallest, a large part counting for the many calls that meet it.

    None if no column parts the rules well enough, or only by repeating them too often.
    """
    best, left = None, _GAIN * len(rules)
    for column in sorted(columns):
        sizes = Counter(chain.from_iterable(each.keys[column] for each in rules)).values()
        places = sum(sizes)
        expected = sum(size * size for size in sizes) / places
        if expected < left and places <= room * len(rules):
            best, left = column, expected
    return best


def leaves(tree: Tree[Leaf], keys: Callable[[int], Keys]) -> list[Leaf]:
    """The leaves a call comes to, whose *keys* are given by column.

    A rule that is met under two keys is in two of them.
    """
    found: list[Leaf] = []
    waiting = [tree]
    while waiting:
        tree = waiting.pop()
        if not isinstance(tree, Node):
            found.append(tree)
            continue
        children = tree.children
        for key in keys(tree.column):
            child = children.get(key)
            if child is not None:
                waiting.append(child)
    return found
