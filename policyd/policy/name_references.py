"""Whether names of one space are apart: who may be named by rules, labels, stretches of time."""

from collections.abc import Iterator

from policyd.engine.access import NOBODY
from policyd.model.findings import Finding
from policyd.model.rules import EVERYONE
from policyd.policy.names import Names
from policyd.policy.tree import Tree

_RESERVED = {EVERYONE: "which stands for all", NOBODY: "which stands for none"}


def name_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Names that could mean two things."""
    yield from _parties(tree, names)
    company = tree.company
    for category in sorted(names.categories.names or ()):
        if category == "clearance" or category in (names.levels.names or ()):
            other = "a column of the flow table" if category == "clearance" else "a level"
            message = f"`{category}` is {other}, too; rename the category"
            yield company.finding(("categories", category), "name-taken", message, key=True)
    for name in sorted(tree.calendar.content.hours.keys() & tree.calendar.content.freezes.keys()):
        message = f"`{name}` is the name of hours, too; rename one"
        yield tree.calendar.finding(("freezes", name), "name-taken", message, key=True)


def _parties(tree: Tree, names: Names) -> Iterator[Finding]:
    """Roles, units and integrations share one space, together with everyone and nobody."""
    units, roles = names.units.names or frozenset(), names.roles.names or frozenset()
    for unit in sorted(units & _RESERVED.keys()):
        message = f"no unit may be named `{unit}`, {_RESERVED[unit]}"
        yield tree.company.finding(("units", unit), "name-taken", message, key=True)
    for role in sorted(roles):
        why = _RESERVED.get(role) or ("which is a unit" if role in units else None)
        if why:
            message = f"no role may be named `{role}`, {why}; rename it"
            yield tree.roles.finding(("roles", role), "name-taken", message, key=True)
    for files in tree.units.values():
        for name in sorted(files.integrations.declared("integrations") or ()):
            kind = "which is a role" if name in roles else "which is a unit"
            why = _RESERVED.get(name) or (kind if name in roles | units else None)
            if why:
                message = f"no integration may be named `{name}`, {why}; rename it"
                path = ("integrations", name)
                yield files.integrations.finding(path, "name-taken", message, key=True)
