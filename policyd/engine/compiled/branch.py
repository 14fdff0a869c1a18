"""One conjunction of a matcher, split into what is looked up and what is asked rule by rule."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from policyd.engine.compiled.closures import Values
from policyd.engine.compiled.index import Index
from policyd.engine.compiled.matcher import Matcher
from policyd.engine.compiled.reading import Key, Reading


class Step(NamedTuple):
    """How a part of a matcher is run, for people.

    Attributes:
        how: `key` (looked up), `guard` (asked once per request), `fixed` (settled when loaded),
            `check` (asked of each rule found), `scan` (asked of every rule) or `pycasbin`.
        part: The part, as it was read.
        why: The reason, where it is not looked up.
    """

    how: str
    part: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.how} {self.part}" + (f" ({self.why})" if self.why else "")


class Branch:
    """The parts of a conjunction, in their order, by what becomes of each.

    Attributes:
        head: How many parts come before the first that may raise.
        keys: By column, parts among these that are looked up.
        guards: Those that are about the request alone.
        fixed: Those that are about a rule alone.
        checks: Those that are asked of each rule found.
        tail: The parts from the first on that may raise, asked after all others.
        positions: Of the request, those that must hold texts for all this to be so.
        steps: The same for people.
    """

    def __init__(self, parts: Sequence[ast.expr], reading: Reading) -> None:
        """Sort *parts*."""
        self.steps: list[Step] = []
        self.positions: set[int] = set()
        self.checks: list[ast.expr] = []
        self.keys: dict[int, Key] = {}
        self.guards: list[ast.expr] = []
        self.fixed: list[ast.expr] = []
        self.head = len(parts)
        for number, part in enumerate(parts):
            if not self._sort(part, reading):
                self.head = number
                break
        self.tail = list(parts[self.head :])
        why = "may raise"
        for part in self.tail:
            self.steps.append(Step("check", ast.unparse(part), why))
            why = "after one that may raise"

    def _sort(self, part: ast.expr, reading: Reading) -> bool:
        """Put *part* in its place; whether it cannot raise."""
        tokens = reading.tokens(part)
        if tokens is None:
            return False
        kinds = {token.kind for token in tokens}
        self.positions |= {token.value for token in tokens if token.kind == "request"}
        key = reading.key(part)
        if "rule" not in kinds:
            self.guards.append(part)
            how = "guard"
        elif "request" not in kinds:
            self.fixed.append(part)
            how = "fixed"
        elif key is not None and key.column not in self.keys:
            self.keys[key.column] = key
            how = "key"
        else:
            self.checks.append(part)
            how = "check"
        self.steps.append(Step(how, ast.unparse(part)))
        return True

    @property
    def is_settled_by_keys(self) -> bool:
        """Whether nothing is left to ask of the rules found."""
        return not (self.checks or self.tail)


class Search:
    """The rules that one branch may match, found for a request."""

    def __init__(
        self,
        branch: Branch,
        matcher: Matcher,
        rules: Mapping[int, Values],
        reading: Reading,
        rank: Callable[[int], int] | None,
    ) -> None:
        """Index those of *rules* that can match at all.

        Args:
            branch: Of *matcher*.
            matcher: Makes closures of its parts.
            rules: By position.
            reading: What *branch* was sorted with.
            rank: Of a position, where the leaves are to hold the least one.
        """
        self._guard = matcher.closure(branch.guards)
        fixed = matcher.closure(branch.fixed)
        if fixed is not None:
            rules = {position: rule for position, rule in rules.items() if fixed((), rule)}
        self._look_up = Index(rules, list(branch.keys.values()), reading.roles, rank).leaves
        self.leaves = self._look_up if self._guard is None else self._guarded
        """Lists of positions, or ranks, for a request."""

    def _guarded(self, request: Values) -> list[Any]:
        return self._look_up(request) if self._guard and self._guard(request, ()) else []
