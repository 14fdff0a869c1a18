"""The rules of one conjunction, found by their keys.

A tree of tables: the first level holds the columns of which a request determines the value, all at
once; each further level one column of which it determines a few. A leaf holds the positions of
rules, or, where the keys are all there is to the matcher, the best rank of any of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from policyd.engine.compiled.closures import Values
from policyd.engine.compiled.levels import breadth, finder
from policyd.engine.compiled.reading import Key
from policyd.engine.compiled.roles import FEW, Roles

Rules = Mapping[int, Values]
"""Rules by their position in the policy, in that order."""


class Index:
    """Rules by the columns that *keys* speak about."""

    def __init__(
        self,
        rules: Rules,
        keys: Sequence[Key],
        roles: Mapping[str, Roles],
        rank: Callable[[int], int] | None,
    ) -> None:
        """Sort *rules* into a tree.

        Args:
            rules: By position.
            keys: No two of one column.
            roles: By name, those that *keys* ask about.
            rank: Of a position; None: leaves are lists of positions.
        """
        single = [key for key in keys if _is_single(key)]
        several = [key for key in keys if not _is_single(key)]
        values = {
            key.column: frozenset(rule[key.column] for rule in rules.values()) for key in several
        }
        several.sort(key=lambda key: (breadth(key), -len(values[key.column])))
        self._first = _getter([key.sources[0].token.value for key in single])
        self._columns = _getter([key.column for key in single])
        self._several = [key.column for key in several]
        self._finders = [finder(key, values[key.column], roles) for key in several]
        self._tree: dict[Any, Any] = {}
        self._fill(rules, rank)

    def _fill(self, rules: Rules, rank: Callable[[int], int] | None) -> None:
        for position, rule in rules.items():
            node, key = self._tree, self._columns(rule)
            for column in self._several:
                node = node.setdefault(key, {})
                key = rule[column]
            if rank is None:
                node.setdefault(key, []).append(position)
            else:
                node[key] = min(rank(position), node.get(key, rank(position)))

    def leaves(self, request: Values) -> list[Any]:
        """The leaves of the rules whose keys are those of *request*."""
        first = self._tree.get(self._first(request))
        if first is None:
            return []
        nodes = [first]
        for find in self._finders:
            keys = find(request)
            found = []
            for node in nodes:
                for key in keys if len(keys) <= FEW else _shared(node, keys):
                    if key in node:
                        found.append(node[key])  # noqa: PERF401 - nodes are few: half the time
            if not found:
                return found
            nodes = found
        return nodes


def _shared(node: dict[Any, Any], keys: Any) -> Iterable[Any]:
    """The keys that *node* has, looked for from the smaller side."""
    if len(keys) <= len(node):
        return [key for key in keys if key in node]
    return [key for key in node if key in keys]


def _is_single(key: Key) -> bool:
    return [source.kind for source in key.sources] == ["same"]


def _getter(places: Sequence[int]) -> Callable[[Values], Any]:
    """The function to the values at *places*: one by itself, several as a tuple."""
    return itemgetter(*places) if places else lambda _: ()
