"""pycasbin's own faults, each shown by a run: those it has alone, and those that come along.

A fault is shared where it lies in loading, which pycasbin does for both, or where a policy may
depend on it. It is not shared where answers would depend on what was asked before, or on chance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import casbin

from policyd.engine.access import CompiledEnforcer
from tests.properties.casbin.case import EFFECTS, FUNCTIONS, Lines

Load = Callable[..., Any]
"""Loads a matcher and a policy: `load(matcher, policy, p=, g=, e=)`."""


@dataclass(frozen=True)
class Fault:
    """A fault, and what comes of showing it.

    Attributes:
        says: What is wrong, in a sentence.
        shows: Runs it with whichever enforcer it is given.
        theirs: What pycasbin makes of it.
        ours: What `CompiledEnforcer` does.
    """

    says: str
    shows: Callable[[Load], Any]
    theirs: Any
    ours: Any

    @property
    def is_shared(self) -> bool:
        """Whether `CompiledEnforcer` has it too."""
        return bool(self.theirs == self.ours)


def loader(kind: Callable[..., Any]) -> Load:
    """The `load` of enforcers of *kind*."""

    def load(
        matcher: str, policy: str, p: str = "sub, obj, act", g: str = "", e: str = EFFECTS["allow"]
    ) -> Any:
        model = casbin.Model()
        model.load_model_from_text(
            f"[request_definition]\nr = sub, obj, act\n[policy_definition]\np = {p}\n"
            + (f"[role_definition]\n{g}\n" if g else "")
            + f"[policy_effect]\ne = {e}\n[matchers]\nm = {matcher}\n"
        )
        return kind(model, Lines(policy))

    return load


THEIRS, OURS = loader(casbin.Enforcer), loader(CompiledEnforcer)
ALL = "r.sub == p.sub && r.obj == p.obj && r.act == p.act"


def _raises(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except Exception as error:  # noqa: BLE001 - what is raised is what is shown
        return type(error).__name__


def _asked_names(load: Load) -> list[bool]:
    answers = []
    for asked_before in ("/book/9", "/book/*"):
        e = load(
            "g2(r.obj, p.obj)", "p, alice, books, x\ng2, /book/:id, books", g="g = _, _\ng2 = _, _"
        )
        e.add_named_matching_func("g2", FUNCTIONS["key_match2"])
        e.enforce("mallory", asked_before, "x")
        answers.append(e.enforce("alice", "/book/1/secret", "x"))
    return answers


def _live_rule(load: Load) -> bool:
    e = load("r.sub == p.sub", "p, alice, x, y")
    e.enforce_ex("alice", "x", "y")[1][0] = "mallory"
    return bool(e.enforce("mallory", "x", "y"))


def _long_list(load: Load) -> Any:
    rules = "\n".join(f"p, u{i}, x, y" for i in range(201))
    members = ", ".join(["''"] * 50)
    matcher = f"[1 for x in [{members}]] != [] && r.sub == p.sub"
    return _raises(load(matcher, rules).enforce, "nobody", "x", "y")


def _expired(load: Load) -> bool:
    lines = "p, admin, x, y\ng, alice, admin, _, 0001-01-02 00:00:00"
    e = load("g(r.sub, p.sub)", lines, g="g = _, _, (_, _)")
    return bool(e.enforce("alice", "x", "y"))


def _expired_in_domain(load: Load) -> bool:
    lines = "p, admin, x, y\ng, alice, admin, _, 0001-01-02 00:00:00"
    e = load("g(r.sub, p.sub, r.obj)", lines, g="g = _, _, (_, _)")
    e.add_named_link_condition_func("g", "alice", "admin", FUNCTIONS["time_match"])
    return bool(e.enforce("alice", "x", "y"))


def _hops(load: Load) -> list[bool]:
    answers = []
    for stamps in ("", ", _, _"):
        links = "\n".join(f"g, n{i}, n{i + 1}{stamps}" for i in range(10))
        g = "g = _, _, (_, _)" if stamps else "g = _, _"
        answers.append(
            load("g(r.sub, p.sub)", f"p, n10, x, y\n{links}", g=g).enforce("n0", "x", "y")
        )
    return answers


def _asks(matcher: str, policy: str, *asked: str, **definitions: str) -> Callable[[Load], Any]:
    return lambda load: _raises(
        lambda: load(matcher, policy, **definitions).enforce(*asked or ("a", "x", "y"))
    )


_OVERRIDE = {"p": "sub, obj, act, eft", "e": EFFECTS["both"]}
_PRIORITY = {"p": "priority, sub, obj, act, eft", "e": EFFECTS["priority"]}

FAULTS = {
    "asked-names": Fault(
        "a name that was asked about becomes a pattern for the next question",
        _asked_names,
        [False, True],
        [False, False],
    ),
    "live-rule": Fault(
        "the rule in an explanation is the policy's own: editing it edits the policy",
        _live_rule,
        theirs=True,
        ours=False,
    ),
    "long-list": Fault(
        "what a comprehension may produce at most is counted over all rules together",
        _long_list,
        "IterableTooLong",
        ours=False,
    ),
    "expired": Fault(
        "an expired temporal role holds unless a condition is registered for its link",
        _expired,
        theirs=True,
        ours=True,
    ),
    "expired-in-domain": Fault(
        "asked with a domain that its definition lacks, a role ignores its condition",
        _expired_in_domain,
        theirs=True,
        ours=True,
    ),
    "hops": Fault(
        "roles end after 9 links, without a word; with conditions after 10",
        _hops,
        [False, True],
        [False, True],
    ),
    "broken-out": Fault(
        "the text of a rule is pasted into the matcher, out of which it can break",
        _asks(
            "eval(p.obj) && r.act == p.act",
            'p, a, "(" != "") or (")" == "x", read',
            *("mallory", "payroll", "delete"),
        ),
        theirs=True,
        ours=True,
    ),
    "cut-link": Fault(
        "a link longer than its definition is cut: a role meant for a domain holds everywhere",
        _asks("g(r.sub, p.sub)", "p, admin, x, y\ng, a, admin, domain1", g="g = _, _"),
        theirs=True,
        ours=True,
    ),
    "no-rules": Fault(
        "without any rules, a request of empty texts is allowed",
        _asks(ALL, "", "", "", ""),
        theirs=True,
        ours=True,
    ),
    "misspelt-effect": Fault(
        "`Deny` is neither a deny nor an error",
        _asks("r.sub == p.sub", "p, a, x, y, allow\np, a, x, y, Deny", **_OVERRIDE),
        theirs=True,
        ours=True,
    ),
    "unknown-type": Fault(
        "rules of a type that is not defined are dropped without a word",
        _asks(ALL, "p9, a, x, y"),
        theirs=False,
        ours=False,
    ),
    "plain-beside-timed": Fault(
        "beside a role definition with conditions, links of one without are ignored",
        _asks("g2(r.sub, p.sub)", "p, b, x, y\ng2, a, b", g="g = _, _, (_, _)\ng2 = _, _"),
        theirs=False,
        ours=False,
    ),
    "joined-words": Fault(
        "`&&` without blanks is misread",
        _asks("r.sub == p.sub&&r.obj == p.obj", "p, a, x, y"),
        "NameNotDefined",
        "NameNotDefined",
    ),
    "quoted-operators": Fault(
        "operators within a quoted text are rewritten too",
        _asks("r.sub == 'a!b'", "p, a, x, y", "a!b", "x", "y"),
        theirs=False,
        ours=False,
    ),
    "after-semicolon": Fault(
        "text after `;` in a matcher is dropped",
        _asks("r.sub == p.sub; r.obj == p.obj", "p, a, x, y", "a", "other", "y"),
        theirs=True,
        ours=True,
    ),
    "whole-number": Fault(
        "a matcher that yields an int raises, though the message says that it may",
        _asks("r.sub == p.sub && 1", "p, a, x, y"),
        "RuntimeError",
        "RuntimeError",
    ),
    "negative-priority": Fault(
        "negative priorities are compared as texts",
        _asks("r.sub == p.sub", "p, -10, a, x, y, deny\np, -2, a, x, y, allow", **_PRIORITY),
        theirs=False,
        ours=False,
    ),
    "late-short-rule": Fault(
        "a rule that is too short raises only when a request gets as far as it",
        _asks(ALL, "p, a, x, y\np, short"),
        theirs=True,
        ours=True,
    ),
    "open-regex": Fault(
        "`regexMatch` holds where the pattern matches the beginning alone",
        _asks("regexMatch(r.act, p.act)", "p, a, x, GET", "a", "x", "GETX"),
        theirs=True,
        ours=True,
    ),
}
"""By code, which the soak names."""
