"""A matcher's text as the parts that it joins by `&&` and `||`."""

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from casbin.core_enforcer import CoreEnforcer
from casbin.util import util

from policyd.engine.compiled.closures import Closure, Scope, Values, compile_node, conjunction


class Matcher:
    """One matcher, parsed by pycasbin; what cannot be parsed raises when it is run, as there."""

    def __init__(self, text: str, scope: Scope) -> None:
        """Parse *text*, in which `eval()` has been replaced."""
        self._scope = scope
        self._error: Exception | None = None
        self.tree: ast.expr = ast.Constant(value=False)
        self._parse(text)

    @classmethod
    def of_rule(cls, text: str, rule: Values, scope: Scope) -> "Matcher":
        """The matcher *text* with the texts of *rule* in place of its `eval()`s."""
        names = util.get_eval_value(text)
        unknown = [name for name in names if name not in scope.rule]
        if unknown:
            matcher = cls("False", scope)
            matcher._error = KeyError(unknown[0])
            return matcher
        texts = [util.escape_assertion(rule[scope.rule[name]]) for name in names]
        return cls(util.replace_eval(text, texts), scope)

    def _parse(self, text: str) -> None:
        try:
            parsed = CoreEnforcer._get_expression(text, dict(self._scope.functions))  # noqa: SLF001
            self.tree = parsed.ast_parsed_value
        except Exception as error:  # noqa: BLE001 - whatever pycasbin says of it, it says per call
            self._error = error

    @property
    def is_sound(self) -> bool:
        """Whether it could be parsed."""
        return self._error is None

    @cached_property
    def branches(self) -> list[list[ast.expr]]:
        """The operands of the topmost `||`, each as the operands of its topmost `&&`."""
        return [list(_operands(each, ast.And)) for each in _operands(self.tree, ast.Or)]

    @cached_property
    def whole(self) -> Closure:
        """The closure of all of it."""
        error = self._error
        return _raising(error) if error is not None else compile_node(self.tree, self._scope)

    def closure(self, parts: Sequence[ast.expr]) -> Closure | None:
        """The closure of *parts* joined by `&&`, or None where there are none."""
        return conjunction([compile_node(each, self._scope) for each in parts]) if parts else None


def _raising(error: Exception) -> Closure:
    def fail(request: Values, rule: Values) -> Any:
        del request, rule
        raise type(error)(*error.args) from error

    return fail


def _operands(tree: ast.expr, operator: type[ast.boolop]) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, operator):
        for value in tree.values:
            yield from _operands(value, operator)
    else:
        yield tree


def asks_rules(text: str) -> bool:
    """Whether the matcher *text* has an `eval()`, so that each rule brings its own part of it."""
    return bool(util.has_eval(text))
