"""Matchers as Python closures that mean what pycasbin's evaluator means.

pycasbin walks the parsed matcher once per rule, with `simpleeval`. A closure is made once per node
and then called with the values of the request and of the rule. No text is ever evaluated: a node
outside the subset below, and every error, is left to pycasbin's own evaluator, on that very node.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casbin.util import SimpleEval

Values = Sequence[Any]
Closure = Callable[[Values, Values], Any]
"""What a node yields for the values of a request and of a rule."""

LONGEST = 10_000
"""Characters of a constant that is compiled; pycasbin refuses those over 100,000."""
_PLAIN = frozenset({str, bool, int, float, type(None)})
_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = SimpleEval("0").operators
_refuse_forbidden: Callable[[Any], None] = SimpleEval("0")._check_disallowed_items  # noqa: SLF001


@dataclass(frozen=True)
class Scope:
    """What the names of a matcher stand for.

    Attributes:
        request: Position of each request definition's name, such as `r_sub`.
        rule: Position of each policy definition's name, such as `p_sub`.
        functions: By name, those of the enforcer and of its roles.
    """

    request: Mapping[str, int]
    rule: Mapping[str, int]
    functions: Mapping[str, Callable[..., Any]]


class _Outside(Exception):
    """A node that is not of the subset."""


def compile_node(node: ast.expr, scope: Scope) -> Closure:
    """The closure of *node*, itself or by pycasbin's evaluator."""
    try:
        return _MAKERS[type(node)](node, scope)
    except (KeyError, _Outside):
        return interpreted(node, scope)


def interpreted(node: ast.expr, scope: Scope) -> Closure:
    """The closure that hands *node* to pycasbin's evaluator, a fresh one per call."""
    functions = dict(scope.functions)

    def run(request: Values, rule: Values) -> Any:
        evaluator = SimpleEval("", functions)
        evaluator.ast_parsed_value = node
        names = {name: request[i] for name, i in scope.request.items()}
        return evaluator.eval(names | {name: rule[i] for name, i in scope.rule.items()})

    return run


def checked(value: Any) -> Any:
    """*value*, unless it is or holds what pycasbin's evaluator never hands out.

    Raises:
        FeatureNotAvailable: of simpleeval; a module, or a function such as `eval`.
    """
    if type(value) not in _PLAIN:
        _refuse_forbidden(value)
    return value


def _name(node: ast.Name, scope: Scope) -> Closure:
    if node.id in scope.rule:
        column = scope.rule[node.id]
        return lambda _, rule: rule[column]
    if node.id in scope.request:
        position = scope.request[node.id]
        return lambda request, _: checked(request[position])
    raise _Outside


def _constant(node: ast.Constant, scope: Scope) -> Closure:
    del scope
    value = node.value
    if type(value) not in _PLAIN or (isinstance(value, str) and not is_short_text(value)):
        raise _Outside
    return lambda _, __: value


def is_short_text(value: Any) -> bool:
    """Whether *value* is a text that is compiled."""
    return type(value) is str and len(value) <= LONGEST


def _attribute(node: ast.Attribute, scope: Scope) -> Closure:
    if _is_closed(node.attr):
        raise _Outside
    owner, name, failing = compile_node(node.value, scope), node.attr, interpreted(node, scope)

    def get(request: Values, rule: Values) -> Any:
        value = owner(request, rule)
        try:
            found = getattr(value, name)
        except (AttributeError, TypeError):
            try:
                found = value[name]
            except (KeyError, TypeError):
                return failing(request, rule)
        return checked(found)

    return get


def _is_closed(name: str) -> bool:
    """Whether pycasbin's evaluator refuses every attribute of this name."""
    evaluator = SimpleEval(f"x.{name}")
    try:
        evaluator.eval({"x": {name: True}})
    except Exception:  # noqa: BLE001 - whichever way it refuses
        return True
    return False


def _call(node: ast.Call, scope: Scope) -> Closure:
    if node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
        raise _Outside
    arguments = [compile_node(each, scope) for each in node.args]
    if isinstance(node.func, ast.Attribute):
        method = compile_node(node.func, scope)
        return lambda request, rule: checked(
            method(request, rule)(*[each(request, rule) for each in arguments])
        )
    if not isinstance(node.func, ast.Name) or node.func.id not in scope.functions:
        raise _Outside
    function = scope.functions[node.func.id]
    if len(arguments) == 2:  # noqa: PLR2004 - the functions of every day
        one, two = arguments
        return lambda request, rule: checked(function(one(request, rule), two(request, rule)))
    return lambda request, rule: checked(function(*[each(request, rule) for each in arguments]))


def _compare(node: ast.Compare, scope: Scope) -> Closure:
    first = compile_node(node.left, scope)
    tests = [
        (_operator(each), compile_node(operand, scope))
        for each, operand in zip(node.ops, node.comparators, strict=True)
    ]
    if len(tests) == 1:
        operator, second = tests[0]
        return lambda request, rule: checked(operator(first(request, rule), second(request, rule)))

    def compare(request: Values, rule: Values) -> Any:
        right, holds = first(request, rule), True
        for operator, operand in tests:
            left, right = right, operand(request, rule)
            holds = operator(left, right)
            if not holds:
                break
        return checked(holds)

    return compare


def _both(node: ast.BoolOp, scope: Scope) -> Closure:
    parts = [compile_node(each, scope) for each in node.values]
    return conjunction(parts) if isinstance(node.op, ast.And) else _disjunction(parts)


def conjunction(parts: Sequence[Closure]) -> Closure:
    """`and` over *parts*: the first value that is false, or the last one."""
    if len(parts) == 1:
        return parts[0]
    *before, last = parts

    def run(request: Values, rule: Values) -> Any:
        for part in before:
            value = part(request, rule)
            if not value:
                return value
        return last(request, rule)

    return run


def _disjunction(parts: Sequence[Closure]) -> Closure:
    *before, last = parts

    def run(request: Values, rule: Values) -> Any:
        for part in before:
            value = part(request, rule)
            if value:
                return value
        return last(request, rule)

    return run


def _unary(node: ast.UnaryOp, scope: Scope) -> Closure:
    operator, operand = _operator(node.op), compile_node(node.operand, scope)
    return lambda request, rule: checked(operator(operand(request, rule)))


def _binary(node: ast.BinOp, scope: Scope) -> Closure:
    operator = _operator(node.op)
    left, right = compile_node(node.left, scope), compile_node(node.right, scope)
    return lambda request, rule: checked(operator(left(request, rule), right(request, rule)))


def _choice(node: ast.IfExp, scope: Scope) -> Closure:
    test, yes, no = (compile_node(each, scope) for each in (node.test, node.body, node.orelse))
    return lambda request, rule: (yes if test(request, rule) else no)(request, rule)


def _item(node: ast.Subscript, scope: Scope) -> Closure:
    if isinstance(node.slice, ast.Slice):
        raise _Outside
    owner, key = compile_node(node.value, scope), compile_node(node.slice, scope)
    return lambda request, rule: checked(owner(request, rule)[key(request, rule)])


def _several(node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Closure:
    if any(isinstance(each, ast.Starred) for each in node.elts):
        raise _Outside
    made = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
    parts = [compile_node(each, scope) for each in node.elts]
    return lambda request, rule: made([part(request, rule) for part in parts])


def _operator(operator: ast.AST) -> Callable[..., Any]:
    try:
        return _OPERATORS[type(operator)]
    except KeyError:
        raise _Outside from None


_MAKERS: Mapping[type[ast.AST], Callable[[Any, Scope], Closure]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.BoolOp: _both,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.IfExp: _choice,
    ast.Subscript: _item,
    ast.List: _several,
    ast.Tuple: _several,
    ast.Set: _several,
}
