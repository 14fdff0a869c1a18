"""Access rules: which of them speak about a call, behind the one port `matches()`.

What a rule means is said by the casbin model below and `policy_lines`; a property test asks casbin
itself by them, and holds the two to the same answers. casbin tries every rule. Here they stand in a
tree of look-ups, built with the snapshot, so that a decision among 100,000 rules costs what it
costs among 100 (`rule_index`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from policyd.engine.compiled.enforcer import CompiledEnforcer
from policyd.engine.conditions import condition
from policyd.engine.resolve import Asked
from policyd.engine.rule_index import leaves
from policyd.engine.rule_keys import Question
from policyd.engine.rule_leaves import SLOTS, Hit, trees
from policyd.model.labels import Vocabulary
from policyd.model.rules import ANYTHING, Rule, Section

__all__ = ["AccessRules", "CompiledEnforcer", "Matches", "policy_lines"]

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
# casbin knows two effects, and takes any other word for neither: such a rule covers nothing.
_EFFECTS = {
    Section.FORBID: "deny",
    Section.CEILING: "allow",
    Section.ALLOW: "allow",
    Section.REQUIRE: "neither",
    Section.LIMIT: "neither",
}


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
        self, rules: Iterable[Rule], groups: Mapping[str, frozenset[str]], vocabulary: Vocabulary
    ) -> None:
        """Index *rules*.

        Args:
            rules: Of all layers.
            groups: For each integration, every name it answers to.
            vocabulary: In which labels are compared.
        """
        self._names = groups
        self._trees = trees(rules, vocabulary)

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


def sorted_out(found: Iterable[tuple[str, Section]]) -> Matches:
    """The rules *found*, with what they do, as `Matches`."""
    return _matches((SLOTS[section], ref) for ref, section in found)


def policy_lines(rule: Rule) -> Iterator[list[str]]:
    """The casbin lines of *rule*, one for each of its names, actions, datasets and places."""
    says = rule.sentence
    effect = _EFFECTS[rule.section]
    excepted = f"except:{rule.ref}" if says.excepted else NOBODY
    for action, patterns in says.data.items():
        when = condition(says, action)
        places = (says.to if action == "send" else ()) or (ANYTHING,)
        for who in says.who:
            for data in patterns:
                for to in places:
                    yield [
                        *(rule.layer, who, excepted, action, data, to),
                        *(when, effect, rule.ref),
                    ]
