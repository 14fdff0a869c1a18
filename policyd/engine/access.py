"""Access rules: which of them speak about a call, behind the one port `matches()`.

What a rule means is said by the casbin model below; a property test asks casbin itself by it, and
holds the two to the same answers. casbin tries every rule. Here they stand in a tree of look-ups,
built with the snapshot, so that the cost hardly grows with their number (`rule_index`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import attrgetter, is_
from typing import NamedTuple

from policyd.engine.compiled.enforcer import CompiledEnforcer
from policyd.engine.resolve import Asked
from policyd.engine.rule_index import leaves
from policyd.engine.rule_keys import Question
from policyd.engine.rule_leaves import Hit, Trees, trees
from policyd.model.labels import Vocabulary
from policyd.model.rules import Rule

__all__ = ["AccessRules", "CompiledEnforcer", "Matches"]

MODEL = """\
[request_definition]
r = layer, sub, act, data, to, asked

[policy_definition]
p = layer, sub, except, act, data, to, when, eft, rule

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.layer == p.layer && r.act == p.act && g(r.sub, p.sub) && !g(r.sub, p.except) && \
keyMatch(r.data, p.data) && keyMatch(r.to, p.to) && holds(r.asked, p.when, p.rule)
"""
"""The casbin model of the access rules; each layer is asked once."""

NOBODY = "nobody"


class Matches(NamedTuple):
    """References of a layer's rules that speak about a call, by what they do, in order of name."""

    allows: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


_NO_MATCHES = Matches()


class AccessRules:
    """The access rules of one snapshot, in a tree of look-ups for each layer and action."""

    def __init__(
        self,
        rules: Iterable[Rule],
        groups: Mapping[str, frozenset[str]],
        vocabulary: Vocabulary,
        before: "AccessRules | None" = None,
    ) -> None:
        """Index *rules*.

        Args:
            rules: Of all layers.
            groups: For each integration, every name it answers to.
            vocabulary: In which labels are compared.
            before: Others, whose trees are taken over for layers that have the very same rules.
        """
        self._names = groups
        self._vocabulary = vocabulary
        layers = defaultdict[str, list[Rule]](list)
        for name, together in groupby(rules, attrgetter("layer")):
            layers[name].extend(together)
        same = before.layers_like(layers, vocabulary) if before else {}
        new = (each for name, layer in layers.items() if name not in same for each in layer)
        self._layers: Mapping[str, Sequence[Rule]] = {**layers, **same}
        self._trees = trees(new, vocabulary)
        if before:
            self._trees |= before.trees_of(same.keys())

    def layers_like(
        self, layers: Mapping[str, Sequence[Rule]], vocabulary: Vocabulary
    ) -> Mapping[str, Sequence[Rule]]:
        """Those of *layers* that consist of the very same rules here."""
        mine = self._layers if vocabulary == self._vocabulary else {}
        return {
            name: mine[name]
            for name, rules in layers.items()
            if len(rules) == len(mine.get(name, ())) and all(map(is_, rules, mine[name]))
        }

    def trees_of(self, layers: AbstractSet[str]) -> Trees:
        """The trees of *layers*."""
        return {where: tree for where, tree in self._trees.items() if where[0] in layers}

    def pieces(self) -> list[object]:
        """All of it, in pieces of one layer at most."""
        return [*self._layers.values(), *self._trees.values()]

    def matches(self, layer: str, asked: Asked) -> Matches:
        """Every rule of *layer* that speaks about the call, by reference, in order of name."""
        return self.matching(layer, self.question(asked))

    def question(self, asked: Asked) -> Question:
        """The call, ready to be put to several layers."""
        subject = asked.call.subject.id
        return Question(asked, self._names.get(subject) or frozenset((subject,)))

    def matching(self, layer: str, question: Question) -> Matches:
        """What `matches` says of a question."""
        asked, names = question.asked, question.names
        tree = self._trees.get((layer, asked.call.action))
        if tree is None:
            return _NO_MATCHES
        found: set[Hit] = set()
        for leaf in leaves(tree, question.keys):
            for who, excepted, test, hits in leaf:
                if (
                    (who is None or not names.isdisjoint(who))
                    and (excepted is None or names.isdisjoint(excepted))
                    and (test is None or test(asked))
                ):
                    found.update(hits)
        return _matches(found) if found else _NO_MATCHES


def _matches(found: Iterable[Hit]) -> Matches:
    slots: tuple[list[str], ...] = ([], [], [], [])
    for slot, ref in sorted(found):
        slots[slot].append(ref)
    return Matches(*map(tuple, slots))
