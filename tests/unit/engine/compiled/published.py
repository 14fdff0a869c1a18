"""The kinds of models that casbin's documents show, each written anew, with questions about it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from casbin import util

ALLOW = "some(where (p.eft == allow))"
DENY = "!some(where (p.eft == deny))"
BOTH = f"{ALLOW} && {DENY}"
PRIORITY = "priority(p.eft) || deny"
SUBJECT = "subjectPriority(p.eft) || deny"


class Person:
    """A subject with attributes."""

    def __init__(self, name: str, age: int) -> None:
        self.name, self.age = name, age


class Published(NamedTuple):
    """A model, a policy, and questions by their answers.

    Attributes:
        r: The request definition.
        p: The policy definition.
        m: The matcher.
        policy: Its lines.
        yes: Requests that are allowed.
        no: Requests that are not.
        plan: How the parts of the matcher run, in order.
        g: The role definitions.
        e: The policy effect.
        setup: What is registered in code.
    """

    r: str
    p: str
    m: str
    policy: str
    yes: list[tuple[Any, ...]]
    no: list[tuple[Any, ...]]
    plan: str
    g: str = ""
    e: str = ALLOW
    setup: Callable[[Any], object] | None = None

    @property
    def model(self) -> str:
        """The text of the model."""
        roles = f"[role_definition]\n{self.g}\n" if self.g else ""
        return (
            f"[request_definition]\nr = {self.r}\n[policy_definition]\np = {self.p}\n{roles}"
            f"[policy_effect]\ne = {self.e}\n[matchers]\nm = {self.m}\n"
        )


def _temporal(enforcer: Any) -> None:
    enforcer.add_named_link_condition_func("g", "ann", "night", util.time_match_func)
    enforcer.add_named_link_condition_func("g", "bob", "night", util.time_match_func)
    enforcer.set_named_link_condition_func_params("g", "bob", "night", "_", "_")


def _temporal_in_domain(enforcer: Any) -> None:
    for name in ("ann", "bob"):
        enforcer.add_named_domain_link_condition_func(
            "g", name, "night", "it", util.time_match_func
        )
    enforcer.set_named_domain_link_condition_func_params("g", "bob", "night", "it", "_", "_")


def _domain_patterns(enforcer: Any) -> None:
    enforcer.add_named_domain_matching_func("g", util.key_match2)


def _role_patterns(enforcer: Any) -> None:
    enforcer.add_named_matching_func("g2", util.key_match2)


_ALL = "r.sub == p.sub && r.obj == p.obj && r.act == p.act"
_ROLES = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
_TIMED = """p, night, door, open
g, ann, night, 0001-01-01 00:00:00, 9999-12-30 00:00:00
g, bob, night, 0001-01-01 00:00:00, 0001-01-02 00:00:00"""
_TIMED_IN_DOMAIN = """p, night, it, door, open
g, ann, night, it, 0001-01-01 00:00:00, 0001-01-02 00:00:00
g, bob, night, it, 0001-01-01 00:00:00, 0001-01-02 00:00:00"""

PUBLISHED = {
    "acl": Published(
        *("sub, obj, act", "sub, obj, act", _ALL, "p, ann, stock, read\np, bob, pay, write"),
        yes=[("ann", "stock", "read"), ("bob", "pay", "write")],
        no=[("ann", "pay", "read"), ("bob", "pay", "read")],
        plan="key key key",
    ),
    "acl with a superuser": Published(
        *("sub, obj, act", "sub, obj, act", f"{_ALL} || r.sub == 'root'", "p, ann, stock, read"),
        yes=[("ann", "stock", "read"), ("root", "anything", "at all")],
        no=[("bob", "stock", "read")],
        plan="key key key guard",
    ),
    "acl without users": Published(
        *("obj, act", "obj, act", "r.obj == p.obj && r.act == p.act", "p, stock, read"),
        yes=[("stock", "read")],
        no=[("stock", "write")],
        plan="key key",
    ),
    "acl without resources": Published(
        *("sub, act", "sub, act", "r.sub == p.sub && r.act == p.act", "p, ann, read"),
        yes=[("ann", "read")],
        no=[("ann", "write")],
        plan="key key",
    ),
    "rbac": Published(
        *("sub, obj, act", "sub, obj, act", _ROLES),
        "p, buyer, stock, read\np, bob, pay, write\ng, ann, buyer\ng, head, ann",
        yes=[("ann", "stock", "read"), ("head", "stock", "read"), ("bob", "pay", "write")],
        no=[("bob", "stock", "read"), ("ann", "stock", "write")],
        plan="key key key",
        g="g = _, _",
    ),
    "rbac with roles of resources": Published(
        *("sub, obj, act", "sub, obj, act"),
        "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
        "p, buyer, goods, read\ng, ann, buyer\ng2, stock, goods",
        yes=[("ann", "stock", "read"), ("ann", "goods", "read")],
        no=[("ann", "pay", "read")],
        plan="key key key",
        g="g = _, _\ng2 = _, _",
    ),
    "rbac with domains": Published(
        *("sub, dom, obj, act", "sub, dom, obj, act"),
        "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
        "p, admin, it, stock, read\np, admin, hr, pay, read\ng, ann, admin, it",
        yes=[("ann", "it", "stock", "read")],
        no=[("ann", "hr", "pay", "read"), ("ann", "nowhere", "stock", "read")],
        plan="key key key key",
        g="g = _, _, _",
    ),
    "rbac with a pattern of domains": Published(
        *("sub, dom, obj, act", "sub, dom, obj, act"),
        "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom) && r.obj == p.obj && r.act == p.act",
        "p, admin, *, stock, read\ng, ann, admin, /:any\ng, bob, admin, /it",
        yes=[("ann", "/it", "stock", "read"), ("bob", "/it", "stock", "read")],
        no=[("bob", "/hr", "stock", "read"), ("ann", "it", "stock", "read")],
        plan="key key key key",
        g="g = _, _, _",
        setup=_domain_patterns,
    ),
    "rbac with patterns as roles": Published(
        *("sub, obj, act", "sub, obj, act"),
        "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
        "p, reader, books, read\ng, ann, reader\ng2, /book/:id, books",
        yes=[("ann", "/book/1", "read"), ("ann", "/book/:id", "read")],
        no=[("ann", "/book/1/2", "read"), ("ann", "/pen/1", "read")],
        plan="key key key",
        g="g = _, _\ng2 = _, _",
        setup=_role_patterns,
    ),
    "attributes": Published(
        *("sub, obj, act", "sub, obj, act", "r.sub == r.obj.owner", "p, x, x, x"),
        yes=[("ann", {"owner": "ann"}, "read")],
        no=[("ann", {"owner": "bob"}, "read")],
        plan="check",
    ),
    "attributes after keys": Published(
        *("sub, obj, act", "obj, act"),
        "r.obj == p.obj && r.act == p.act && r.sub.age >= 18 && r.sub.age < 60",
        "p, wine, buy\np, beer, buy",
        yes=[(Person("ann", 30), "wine", "buy"), ({"age": 18}, "beer", "buy")],
        no=[(Person("kim", 9), "wine", "buy"), (Person("old", 99), "beer", "buy")],
        plan="key key check check",
    ),
    "attributes by rules": Published(
        *("sub, obj, act", "rule, obj, act"),
        "eval(p.rule) && r.obj == p.obj && r.act == p.act",
        "p, r.sub.age > 18, wine, buy\np, r.sub.age < 18, juice, buy",
        yes=[(Person("ann", 30), "wine", "buy"), (Person("kim", 9), "juice", "buy")],
        no=[(Person("kim", 9), "wine", "buy")],
        plan="check check check",
    ),
    "paths": Published(
        *("sub, obj, act", "sub, obj, act"),
        "r.sub == p.sub && keyMatch(r.obj, p.obj) && regexMatch(r.act, p.act)",
        "p, ann, /a/*, GET\np, ann, /a/b/*, (GET)|(PUT)\np, bob, /a/c, GET",
        yes=[("ann", "/a/x", "GET"), ("ann", "/a/b/x", "PUT"), ("bob", "/a/c", "GET")],
        no=[("ann", "/a/x", "PUT"), ("bob", "/a/b", "GET")],
        plan="key key check",
    ),
    "paths with names": Published(
        *("sub, obj, act", "sub, obj, act"),
        "r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act",
        "p, ann, /book/:id, GET",
        yes=[("ann", "/book/7", "GET")],
        no=[("ann", "/book/7/8", "GET"), ("ann", "/book/", "GET")],
        plan="key check key",
    ),
    "parts of paths": Published(
        *("sub, obj, act", "sub, obj, act"),
        "r.sub == p.sub && keyGet2(r.obj, p.obj, 'id') == '7' && r.act == p.act",
        "p, ann, /book/:id, GET",
        yes=[("ann", "/book/7", "GET")],
        no=[("ann", "/book/8", "GET")],
        plan="key check check",
        setup=lambda enforcer: enforcer.add_function("keyGet2", util.key_get2),
    ),
    "globs": Published(
        *("sub, obj, act", "sub, obj, act"),
        "r.sub == p.sub && globMatch(r.obj, p.obj) && r.act == p.act",
        "p, ann, /a/*/c, GET",
        yes=[("ann", "/a/b/c", "GET")],
        no=[("ann", "/a/b/d/c", "GET")],
        plan="key check key",
    ),
    "addresses": Published(
        *("ip, obj, act", "ip, obj, act"),
        "ipMatch(r.ip, p.ip) && r.obj == p.obj && r.act == p.act",
        "p, 10.0.0.0/8, stock, read",
        yes=[("10.1.2.3", "stock", "read")],
        no=[("11.1.2.3", "stock", "read")],
        plan="check check check",
    ),
    "one of a few": Published(
        *("sub, obj, act", "sub, obj", "r.sub == p.sub && r.act in ('read', 'list')", "p, ann, x"),
        yes=[("ann", "x", "read"), ("ann", "x", "list")],
        no=[("ann", "x", "write")],
        plan="key guard",
    ),
    "deny overrides": Published(
        *("sub, obj, act", "sub, obj, act, eft", _ROLES),
        "p, staff, stock, read, deny\np, ann, stock, read, allow\ng, bob, staff",
        yes=[("ann", "stock", "read"), ("ann", "pay", "read")],
        no=[("bob", "stock", "read")],
        plan="key key key",
        g="g = _, _",
        e=DENY,
    ),
    "allow and no deny": Published(
        *("sub, obj, act", "sub, obj, act, eft", _ROLES),
        "p, staff, stock, read, allow\np, bob, stock, read, deny\ng, ann, staff\ng, bob, staff",
        yes=[("ann", "stock", "read")],
        no=[("bob", "stock", "read"), ("ann", "pay", "read")],
        plan="key key key",
        g="g = _, _",
        e=BOTH,
    ),
    "priority by order": Published(
        *("sub, obj, act", "sub, obj, act, eft", _ROLES),
        "p, bob, stock, read, deny\np, staff, stock, read, allow\ng, ann, staff\ng, bob, staff",
        yes=[("ann", "stock", "read")],
        no=[("bob", "stock", "read"), ("kim", "stock", "read")],
        plan="key key key",
        g="g = _, _",
        e=PRIORITY,
    ),
    "priority by number": Published(
        *("sub, obj, act", "priority, sub, obj, act, eft", _ROLES),
        "p, 10, bob, pay, x, deny\np, 2, bob, pay, x, allow\np, 1, ann, pay, x, deny",
        yes=[("bob", "pay", "x")],
        no=[("ann", "pay", "x")],
        plan="key key key",
        g="g = _, _",
        e=PRIORITY,
    ),
    "priority by role": Published(
        *("sub, obj, act", "sub, obj, act, eft", _ROLES),
        "p, staff, stock, read, deny\np, admin, stock, read, allow\np, ann, stock, read, deny\n"
        "g, admin, staff\ng, ann, admin\ng, bob, admin",
        yes=[("bob", "stock", "read")],
        no=[("ann", "stock", "read"), ("kim", "stock", "read")],
        plan="key key key",
        g="g = _, _",
        e=SUBJECT,
    ),
    "temporal roles": Published(
        *("sub, obj, act", "sub, obj, act", _ROLES, _TIMED),
        yes=[("ann", "door", "open"), ("bob", "door", "open"), ("night", "door", "open")],
        no=[("kim", "door", "open")],
        plan="check check check",
        g="g = _, _, (_, _)",
        setup=_temporal,
    ),
    "temporal roles with domains": Published(
        *("sub, dom, obj, act", "sub, dom, obj, act"),
        "r.dom == p.dom && g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act",
        _TIMED_IN_DOMAIN,
        yes=[("bob", "it", "door", "open")],
        no=[("ann", "it", "door", "open"), ("bob", "hr", "door", "open")],
        plan="key check check check",
        g="g = _, _, _, (_, _)",
        setup=_temporal_in_domain,
    ),
    "a function of one's own": Published(
        *("sub, obj, act", "sub, obj, act", "r.sub == p.sub && near(r.obj, p.obj)", "p, ann, 5, x"),
        yes=[("ann", "6", "x")],
        no=[("ann", "9", "x")],
        plan="key check",
        setup=lambda enforcer: enforcer.add_function("near", lambda a, b: abs(int(a) - int(b)) < 2),
    ),
    "no rules at all": Published(
        *("sub, obj, act", "sub, obj, act", f"{_ALL} || r.sub == 'root'", ""),
        yes=[("root", "x", "y")],
        no=[("ann", "x", "y")],
        plan="key key key guard",
    ),
}
"""By what they show."""
