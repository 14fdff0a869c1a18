"""How one matcher over one policy is run: by look-up as far as it goes, then rule by rule."""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from policyd.engine.compiled.branch import Branch, Search, Step
from policyd.engine.compiled.closures import Closure, Scope, Values
from policyd.engine.compiled.effects import Combination, Verdict
from policyd.engine.compiled.loaded import Loaded, refuse_other_values
from policyd.engine.compiled.matcher import Matcher, asks_rules
from policyd.engine.compiled.reading import Reading

Names = tuple[str, str, str]
"""Names of a request, a policy and a matcher definition, such as `r`, `p`, `m`."""


class Plan:
    """One request, policy and matcher definition, made ready to decide.

    Attributes:
        rules: Of the policy definition, in order.
        steps: How the parts of the matcher run.
    """

    def __init__(self, loaded: Loaded, names: Names) -> None:
        """Read the matcher and index the rules.

        Raises:
            NotCompiled: pycasbin has to decide.
            RuntimeError: the model has no matcher.
            KeyError: a name is not defined.
        """
        request, policy, matcher = names
        model = loaded.model
        if "m" not in (model["m"] or {}):
            raise RuntimeError("model is undefined")
        columns, positions = model["p"][policy].tokens, model["r"][request].tokens
        self.rules = loaded.rules[policy]
        refuse_other_values(self.rules)
        self._arity, self._width = len(positions), len(columns)
        fitting = [len(rule) == len(columns) for rule in self.rules]
        usable = fitting.index(False) if False in fitting else len(fitting)
        self._usable = dict(enumerate(self.rules[:usable]))
        self._scope = Scope(_places(positions), _places(columns), loaded.functions)
        effect = self._scope.rule.get(f"{policy}_eft")
        self._combination = Combination(
            loaded.effect,
            ["allow" if effect is None else rule[effect] for rule in self._usable.values()],
            is_cut_short=usable < len(self.rules),
        )
        self._text: str = model["m"][matcher].value
        self._template = Matcher(self._text, self._scope)
        self._matchers = self._matchers_of_rules()
        self._reading = Reading(self._scope, loaded.roles, self._values)
        self.steps: list[Step] = []
        self._positions: list[int] = []
        self._searches: list[Search] = []
        self._tests: list[Closure | None] = []
        self._strays: list[int] = []
        self._is_ranked = False
        self._look_up: Callable[[Values], list[Any]] = self._leaves
        self._compile()

    def decide(self, request: Values) -> Verdict:
        """Whether *request* is allowed, and the position of the rule that explains it or -1.

        Raises:
            RuntimeError: *request* has too few or too many values, a rule has, or the matcher
                yields neither bool nor float.
            Exception: what else evaluating the matcher raises, as in pycasbin.
        """
        if len(request) != self._arity:
            raise RuntimeError("invalid request size")
        for position in self._positions:
            if type(request[position]) is not str:
                return self._scan(request)
        if not self._searches:
            return self._scan(request)
        if self._is_ranked:
            ranks = self._look_up(request)
            return self._combination.by_rank(min(ranks) if ranks else None)
        return self._combination.over(self._matching(self._candidates(request), request))

    def explain(self, request: Values) -> tuple[bool, list[str]]:
        """The same with a copy of the rule itself, empty where there is none."""
        is_allowed, position = self.decide(request)
        return is_allowed, list(self.rules[position]) if position >= 0 else []

    def _matchers_of_rules(self) -> list[Matcher]:
        """The matcher of each rule: one for all, or one per text that rules bring."""
        if not asks_rules(self._text):
            return [self._template] * len(self._usable)
        columns = [
            place for name, place in self._scope.rule.items() if f"eval({name})" in self._text
        ]
        made: dict[Values, Matcher] = {}
        matchers = []
        for rule in self._usable.values():
            key = tuple([rule[column] for column in columns])
            if key not in made:
                made[key] = Matcher.of_rule(self._text, rule, self._scope)
            matchers.append(made[key])
        return matchers

    def _values(self, column: int) -> set[str]:
        return {rule[column] for rule in self._usable.values()}

    def _compile(self) -> None:
        if not self._template.is_sound:
            self.steps = [Step("scan", self._text, "cannot be parsed, so every decision raises")]
            return
        branches = [Branch(parts, self._reading) for parts in self._template.branches]
        if len(branches) > 1 and any(branch.tail for branch in branches):
            self.steps = [Step("scan", self._text, "a part of an `||` may raise")]
            return
        self.steps = [step for branch in branches for step in branch.steps]
        self._positions = sorted({place for branch in branches for place in branch.positions})
        self._settle_tests(branches)
        self._is_ranked = (
            self._combination.is_ranked
            and not self._strays
            and all(branch.is_settled_by_keys for branch in branches)
            and bool(self.rules)
        )
        rank = self._combination.rank if self._is_ranked else None
        strays = set(self._strays)
        found = {i: rule for i, rule in self._usable.items() if i not in strays}
        if self.rules:
            self._searches = [
                Search(branch, self._template, found, self._reading, rank) for branch in branches
            ]
        if len(self._searches) == 1:
            self._look_up = self._searches[0].leaves

    def _settle_tests(self, branches: Sequence[Branch]) -> None:
        """Decide what is asked of each rule that is found, and which rules are always asked."""
        if len(branches) > 1:
            self._tests = [matcher.whole for matcher in self._matchers]
            return
        (branch,) = branches
        head = _shape(self._template.branches[0][: branch.head])
        tests: dict[Matcher, Closure | None] = {}
        strays: set[Matcher] = set()
        for matcher in dict.fromkeys(self._matchers):
            parts, *others = matcher.branches
            if others or not matcher.is_sound or _shape(parts[: branch.head]) != head:
                strays.add(matcher)  # the rule's text broke out of its `eval()`
                tests[matcher] = matcher.whole
            else:
                tests[matcher] = matcher.closure([*branch.checks, *parts[branch.head :]])
        self._tests = [tests[matcher] for matcher in self._matchers]
        self._strays = [i for i, matcher in enumerate(self._matchers) if matcher in strays]

    def _leaves(self, request: Values) -> list[Any]:
        """The leaves of all branches."""
        return [leaf for search in self._searches for leaf in search.leaves(request)]

    def _candidates(self, request: Values) -> Sequence[int]:
        """Positions of the rules that may match, in order and each once."""
        leaves: list[list[int]] = self._look_up(request)
        if len(leaves) == 1 and not self._strays:
            return leaves[0]
        found = {position for leaf in leaves for position in leaf}
        return sorted(found.union(self._strays))

    @cached_property
    def _wholes(self) -> list[Closure]:
        return [matcher.whole for matcher in self._matchers]

    def _scan(self, request: Values) -> Verdict:
        is_whole = not asks_rules(self._text)
        if self.rules and (self._template.is_sound or not is_whole):
            return self._combination.over(self._matching(self._usable, request, self._wholes))
        if not is_whole:
            raise RuntimeError(
                "please make sure rule exists in policy when using eval() in matcher"
            )
        nothing = ("",) * self._width
        return self._combination.over_nothing(is_match=bool(self._template.whole(request, nothing)))

    def _matching(
        self,
        positions: Iterable[int],
        request: Values,
        tests: Sequence[Closure | None] | None = None,
    ) -> Iterator[int]:
        for position in positions:
            test = (tests or self._tests)[position]
            value = True if test is None else test(request, self.rules[position])
            if type(value) is not bool and not isinstance(value, float):
                raise RuntimeError("matcher result should be bool, int or float")
            if value:
                yield position


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _shape(parts: Iterable[ast.expr]) -> list[str]:
    return [ast.dump(part) for part in parts]
