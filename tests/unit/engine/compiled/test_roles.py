"""Roles answer as those of a pycasbin that has just been loaded."""

from itertools import product
from typing import Any

import pytest
from casbin import util

from tests.unit.engine.compiled.conftest import Load

NAMES = ("ann", "bob", "r0", "r1", "r9", "r10", "ghost", "/a/b", "/a/*", "/a/:x", "/a/b/c", "*")
CHAIN = "\n".join(f"g, r{i}, r{i + 1}" for i in range(12))
GRAPHS = {
    "chain": f"{CHAIN}\ng, ann, r0",
    "circle": "g, ann, r0\ng, r0, r1\ng, r1, ann",
    "itself": "g, ann, ann\ng, bob, r0",
    "a name like a role": "g, ann, bob\ng, bob, r0",
    "many": "\n".join(f"g, ann, r{i}" for i in range(11)),
    "patterns": "g, /a/:x, r0\ng, r0, r1\ng, /a/*, r9\ng, bob, /a/:x\ng, r1, /a/b",
    "patterns of patterns": "g, /a/*, /a/:x\ng, /a/:x, ann\ng, *, bob\ng, ann, /a/b",
    "none": "",
}
POLICY = "\n".join(f"p, {name}, x, {name}" for name in NAMES)


def _agree(ours: Any, fresh: Any, *more: str) -> None:
    for name, role in product(NAMES, NAMES):
        request = (name, *more, role)
        assert ours.enforce_ex(*request) == fresh().enforce_ex(*request), request


@pytest.mark.parametrize(
    "match", [None, util.key_match, util.key_match2], ids=["plain", "prefixes", "paths"]
)
@pytest.mark.parametrize("kind", ["key", "check"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_links(compiled: Load, plain: Load, graph: str, kind: str, match: Any) -> None:
    """Chains end after nine links, circles end, names may be patterns and roles at once."""
    matcher = "g(r.sub, p.sub) && r.act == p.act"
    matcher = matcher if kind == "key" else f"{matcher} && r.act.strip() == p.act && {matcher}"
    loaded = []
    for load in (compiled, plain):
        enforcer = load(matcher, f"{POLICY}\n{GRAPHS[graph]}", r="sub, act", g="g = _, _")
        if match is not None:
            enforcer.add_named_matching_func("g", match)
        loaded.append(enforcer)
    ours, theirs = loaded

    def fresh() -> Any:
        theirs.build_role_links()
        return theirs

    _agree(ours, fresh)


@pytest.mark.parametrize("asked", ["d1", "d2", "", "d9"])
@pytest.mark.parametrize("matcher", ["r.dom", "'d1'", "p.dom", "r.sub"])
@pytest.mark.parametrize("patterns", [False, True])
def test_domains(compiled: Load, plain: Load, matcher: str, patterns: bool, asked: str) -> None:
    """Links hold in their domain, and in those that match it where domains are patterns."""
    links = "g, ann, r0, d1\ng, r0, r1, d1\ng, r0, r9, d2\ng, bob, r0, d*\ng, ann, bob, ann"
    policy = "\n".join(f"p, {name}, d1, {name}" for name in NAMES)
    loaded = []
    for load in (compiled, plain):
        enforcer = load(
            f"g(r.sub, p.sub, {matcher}) && r.act == p.act",
            f"{policy}\n{links}",
            r="sub, dom, act",
            p="sub, dom, act",
            g="g = _, _, _",
        )
        if patterns:
            enforcer.add_named_domain_matching_func("g", util.key_match)
        loaded.append(enforcer)
    _agree(loaded[0], lambda: loaded[1], asked)


def test_a_text_may_hold_the_role(compiled: Load, plain: Load) -> None:
    """The name or the domain of a question may stand in the matcher itself."""
    for matcher in ("g('ann', p.sub, r.dom)", "g('ann', p.sub, 'd1')", "g('ann', p.sub)"):
        ours, theirs = (
            load(f"{matcher} && r.act == p.act", f"{POLICY}\ng, ann, r0, d1", **definitions)
            for load in (compiled, plain)
            for definitions in [{"r": "dom, act", "g": "g = _, _, _"}]
        )
        for request in product(("d1", "d2"), NAMES):
            assert ours.enforce_ex(*request) == theirs.enforce_ex(*request)


def test_questions_leave_no_trace(compiled: Load) -> None:
    """A name that was asked about does not become a pattern."""
    enforcer = compiled("g(r.sub, p.sub)", "p, books, x, y\ng, /book/:id, books", g="g = _, _")
    assert enforcer.add_named_matching_func("g", util.key_match2)
    assert enforcer.enforce("/book/*", "x", "y")
    assert not enforcer.enforce("/book/1/secret", "x", "y")


def _twice(_: object) -> bool:
    raise LookupError


@pytest.mark.parametrize("sub", ["ann", "bob", "kim", 7, ["ann"]])
@pytest.mark.parametrize(
    "matcher", ["g(r.sub, p.sub)", "g(r.sub, p.sub, r.obj)", "g(p.sub, r.sub)"]
)
def test_conditions(compiled: Load, plain: Load, matcher: str, sub: Any) -> None:
    """A link holds while its condition does; what a condition raises, the question raises."""
    policy = "p, r1, x, y\ng, ann, r0, _, _\ng, r0, r1, _, _\ng, bob, r1, _, _\ng, kim, r1, _, _"
    found = []
    for load in (compiled, plain):
        enforcer = load(matcher, policy, g="g = _, _, (_, _)")
        assert enforcer.add_named_link_condition_func("g", "ann", "r0", lambda *_: True)
        assert enforcer.add_named_link_condition_func("g", "bob", "r1", lambda *_: False)
        assert enforcer.add_named_link_condition_func("g", "kim", "r1", _twice)
        assert not enforcer.add_named_link_condition_func("g2", "kim", "r1", _twice)
        try:
            found.append(enforcer.enforce_ex(sub, "x", "y"))
        except TypeError:
            found.append("raises")
    assert found[0] == found[1]


def test_conditions_end_after_ten_links(compiled: Load) -> None:
    """One link further than roles without conditions, as in pycasbin."""
    links = "\n".join(f"g, n{i}, n{i + 1}, _, _" for i in range(12))
    enforcer = compiled(
        "g(r.sub, p.sub) && r.act == p.act",
        "\n".join([f"p, n{i}, x, {i}" for i in range(13)] + [links]),
        g="g = _, _, (_, _)",
    )
    assert [enforcer.enforce("n0", "x", str(i)) for i in (10, 11)] == [True, False]


def test_beside_conditions_names_are_compared(compiled: Load, plain: Load) -> None:
    """Where one role definition has conditions, links of one without are ignored."""
    policy, roles = "p, r0, x, y\ng2, ann, r0", "g = _, _, (_, _)\ng2 = _, _"
    for matcher in ("g2(r.sub, p.sub)", "g2(r.sub.strip(), p.sub)", "g2(r.obj, r.act)"):
        ours, theirs = (load(matcher, policy, g=roles) for load in (compiled, plain))
        for request in product(("ann", "r0"), ("x", ["x"]), ("x", "y")):
            assert ours.enforce_ex(*request) == theirs.enforce_ex(*request)
