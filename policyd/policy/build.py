"""A tree without findings, compiled into a snapshot."""

from collections.abc import Iterable, Mapping

from policyd.engine.access import MODEL
from policyd.model.organisation import Integration, Owner, Role, Template, Unit
from policyd.model.rules import ACTIONS, EVERYONE, Rule, Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy import build_places, times
from policyd.policy.guardrail_shapes import RoleEntry
from policyd.policy.rule_shapes import ForbidShape, GiveShape, WhoShape
from policyd.policy.tree import Tree
from policyd.policy.unit_shapes import IntegrationEntry
from policyd.policy.written import Written, written_rules


def build(tree: Tree, digest: str) -> Snapshot:
    """The snapshot of *tree*, which has no findings, under the name *digest*."""
    company, places = tree.company.content, tree.destinations.content
    return Snapshot(
        digest=digest,
        company=company.name,
        vocabulary=build_places.vocabulary(tree),
        owners={name: Owner(name, entry.contact) for name, entry in company.owners.items()},
        units={name: Unit(name, each.title, each.owner) for name, each in company.units.items()},
        roles=_roles(tree),
        templates=_templates(tree),
        integrations=_integrations(tree),
        systems=build_places.systems(tree),
        datasets=build_places.datasets(tree),
        connections=dict(tree.systems.content.connections),
        zones=build_places.zones(tree),
        unlisted=places.unlisted,
        destinations=build_places.destinations(tree),
        destinations_owner=places.owner,
        calendar=build_places.calendar(tree),
        rules={rule.ref: _rule(rule) for rule in written_rules(tree)},
        model=MODEL,
    )


def _roles(tree: Tree) -> Mapping[str, Role]:
    file = tree.roles.content
    return {
        name: Role(
            name=name,
            owner=entry.owner or file.owner,
            reason=entry.reason,
            units=frozenset(entry.units),
            includes=frozenset(entry.includes or ()),
        )
        for name, entry in file.roles.items()
    }


def _templates(tree: Tree) -> Mapping[str, Template]:
    return {
        name: Template(
            name=name,
            title=read.content.title,
            owner=read.content.owner,
            runs_on=frozenset(read.content.runs_on),
            units=frozenset(read.content.units or ()),
            self_promotion=read.content.self_promotion,
        )
        for name, read in tree.templates.items()
    }


def _integrations(tree: Tree) -> Mapping[str, Integration]:
    return {
        f"{unit}/{name}": _integration(tree, unit, name, entry)
        for unit, files in tree.units.items()
        for name, entry in files.integrations.content.integrations.items()
    }


def _integration(tree: Tree, unit: str, name: str, entry: IntegrationEntry) -> Integration:
    own = f"{unit}/{name}"
    roles = names_of_roles(tree.roles.content.roles, unit, entry.roles)
    return Integration(
        id=own,
        unit=unit,
        title=entry.title,
        owner=entry.owner,
        template=entry.template,
        stage=_stage(tree, own, entry),
        runs_on=entry.runs_on,
        roles=tuple(entry.roles),
        names=roles | {own, unit, EVERYONE},
        until=times.end(entry.until) if entry.until else None,
    )


def names_of_roles(
    roles: Mapping[str, RoleEntry], unit: str, given: Iterable[str]
) -> frozenset[str]:
    """Roles that an integration of *unit* has: those given and all that they include.

    INVARIANT: a role that the unit may not give out counts for nothing, even if a check before
    let it through. What a role includes is IT's word, so there no unit is asked.
    """
    found: set[str] = set()
    waiting = [name for name in given if unit in roles[name].units]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += roles[name].includes or ()
    return frozenset(found)


def _stage(tree: Tree, own: str, entry: IntegrationEntry) -> str:
    """The stage in effect: production only where a template or a promotion says so."""
    is_promoted = own in tree.promotions.content.promotions
    template = tree.templates.get(entry.template or "")
    may_promote = is_promoted or (template is not None and template.content.self_promotion)
    return "production" if entry.stage == "production" and may_promote else "sandbox"


def _rule(rule: Written) -> Rule:
    says = rule.says
    return Rule(
        ref=rule.ref,
        layer=rule.layer,
        section=rule.section,
        sentence=_sentence(rule),
        owner=rule.owner,
        reason=says.reason,
        fix=says.fix if isinstance(says, ForbidShape) else None,
        place=rule.read.document.place(rule.path, key=True),
    )


def _sentence(rule: Written) -> Sentence:
    says = rule.says
    data = {action: tuple(getattr(says, action) or ()) for action in ACTIONS}
    return Sentence(
        data={action: patterns for action, patterns in data.items() if patterns},
        who=_parties(rule, says.who) if isinstance(says, WhoShape) else (EVERYONE,),
        excepted=_parties(rule, says.except_ or ()) if isinstance(says, WhoShape) else (),
        to=tuple(says.to or ()),
        to_zone=tuple(says.to_zone or ()),
        to_systems_of=says.to_systems_of,
        in_systems_of=says.in_systems_of,
        stage=says.stage,
        label_at_least=says.label_at_least,
        label_at_most=says.label_at_most,
        category=tuple(says.category or ()),
        only_fields=tuple(says.only_fields or ()) if isinstance(says, GiveShape) else (),
        during=tuple(says.during or ()),
        outside=tuple(says.outside or ()),
    )


def _parties(rule: Written, names: Iterable[str]) -> tuple[str, ...]:
    """The names as the whole tree knows them: a unit's own integrations with their unit."""
    return tuple(f"{rule.unit}/{name}" if name in rule.own else name for name in names)
