"""What the parts of a matcher ask: which cannot raise, and which are keys of a rule's column.

INVARIANT: a part is looked up, or moved before others, only if it cannot raise whatever texts it
is asked about. So no error that pycasbin would meet is skipped, and none met that it would not.
"""

import ast
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from casbin.util import builtin_operators as built_in

from policyd.engine.compiled.closures import Scope, is_short_text
from policyd.engine.compiled.roles import Roles


class Token(NamedTuple):
    """A value that a part names: `kind` is `request`, `rule` or `text`."""

    kind: str
    value: Any


class Source(NamedTuple):
    """Where keys of a column come from.

    Attributes:
        kind: `same` (a value of the request), `text`, `prefix` or `role`.
        token: The value that is equal, is matched against patterns, or holds the roles.
        roles: Name of the role definition.
        domain: Its third argument.
    """

    kind: str
    token: Token
    roles: str = ""
    domain: Token = Token("text", "")


class Key(NamedTuple):
    """A part that says: this column holds one of the keys that the request determines."""

    column: int
    sources: tuple[Source, ...]


_LISTS = (ast.List, ast.Tuple, ast.Set)


@dataclass(frozen=True)
class Reading:
    """Reads the parts of a matcher over one set of rules.

    Attributes:
        scope: What the names stand for.
        roles: By name, the role definitions that cannot raise.
        values: The values that the rules have in a column.
    """

    scope: Scope
    roles: Mapping[str, Roles]
    values: Callable[[int], Collection[str]]

    def tokens(self, node: ast.expr) -> list[Token] | None:
        """The values that *node* compares, if it yields a bool and cannot raise, given texts."""
        if isinstance(node, ast.BoolOp):
            return self._all(node.values)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.tokens(node.operand)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._called(node.func.id, node.args)
        return None

    def key(self, node: ast.expr) -> Key | None:
        """*node*, which cannot raise, as keys of one column."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            keys = [self.key(each) for each in node.values]
            found = [each for each in keys if each is not None]
            if len(found) < len(keys) or len({each.column for each in found}) > 1:
                return None
            return Key(found[0].column, tuple(source for each in found for source in each.sources))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._equal(node)
        if isinstance(node, ast.Call):
            return self._function(node)
        return None

    def _all(self, nodes: Iterable[ast.expr]) -> list[Token] | None:
        found = [self.tokens(each) for each in nodes]
        if None in found:
            return None
        return [token for each in found for token in each or ()]

    def _token(self, node: ast.expr) -> Token | None:
        if isinstance(node, ast.Constant) and is_short_text(node.value):
            return Token("text", node.value)
        if isinstance(node, ast.Name) and node.id in self.scope.rule:
            return Token("rule", self.scope.rule[node.id])
        if isinstance(node, ast.Name) and node.id in self.scope.request:
            return Token("request", self.scope.request[node.id])
        return None

    def _known(self, nodes: Iterable[ast.expr]) -> list[Token]:
        tokens = [self._token(each) for each in nodes]
        return [each for each in tokens if each is not None]

    def _named(self, nodes: Sequence[ast.expr]) -> list[Token] | None:
        found = self._known(nodes)
        return found if len(found) == len(nodes) else None

    def _compared(self, node: ast.Compare) -> list[Token] | None:
        if all(isinstance(each, (ast.Eq, ast.NotEq)) for each in node.ops):
            return self._named([node.left, *node.comparators])
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return self._named([node.left, *_members(node.comparators[0])])
        return None

    def _called(self, name: str, arguments: list[ast.expr]) -> list[Token] | None:
        function = self.scope.functions.get(name)
        if name in self.roles:
            return self._named(arguments) if len(arguments) in {2, 3} else None
        if function not in _NEVER_RAISES or len(arguments) != 2:  # noqa: PLR2004 - text and pattern
            return None
        tokens = self._named(arguments)
        if tokens is None or tokens[1].kind == "request":
            return None
        _, pattern = tokens
        patterns = self.values(pattern.value) if pattern.kind == "rule" else [pattern.value]
        return tokens if all(_NEVER_RAISES[function](each) for each in patterns) else None

    def _equal(self, node: ast.Compare) -> Key | None:
        operator, right = node.ops[0], node.comparators[0]
        if not (isinstance(operator, ast.Eq) or (isinstance(operator, ast.In) and _is_list(right))):
            return None
        left, *others = self._known([node.left, *_members(right)])
        if isinstance(operator, ast.Eq) and others[0].kind == "rule":
            left, others = others[0], [left]
        if left.kind != "rule" or any(each.kind == "rule" for each in others):
            return None
        kinds = {"request": "same", "text": "text"}
        return Key(left.value, tuple(Source(kinds[each.kind], each) for each in others))

    def _function(self, node: ast.Call) -> Key | None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        first, second, *rest = self._known(node.args)
        if second.kind != "rule" or first.kind == "rule":
            return None
        if name not in self.roles:
            is_prefix = self.scope.functions[name] is built_in.key_match_func
            return Key(second.value, (Source("prefix", first),)) if is_prefix else None
        domain = rest[0] if rest else Token("text", "")
        if domain.kind == "rule":
            return None
        return Key(second.value, (Source("role", first, name, domain),))


def _is_list(node: ast.expr) -> bool:
    return isinstance(node, _LISTS)


def _members(node: ast.expr) -> list[ast.expr]:
    """The members of a list that is spelt out, or what is searched itself."""
    return node.elts if isinstance(node, _LISTS) else [node]


def _always(pattern: str) -> bool:
    """Whether *pattern* is one whatever it says."""
    del pattern
    return True


def _tried(match: Callable[[str, str], Any]) -> Callable[[str], bool]:
    """The test whether *match* takes a pattern: what it makes of it does not depend on the text."""

    def takes(pattern: str) -> bool:
        try:
            match("", pattern)
        except Exception:  # noqa: BLE001 - a pattern that does not compile, or expands too far
            return False
        return True

    return takes


def _takes_names(pattern: str) -> bool:
    """Whether `keyMatch4` takes *pattern*: it raises when it meets groups of the pattern's own."""
    return "(" not in pattern and _tried(built_in.key_match4)(pattern)


_NEVER_RAISES: dict[Callable[..., Any] | None, Callable[[str], bool]] = {
    built_in.key_match_func: _always,
    built_in.key_match2_func: _tried(built_in.key_match2),
    built_in.key_match3_func: _tried(built_in.key_match3),
    built_in.key_match4_func: _takes_names,
    built_in.key_match5_func: _tried(built_in.key_match5),
    built_in.regex_match_func: _tried(built_in.regex_match),
    built_in.glob_match_func: _tried(built_in.glob_match),
}
"""casbin's functions of a text and a pattern, and which patterns they take from any text."""
