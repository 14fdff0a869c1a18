"""Whatever a matcher may say means what it means to pycasbin, errors included."""

import builtins
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.unit.engine.compiled.conftest import Load
from tests.unit.engine.compiled.published import Person

POLICY = "p, ann, 7, read\np, bob, /a/*, write"
ANN = Person("ann", 30)
EXPRESSIONS = {
    "names": "r.sub == p.sub",
    "unknown name": "r.sub == nobody",
    "function as a name": "keyMatch != p.sub",
    "unknown function": "nothing(r.sub)",
    "missing argument": "keyMatch(r.sub)",
    "keyword": "startswith(r.sub, start='a')",
    "starred": "keyMatch(*[r.sub, p.sub])",
    "three arguments": "between(p.obj, '1', '8')",
    "function of a function": "keyMatch(r.sub)(p.sub)",
    "attribute": "r.who.age > 18",
    "item as attribute": "r.box.age > 18",
    "nested items": "r.box.inner.deep == 'x'",
    "missing attribute": "r.who.size > 18",
    "missing attribute of a text": "r.sub.size > 18",
    "private attribute": "r.who._secret == 1",
    "closed attribute": "r.sub.format == 1",
    "method": "r.sub.startswith('a')",
    "method of an item": "r.box.keys() != p.sub",
    "module": "r.module.compile('a') != p.sub",
    "forbidden value": "r.evil == p.sub",
    "forbidden within a list": "r.evils == p.sub",
    "and": "r.sub == p.sub && r.act == p.act && 'x' == 'x'",
    "value of and": "r.sub == p.sub && r.who.age",
    "or": "r.who.age < 1 || r.sub == p.sub || r.act == p.act",
    "value of or": "r.sub || p.sub == 'x'",
    "not": "!(r.sub == p.sub)",
    "minus": "-r.who.age < 0",
    "unknown operator": "r.who.age @ 2 == 1",
    "inverse": "~r.who.age < 0",
    "sum": "r.sub + p.sub == 'annann'",
    "power": "2 ** 3 == 8",
    "too long": "'a' * 200000 == 'a'",
    "chain": "'a' < r.sub < 'b'",
    "chain that ends early": "'b' < r.sub < nobody",
    "in": "r.sub in p.sub",
    "in a list": "r.sub in ['ann', 'kim']",
    "in a set": "r.sub in {'ann', 'kim'}",
    "in nothing": "p.sub in []",
    "not in": "r.sub not in ('ann', 'kim')",
    "list": "[r.sub, 1] == ['ann', 1]",
    "starred list": "[*r.sub] == ['a', 'n', 'n']",
    "is": "r.who is None",
    "choice": "(p.sub if r.act == 'read' else r.sub) == 'ann'",
    "item": "r.box['age'] > 18",
    "missing item": "r.box['size'] > 18",
    "slice": "r.sub[:2] == 'an'",
    "position": "r.sub[0] == 'a'",
    "dict": "{'a': r.sub}['a'] == p.sub",
    "formatted": "f'{r.sub}' == p.sub",
    "comprehension": "[x for x in ['ann'] if x == p.sub] == ['ann']",
    "lambda": "(lambda: True)()",
    "float": "1.0",
    "nothing as a number": "0.0",
    "whole number": "1",
    "none": "None",
    "bytes": "b'a' == p.sub",
    "long text": f"'{'a' * 10_001}' == p.sub",
    "bad pattern of a rule": "regexMatch(r.sub, p.obj)",
    "bad pattern": "regexMatch(r.sub, '(') || r.sub == p.sub",
    "own groups": "keyMatch4(r.sub, '(ann)') && r.sub == p.sub",
    "pattern asked for": "keyMatch(p.sub, r.sub)",
    "statement": "r.sub = p.sub",
    "nothing of an expression": "import os",
    "syntax": "r.sub ==",
    "two texts": "'a' == 'a'",
    "one of two that may raise": "(r.sub == p.sub || r.who.age < 1)",
    "constant pattern": "keyMatch(r.sub, 'a*')",
    "rule against rule": "p.sub != p.obj && keyMatch('x', p.obj)",
}
REQUEST = ["sub", "obj", "act", "who", "box", "module", "evil", "evils"]
ASKED: list[tuple[Any, ...]] = [
    (sub, "/a/b", act, ANN, {"age": 5, "inner": {"deep": "x"}}, re, builtins.eval, [builtins.eval])
    for sub in ("ann", "bob", "", 7, ["ann"])
    for act in ("read", "write")
]


def _outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever is raised is compared
        return type(error).__name__


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "after a key"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_means_what_it_means_to_pycasbin(
    compiled: Load, plain: Load, name: str, alone: bool
) -> None:
    """Value or kind of error are the same, for every rule, whatever is asked."""
    matcher = EXPRESSIONS[name] if alone else f"r.act == p.act && {EXPRESSIONS[name]}"
    both = [load(matcher, POLICY, r=", ".join(REQUEST)) for load in (compiled, plain)]
    for enforcer in both:
        enforcer.add_function("startswith", lambda text, start: text.startswith(start))
        enforcer.add_function("between", lambda text, low, high: low < text < high)
    for request in ASKED:
        ours, theirs = (_outcome(each.enforce_ex, *request) for each in both)
        assert ours == theirs, request


@pytest.mark.parametrize(
    "texts",
    [
        ("True", "r.sub == 'ann'"),
        ("r.who.age > 18", "r.who.size > 18"),
        ("r.sub ==", "True"),
        ('"(" != "") or (")" == "x"', "False"),
        ('"(" == "") or (")" == "x"', '"(" != "") and (p.act == "read" and "(" != ")"'),
        ('"(" == "") or ("x" == "x" or ")" == ""', "False"),
        ("nobody", "1.0"),
    ],
)
@pytest.mark.parametrize(
    "matcher",
    [
        "eval(p.obj)",
        "r.act == p.act && eval(p.obj)",
        "eval(p.obj) && r.act == p.act",
        "r.act == p.act && eval(p.obj) || r.sub == 'root'",
        "eval(p.obj) && eval(p.act)",
        "eval(r.sub)",
        "eval(p.obj",
    ],
)
def test_rules_that_bring_texts(
    compiled: Load, plain: Load, matcher: str, texts: tuple[str, ...]
) -> None:
    """The text of a rule is part of the matcher, also where it breaks out of its place."""
    policy = "\n".join(f"p, ann, {text}, {act}" for text in texts for act in ("read", "write"))
    both = [load(matcher, policy, r=", ".join(REQUEST)) for load in (compiled, plain)]
    for request in [*ASKED, ("root", *ASKED[0][1:])]:
        ours, theirs = (_outcome(each.enforce_ex, *request) for each in both)
        assert ours == theirs, request


PATTERNS = {
    "keyMatch": ("/a/*", ""),
    "keyMatch2": ("/a/:x", "a**"),
    "keyMatch3": ("/a/{x}", "a**"),
    "keyMatch4": ("/a/{x}", "(ann)"),
    "keyMatch5": ("/a/{x}", "a**"),
    "regexMatch": ("ann|kim", "a**"),
    "globMatch": ("a*", "{1..9999}"),
    "ipMatch": ("", "10.0.0.0/8"),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_that_may_raise(compiled: Load, plain: Load, name: str) -> None:
    """What follows is looked up only if no pattern of any rule can raise."""
    good, bad = PATTERNS[name]
    matcher = f"{name}(r.sub, p.obj) && r.act == p.act"
    for pattern in filter(None, (good, bad)):
        policy = f"p, ann, {pattern}, write\np, bob, {pattern}, read"
        both = [load(matcher, policy) for load in (compiled, plain)]
        assert (both[0].explain_plan()[1].how == "key") is (pattern == good)
        for request in product(("ann", "/a/b", "ann\n", "10.1.1.1"), ("x",), ("read", "list")):
            ours, theirs = (_outcome(each.enforce_ex, *request) for each in both)
            assert ours == theirs, request


def test_texts_need_rules(compiled: Load) -> None:
    """Where rules bring texts, a policy without rules cannot be asked."""
    with pytest.raises(RuntimeError, match="make sure rule exists"):
        compiled("eval(p.obj)").enforce("ann", "x", "y")


@pytest.mark.parametrize("policy", ["p, ann, x", "p, ann, x, read\np, ann, x, read, more"])
def test_a_rule_of_the_wrong_length(compiled: Load, plain: Load, policy: str) -> None:
    """It raises once it is reached, whether or not rules are looked up."""
    for matcher in ("r.sub == p.sub", "r.sub.upper() == p.sub"):
        both = [load(matcher, policy) for load in (compiled, plain)]
        for sub in ("ann", "ANN", "bob"):
            ours, theirs = (_outcome(each.enforce_ex, sub, "x", "read") for each in both)
            assert ours == theirs


def test_a_request_of_the_wrong_length(compiled: Load) -> None:
    """Too few values are refused before anything is asked."""
    with pytest.raises(RuntimeError, match="invalid request size"):
        compiled("r.sub == p.sub", POLICY).enforce("ann")
