"""What casbin's documents say a case means, at a glance: the arbiter of disagreements.

It tries rule after rule, follows links one by one, and lets Python evaluate the matcher. Rules come
in the order in which pycasbin has loaded them. Where role names are patterns, it asks a role
manager that has just been loaded.
"""

import re
from collections.abc import Callable
from typing import Any

from casbin import util

from tests.properties.casbin.case import FUNCTIONS, Case, Question, reference_enforcer

DECISIVE = {
    "allow": {"allow"},
    "deny": {"deny"},
    "both": {"deny"},
    "priority": {"allow", "deny"},
    "subject": {"allow", "deny"},
}
BUILT_IN = {f"keyMatch{n}": getattr(util, f"key_match{n}_func") for n in ("", *"2345")} | {
    "regexMatch": util.regex_match_func,
    "globMatch": util.glob_match_func,
    "ipMatch": util.ip_match_func,
}


def judge(case: Case, question: Question) -> tuple[bool, list[str]]:
    """The answer, and the rule that explains it; raises where the matcher does."""
    section = next(each for each in case.sections if each.suffix == question.suffix)
    asked = {f"r_{n}": _boxed(v) for n, v in zip(section.request, question.values, strict=True)}
    rules = reference_enforcer(case).model["p"][f"p{section.suffix}"].policy
    functions = {name: FUNCTIONS[f] for method, name, f in _registered(case)} | {
        name: _roles(case, name) for name in case.roles
    }
    allowed, effects = case.effect == "deny", set()
    last: list[str] = []
    for rule in rules or [[""] * len(section.rule)]:
        if len(rule) != len(section.rule):
            raise RuntimeError("a rule does not fit its definition")
        row = {f"p_{name}": value for name, value in zip(section.rule, rule, strict=True)}
        matcher = re.sub(r"eval\(p\d?\.(\w+)\)", lambda m: f"({row['p_' + m[1]]})", section.matcher)  # noqa: B023
        if not eval(_python(matcher), BUILT_IN | functions, asked | row):  # noqa: S307 - a test's own
            continue
        effect = row.get("p_eft", "allow") if rules else "allow"
        effects.add(effect)
        last = rule if rules else []
        if effect in DECISIVE[case.effect]:
            return effect == "allow", last
    if case.effect == "both":
        allowed = "allow" in effects
    return allowed, last


def _python(matcher: str) -> str:
    matcher = matcher.replace("&&", " and ").replace("||", " or ")
    return re.sub(r"\b([rp])\d?\.", r"\1_", re.sub(r"!(?!=)", " not ", matcher)).strip()


class _Box(dict[str, Any]):
    """A dict whose items are attributes too, as casbin's matchers see it."""

    __getattr__ = dict.__getitem__


def _boxed(value: Any) -> Any:
    return _Box({k: _boxed(v) for k, v in value.items()}) if isinstance(value, dict) else value


def _registered(case: Case) -> list[tuple[str, ...]]:
    return [step for step in case.setup if step[0] == "add_function"]


def _roles(case: Case, name: str) -> Callable[..., Any]:
    """The role function called *name*."""
    is_timed = "(" in case.roles["g"]
    if is_timed and name != "g":
        return lambda user, role, *_: user == role
    if any("matching" in method and own == name for method, own, *_ in case.setup):
        manager = reference_enforcer(case).model["g"][name].rm
        return util.generate_g_function(manager)  # type: ignore[no-any-return]
    width = 3 if case.roles[name].startswith("_, _, _") else 2
    links = [line[1 : width + 1] for line in case.lines if line[0] == name]
    tests = {step[2:-1]: step[-1] for step in case.setup if "condition" in step[0]}
    stamps = {line[1 : width + 1]: line[width + 1 :] for line in case.lines}

    def holds(user: Any, role: Any, *domain: object, hops: int = 10 if is_timed else 9) -> bool:
        within = tuple(domain[:1]) or ("",)
        return user == role or any(
            FUNCTIONS[tests[link]](*stamps[link]) if link in tests else True
            for link in links
            if hops
            and link[0] == user
            and link[2:] == within[: width - 2]
            and holds(link[1], role, *domain, hops=hops - 1)
        )

    return holds
