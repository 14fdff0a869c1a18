"""Whether roles name what is declared, and include each other without circles or long chains."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from policyd.model.findings import Finding
from policyd.policy.names import Names
from policyd.policy.tree import Tree

LONGEST_CHAIN = 8
"""Roles in a chain of includes; casbin's own role manager stops at ten without a word."""


def role_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with guardrails/roles.yaml."""
    read = tree.roles
    yield from names.owners.check(read, ("owner",), read.content.owner)
    for name, role in read.content.roles.items():
        path = ("roles", name)
        yield from names.owners.check(read, (*path, "owner"), role.owner)
        yield from names.units.check_all(read, (*path, "units"), role.units)
        yield from names.roles.check_all(read, (*path, "includes"), role.includes)
    yield from _chains(tree)


def _chains(tree: Tree) -> Iterator[Finding]:
    roles = tree.roles.content.roles
    includes = {
        name: [each for each in role.includes or () if each in roles]
        for name, role in roles.items()
    }
    order: list[str] = []
    while not order and includes:
        try:
            order = list(TopologicalSorter(includes).static_order())
        except CycleError as error:
            included, includer = error.args[1][:2]
            includes[includer].remove(included)
            message = f"`{includer}` includes itself: {_circle(error.args[1])}; break the circle"
            at = (roles[includer].includes or []).index(included)
            yield tree.roles.finding(("roles", includer, "includes", at), "role-cycle", message)
    lengths: dict[str, int] = {}
    for name in order:
        lengths[name] = 1 + max((lengths[each] for each in includes[name]), default=0)
        if lengths[name] == LONGEST_CHAIN + 1:
            message = f"`{name}` begins a chain of {lengths[name]} roles; at most {LONGEST_CHAIN}"
            yield tree.roles.finding(("roles", name), "role-too-deep", message, key=True)


def _circle(found: list[str]) -> str:
    """The circle that graphlib found, each name before the one it includes."""
    around = found[::-1]
    start = around.index(found[1])
    ring = around[:-1]
    return " → ".join(f"`{each}`" for each in (*ring[start:], *ring[:start], ring[start]))
