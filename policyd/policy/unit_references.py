"""Whether units, templates, integrations and promotions name what is declared, and may."""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.policy import layout
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.guardrail_shapes import CompanyFile, RolloutEntry
from policyd.policy.names import Names
from policyd.policy.rule_wording import mode_findings
from policyd.policy.tree import Tree
from policyd.policy.unit_shapes import IntegrationEntry, IntegrationsFile
from policyd.policy.wording import did_you_mean, nearest


def unit_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with units, templates, integrations and promotions."""
    yield from _company(tree, names)
    yield from _templates(tree, names)
    for unit, files in tree.units.items():
        yield from names.owners.check_all(files.about, ("deputies",), files.about.content.deputies)
        for name, entry in files.integrations.content.integrations.items():
            yield from _integration(files.integrations, name, entry, names)
            yield from _may(tree, unit, name, entry)
    yield from _promotions(tree, names)


def _company(tree: Tree, names: Names) -> Iterator[Finding]:
    read = tree.company
    for name, entry in read.content.units.items():
        path = ("units", name)
        yield from names.owners.check(read, (*path, "owner"), entry.owner)
        yield from names.destinations.check_all(read, (*path, "runs_on"), entry.runs_on)
        yield from mode_findings(read, path, entry)
        yield from _rollout(read, (*path, "rollout"), entry.rollout, names)
    yield from _rollout(read, ("rollout",), read.content.rollout, names)
    for name in sorted(names.units.names or ()):
        if name not in tree.units:
            message = f"unit `{name}` has no folder {layout.UNITS}/{name} with its three files"
            yield read.finding(("units", name), "unit-without-folder", message, key=True)
    for name in tree.units:
        if not names.units.has(name):
            near = nearest(name, names.units.names or ())
            message = f"{layout.COMPANY} has no unit `{name}`{near}"
            yield Finding(f"{layout.UNITS}/{name}", 1, 1, "folder-without-unit", message)


def _rollout(
    read: Read[CompanyFile], path: Path, entry: RolloutEntry | None, names: Names
) -> Iterator[Finding]:
    yield from names.owners.check(read, (*path, "owner"), entry.owner if entry else None)


def _templates(tree: Tree, names: Names) -> Iterator[Finding]:
    for read in tree.templates.values():
        shape = read.content
        yield from names.owners.check(read, ("owner",), shape.owner)
        yield from names.destinations.check_all(read, ("runs_on",), shape.runs_on)
        yield from names.units.check_all(read, ("units",), shape.units)


def _integration(
    read: Read[IntegrationsFile], name: str, entry: IntegrationEntry, names: Names
) -> Iterator[Finding]:
    """Names that the entry uses, and the end that a trial has."""
    path = ("integrations", name)
    yield from names.owners.check(read, (*path, "owner"), entry.owner)
    yield from names.owners.check(read, (*path, "deputy"), entry.deputy)
    yield from names.templates.check(read, (*path, "template"), entry.template)
    yield from names.destinations.check(read, (*path, "runs_on"), entry.runs_on)
    yield from names.roles.check_all(read, (*path, "roles"), entry.roles)
    if entry.stage == "sandbox" and entry.until is None:
        message = "`until` is missing: every sandbox has a last day"
        yield read.finding(path, "missing-key", message, key=True)


def _may(tree: Tree, unit: str, name: str, entry: IntegrationEntry) -> Iterator[Finding]:
    """What the unit may not ask for: roles and templates of others, another place to run."""
    read, path = tree.units[unit].integrations, ("integrations", name)
    for index, each in enumerate(entry.roles):
        role = tree.roles.content.roles.get(each)
        if role and unit not in role.units:
            message = f"unit `{unit}` may not give out role `{each}`; ask its owner"
            yield read.finding((*path, "roles", index), "role-not-for-unit", message)
    about = tree.company.content.units.get(unit)
    is_place = entry.runs_on in tree.destinations.content.destinations
    if about and is_place and entry.runs_on not in (about.runs_on or ()):
        message = f"`{layout.COMPANY}` does not let unit `{unit}` run on `{entry.runs_on}`"
        yield read.finding((*path, "runs_on"), "place-not-for-unit", message)
    template = tree.templates.get(entry.template or "")
    if template is None or not template.document.is_usable:
        return
    shape = template.content
    if shape.units and unit not in shape.units:
        message = f"unit `{unit}` may not use template `{entry.template}`; ask its owner"
        yield read.finding((*path, "template"), "template-not-for-unit", message)
    if entry.runs_on not in shape.runs_on:
        places = ", ".join(shape.runs_on)
        message = f"template `{entry.template}` runs on {places}, not on `{entry.runs_on}`"
        yield read.finding((*path, "runs_on"), "template-runs-elsewhere", message)


def _promotions(tree: Tree, names: Names) -> Iterator[Finding]:
    read = tree.promotions
    yield from names.owners.check(read, ("owner",), read.content.owner)
    for name, entry in read.content.promotions.items():
        path = ("promotions", name)
        yield from names.owners.check_all(read, (*path, "approved_by"), entry.approved_by)
        if not names.integrations.has(name):
            near = did_you_mean(name, names.integrations.names or ())
            message = f"there is no integration `{name}`{near}"
            yield read.finding(path, "undeclared-integration", message, key=True)
