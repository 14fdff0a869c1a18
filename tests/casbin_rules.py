"""The access rules as casbin itself decides them: what `access` is held to, and not used by it.

casbin's `enforce_ex` names one rule and stops; reasons need every rule that matches. So the
effector never stops early, and the last conjunct of the matcher notes the rule it belongs to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import casbin
from casbin.effect.default_effectors import AllowAndDenyEffector
from casbin.effect.effector import Effector
from casbin.model import Model

from policyd.engine.access import MODEL, NOBODY, Matches
from policyd.engine.conditions import compile_condition, condition
from policyd.engine.resolve import Asked
from policyd.engine.rule_keys import place_of
from policyd.engine.rule_leaves import SLOTS
from policyd.model.labels import Vocabulary
from policyd.model.rules import ANYTHING, Rule, Section

# casbin knows two effects, and takes any other word for neither: such a rule covers nothing.
_EFFECTS = {
    Section.FORBID: "deny",
    Section.CEILING: "allow",
    Section.ALLOW: "allow",
    Section.REQUIRE: "neither",
    Section.LIMIT: "neither",
}


@dataclass(slots=True)
class _Question:
    """A call on its way through casbin, collecting the rules that match."""

    asked: Asked
    matched: set[str] = field(default_factory=set)


class _EveryRule(AllowAndDenyEffector):  # type: ignore[misc]  # casbin has no types
    """casbin's allow-and-deny effect, without its early end."""

    def intermediate_effect(self, effects: object) -> int:
        """Never decided before the last rule."""
        del effects
        return int(Effector.INDETERMINATE)


class CasbinRules:
    """Access rules with the port of `AccessRules`, asked of casbin one by one."""

    def __init__(
        self, rules: Iterable[Rule], groups: Mapping[str, frozenset[str]], vocabulary: Vocabulary
    ) -> None:
        """Load *rules*; what the rest is, `AccessRules` says."""
        layers: dict[str, list[Rule]] = {}
        for rule in rules:
            layers.setdefault(rule.layer, []).append(rule)
        self._sections = {rule.ref: rule.section for each in layers.values() for rule in each}
        self._vocabulary = vocabulary
        self._enforcers = {
            layer: self._enforcer(members, groups) for layer, members in layers.items()
        }

    def matches(self, layer: str, asked: Asked) -> Matches:
        """Every rule of *layer* that speaks about the call, by reference, in order of name."""
        enforcer = self._enforcers.get(layer)
        if enforcer is None:
            return Matches()
        question, call = _Question(asked), asked.call
        place = place_of(asked)
        enforcer.enforce(layer, call.subject.id, call.action, call.resource.id, place, question)
        slots: tuple[list[str], ...] = ([], [], [], [])
        for ref in sorted(question.matched):
            slots[SLOTS[self._sections[ref]]].append(ref)
        return Matches(*map(tuple, slots))

    def _enforcer(
        self, rules: Iterable[Rule], groups: Mapping[str, frozenset[str]]
    ) -> casbin.Enforcer:
        model = Model()
        model.load_model_from_text(MODEL)
        enforcer = casbin.Enforcer(model)
        enforcer.eft = _EveryRule()
        lines = [line for rule in rules for line in policy_lines(rule)]
        tests = {
            (section, when): compile_condition(when, section, self._vocabulary)
            for section, when in {(self._sections[line[8]], line[6]) for line in lines}
        }

        def holds(question: _Question, when: str, ref: str) -> bool:
            if not tests[self._sections[ref], when](question.asked):
                return False
            question.matched.add(ref)
            return True

        enforcer.add_function("holds", holds)
        model.add_policies("p", "p", lines)
        model.add_policies("g", "g", _links(rules, groups))
        enforcer.build_role_links()
        return enforcer


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


def _links(rules: Iterable[Rule], groups: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Casbin's role links: an integration to its names, a name to the exceptions that name it."""
    links = [
        [member, name]
        for member, names in sorted(groups.items())
        for name in sorted(names - {member})
    ]
    exceptions = [[name, f"except:{rule.ref}"] for rule in rules for name in rule.sentence.excepted]
    return links + exceptions
