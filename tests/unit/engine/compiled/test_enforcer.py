"""The shell: how it is loaded, what it hands to pycasbin, and that nothing reaches its policy."""

from pathlib import Path
from typing import Any

import casbin
import pytest
from casbin import util
from casbin.core_enforcer import EnforceContext
from casbin.effect import AllowOverrideEffector
from casbin.persist import Adapter
from casbin.rbac.default_role_manager.role_manager import RoleManager

from policyd.engine.access import CompiledEnforcer
from policyd.model.errors import UsageError
from tests.unit.engine.compiled.conftest import Load, model_of, model_text
from tests.unit.engine.compiled.published import ALLOW, BOTH, DENY, PRIORITY

ACL = "r.sub == p.sub && r.obj == p.obj && r.act == p.act"
POLICY = "p, ann, stock, read\n\n# a comment\np, bob, pay, write"
ANN = ("ann", "stock", "read")


def test_loads_from_paths(tmp_path: Path) -> None:
    """Model and policy may be files, as for pycasbin."""
    (tmp_path / "model.conf").write_text(model_text(ACL))
    (tmp_path / "policy.csv").write_text(POLICY)
    enforcer = CompiledEnforcer(str(tmp_path / "model.conf"), str(tmp_path / "policy.csv"))
    assert enforcer.enforce(*ANN)
    assert not enforcer.enforce("bob", "stock", "read")


def test_a_missing_file_is_pycasbins_error(tmp_path: Path) -> None:
    """What pycasbin cannot load is refused in its words."""
    (tmp_path / "model.conf").write_text(model_text(ACL))
    with pytest.raises(RuntimeError, match="invalid file path"):
        CompiledEnforcer(str(tmp_path / "model.conf"), str(tmp_path / "gone.csv"))


def test_a_model_without_a_matcher() -> None:
    """It loads, and raises when it is asked, as pycasbin."""
    text = model_text(ACL)
    enforcer = CompiledEnforcer.from_text(text[: text.index("[matchers]")], POLICY)
    with pytest.raises(RuntimeError, match="model is undefined"):
        enforcer.enforce(*ANN)


def test_stands_for_the_enforcer_as_it_was(plain: Load) -> None:
    """Made of a loaded enforcer it has its roles and functions, and misses later changes."""
    loaded = plain("g(r.sub, p.sub) && same(r.obj, p.obj)", "p, buyer, stock, read", g="g = _, _")
    loaded.enable_auto_save(False)
    loaded.add_function("same", lambda one, other: one == other)
    loaded.add_grouping_policy("ann", "buyer")
    compiled = CompiledEnforcer.of(loaded)
    loaded.add_policy("bob", "stock", "read")
    loaded.add_grouping_policy("kim", "buyer")
    loaded.add_function("same", lambda *_: False)
    assert [compiled.enforce(name, "stock", "x") for name in ("ann", "bob", "kim")] == [
        True,
        False,
        False,
    ]


def test_an_enforcer_that_is_switched_off_is_refused(plain: Load) -> None:
    """It would allow everything."""
    loaded = plain(ACL, POLICY)
    loaded.enable_enforce(False)
    with pytest.raises(UsageError, match="switched off") as caught:
        CompiledEnforcer.of(loaded)
    assert caught.value.code == "enforcer-disabled"


def test_an_enforcer_with_a_way_of_its_own_is_refused() -> None:
    """What another enforcer does beside deciding is not known."""
    loaded = casbin.FastEnforcer(model_of(model_text(ACL)))
    with pytest.raises(UsageError, match="`FastEnforcer` decides in a way of its own") as caught:
        CompiledEnforcer.of(loaded)
    assert caught.value.code == "enforcer-unknown"


class _OwnEffector(AllowOverrideEffector):  # type: ignore[misc]  # casbin has no types
    """An effect that is not pycasbin's own."""


class _OwnRoles(RoleManager):  # type: ignore[misc]  # casbin has no types
    """Roles that are not kept by pycasbin's own manager."""


class _Numbers(Adapter):  # type: ignore[misc]  # casbin has no types
    """A policy that holds a number."""

    def load_policy(self, model: Any) -> None:
        """Load one rule."""
        model["p"]["p"].policy.append(["ann", 7, "read"])


def test_own_effects_are_left_to_pycasbin(plain: Load) -> None:
    """An effector that is not known is asked itself, and the plan says so."""
    loaded = plain(ACL, POLICY)
    loaded.set_effector(_OwnEffector())
    compiled = CompiledEnforcer.of(loaded)
    (step,) = compiled.explain_plan()
    assert str(step) == "pycasbin all of it (effects are combined by `_OwnEffector`)"
    assert compiled.enforce(*ANN)
    assert compiled.enforce_ex(*ANN) == (True, list(ANN))


def test_own_roles_are_left_to_pycasbin(plain: Load) -> None:
    """A role manager that is not known is asked itself, with conditions or without."""
    for roles, kept in (("g = _, _", "rm"), ("g = _, _, (_, _)", "cond_rm")):
        loaded = plain("g(r.sub, p.sub)", "p, ann, x, y", g=roles)
        setattr(loaded.model["g"]["g"], kept, _OwnRoles(10))
        compiled = CompiledEnforcer.of(loaded)
        assert "roles are kept by `_OwnRoles`" in str(compiled.explain_plan()[0])
        assert compiled.enforce("ann", "x", "y")


def test_matching_functions_with_conditions_are_left_to_pycasbin(plain: Load) -> None:
    """pycasbin has no way to register one; who reaches for its manager gets what it does."""
    loaded = plain("g(r.sub, p.sub)", "p, /a/:x, x, y", g="g = _, _, (_, _)")
    loaded.cond_rm_map["g"].add_matching_func(util.key_match2)
    compiled = CompiledEnforcer.of(loaded)
    assert "compared by a matching function" in str(compiled.explain_plan()[0])
    assert compiled.enforce("/a/b", "x", "y")


def test_rules_that_are_no_texts_are_left_to_pycasbin() -> None:
    """Files hold texts only; an adapter may not."""
    compiled = CompiledEnforcer(model_of(model_text(ACL)), _Numbers())
    assert "a rule holds `7`, which is not text" in str(compiled.explain_plan()[0])
    assert compiled.enforce("ann", 7, "read")


TWO = """[request_definition]
r = sub, act
r2 = who
[policy_definition]
p = sub, act
p2 = who, eft
[policy_effect]
e = some(where (p.eft == allow))
e2 = !some(where (p2.eft == deny))
[matchers]
m = r.sub == p.sub && r.act == p.act
m2 = r2.who == p2.who
"""


def test_several_sections() -> None:
    """A context names the definitions that are asked; its effect is ignored, as by pycasbin."""
    enforcer = CompiledEnforcer.from_text(TWO, "p, ann, read\np2, bob, allow\np2, kim, deny")
    second = EnforceContext("r2", "p2", "e2", "m2")
    assert enforcer.enforce("ann", "read")
    assert enforcer.enforce_ex(second, "bob") == (True, ["bob", "allow"])
    assert not enforcer.enforce(second, "kim")
    assert enforcer.batch_enforce([("ann", "read"), (second, "kim")]) == [True, False]
    assert [str(step) for step in enforcer.explain_plan(second)] == ["key r2_who == p2_who"]


def test_a_section_asked_for_later_is_as_it_was() -> None:
    """Rules are copied when the enforcer is made, not when they are first asked for."""
    model = model_of(TWO)
    model.add_policy("p", "p2", ["bob", "allow"])
    compiled = CompiledEnforcer.of(casbin.Enforcer(model))
    model["p"]["p2"].policy[0][0] = "kim"
    second = EnforceContext("r2", "p2", "e", "m2")
    assert compiled.enforce_ex(second, "bob") == (True, ["bob", "allow"])


def test_an_unknown_section_raises() -> None:
    """A definition that the model lacks is an error, not a denial."""
    enforcer = CompiledEnforcer.from_text(TWO)
    with pytest.raises(KeyError):
        enforcer.enforce(EnforceContext("r9", "p", "e", "m"), "ann", "read")


def test_an_explanation_is_a_copy(compiled: Load) -> None:
    """Nobody can edit the policy through what explains an answer."""
    enforcer = compiled(ACL, POLICY)
    enforcer.enforce_ex(*ANN)[1].clear()
    assert enforcer.enforce_ex(*ANN) == (True, list(ANN))
    assert enforcer.enforce_ex("kim", "x", "y") == (False, [])


def test_a_function_can_be_replaced(compiled: Load) -> None:
    """What is registered later counts from then on, also in place of a built-in."""
    enforcer = compiled("keyMatch(r.obj, p.obj)", "p, ann, /a/*, read")
    assert enforcer.enforce("ann", "/a/b", "read")
    enforcer.add_function("keyMatch", lambda *_: False)
    assert not enforcer.enforce("ann", "/a/b", "read")
    assert [step.how for step in enforcer.explain_plan()] == ["check"]


def test_many_roles_meet_few_rules(compiled: Load) -> None:
    """Of many roles those that have rules are found, whichever are fewer."""
    links = "\n".join(f"g, ann, r{i}" for i in range(40))
    rules = "\n".join(
        f"p, r{i}, {obj}, read" for obj, n in (("few", 3), ("all", 60)) for i in range(n)
    )
    policy = f"p, ann, mine, read\n{rules}\n{links}"
    enforcer = compiled("g(r.sub, p.sub) && keyMatch(r.obj, p.obj)", policy, g="g = _, _")
    found = [enforcer.enforce_ex("ann", obj, "")[1][:1] for obj in ("few", "all", "mine", "none")]
    assert found == [["r0"], ["r0"], ["ann"], []]


def test_a_value_or_any(compiled: Load) -> None:
    """A rule for all is found beside that for one, once, also when all is asked for by name."""
    policy = "p, ann, x, *\np, ann, x, read"
    enforcer = compiled("(r.act == p.act || p.act == '*') && r.sub.strip() == p.sub", policy)
    found = [enforcer.enforce_ex("ann", "x", act)[1] for act in ("read", "*", "list")]
    assert found == [["ann", "x", "*"]] * 3
    assert not enforcer.enforce("bob", "x", "read")


@pytest.mark.parametrize("rest", ["", " && r.sub.strip() != 'x'"], ids=["ranked", "tried"])
@pytest.mark.parametrize("effect", [ALLOW, DENY, BOTH, PRIORITY])
def test_the_rule_that_explains(compiled: Load, plain: Load, effect: str, rest: str) -> None:
    """The first decisive rule, or else the last that matches, however they are found."""
    efts = ["", "deny", "allow", "Deny", "deny", "allow"]
    policy = "\n".join(
        f"p, {sub}, {i}, {eft}"
        for sub, some in {"all": efts, "odd": efts[:1], "mild": efts[2:4], "no": []}.items()
        for i, eft in enumerate(some)
    )
    rules = {"r": "sub", "p": "sub, obj, eft", "e": effect}
    ours, theirs = (load(f"r.sub == p.sub{rest}", policy, **rules) for load in (compiled, plain))
    for sub in ("all", "odd", "mild", "no"):
        assert ours.enforce_ex(sub) == theirs.enforce_ex(sub), sub


PLANS = {
    "r.sub == p.sub && p.act == 'read' && r.obj == '/a'": "key fixed guard",
    "r.sub == p.sub && p.sub == r.obj": "key check",
    "(r.sub == p.sub || p.sub in ['*', r.obj]) && r.act != p.act": "key check",
    "(r.sub == p.sub || r.obj == p.obj)": "key key",
    "(r.sub == p.sub || r.obj == p.obj) && r.act == p.act": "check key",
    "(r.sub == p.sub || r.sub != p.obj) && r.act == p.act": "check key",
    "(keyMatch(r.sub, p.sub) || r.act == p.sub || p.sub == 'any') && r.act == p.act": "key key",
    "regexMatch(r.act, p.act) && r.sub == p.sub": "check key",
    "regexMatch(r.act, r.obj) && r.sub == p.sub": "check check",
    "keyMatch(r.act, r.obj) && r.sub == p.sub": "check check",
    "regexMatch(r.act, '(') && r.sub == p.sub": "check check",
    "r.sub.name == p.sub && r.act == p.act": "check check",
    "r.sub == p.sub || r.sub.name == p.sub": "scan",
    "r.sub == ": "scan",
    "r.sub == p.sub && !(r.act == p.act)": "key check",
    "r.sub in p.sub": "check",
    "p.sub in r.sub": "check",
    "r.sub in [p.sub, 'root']": "check",
    "keyMatch(p.obj, r.obj)": "check",
    "r.sub == p.sub == 'ann'": "check",
    "r.sub < p.sub": "check",
}


@pytest.mark.parametrize("matcher", PLANS)
def test_the_plan_says_how_each_part_runs(compiled: Load, matcher: str) -> None:
    """Equality, roles and prefixes are looked up, up to the first part that may raise."""
    plan = compiled(matcher, "p, ann, /a, read").explain_plan()
    assert " ".join(step.how for step in plan) == PLANS[matcher]


def test_the_plan_gives_reasons(compiled: Load) -> None:
    """What is not looked up says why."""
    plan = compiled("r.sub.name == p.sub && r.act == p.act", "p, ann, /a, read").explain_plan()
    assert [step.why for step in plan] == ["may raise", "after one that may raise"]
    (step,) = compiled("r.sub ==", "p, ann, /a, read").explain_plan()
    assert step.why == "cannot be parsed, so every decision raises"
    (step,) = compiled("r.sub == p.sub || r.sub.x == 1", "p, ann, /a, read").explain_plan()
    assert step.why == "a part of an `||` may raise"
