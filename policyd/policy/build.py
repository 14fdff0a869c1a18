"""A tree without findings, compiled into all of a snapshot but its rules."""

from collections.abc import Iterable, Mapping

from policyd.engine.access import MODEL
from policyd.model.exemptions import Exemption
from policyd.model.organisation import Integration, Owner, Role, Template, Unit
from policyd.model.rules import ACTIONS, EVERYONE, Sentence, Softening
from policyd.model.snapshot import Snapshot
from policyd.policy import build_places, times
from policyd.policy.build_rules import softening
from policyd.policy.guardrail_shapes import OwnerEntry, RoleEntry, RolloutEntry, UnitEntry
from policyd.policy.rule_shapes import ScopeShape
from policyd.policy.tree import Tree
from policyd.policy.unit_shapes import IntegrationEntry
from policyd.policy.whereabouts import places_of


def build(tree: Tree, digest: str) -> Snapshot:
    """All but the rules of the snapshot of *tree*, which has no findings, named *digest*."""
    company, places = tree.company.content, tree.destinations.content
    return Snapshot(
        digest=digest,
        company=company.name,
        vocabulary=build_places.vocabulary(tree),
        owners={name: _owner(name, entry) for name, entry in company.owners.items()},
        units={name: _unit(name, entry) for name, entry in company.units.items()},
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
        grace_days=company.grace_days,
        rollout=_rollout(company.rollout),
        exemptions=_exemptions(tree),
        rules={},
        model=MODEL,
        places=places_of(tree),
    )


def _owner(name: str, entry: OwnerEntry) -> Owner:
    gone = entry.inactive_from
    return Owner(name, entry.contact, times.start(gone) if gone else None)


def _unit(name: str, entry: UnitEntry) -> Unit:
    return Unit(
        name=name,
        title=entry.title,
        owner=entry.owner,
        softening=softening(entry.mode, entry.mode_until, entry.owner),
        rollout=_rollout(entry.rollout),
        runs_on=frozenset(entry.runs_on or ()),
    )


def _rollout(entry: RolloutEntry | None) -> Softening | None:
    return softening("observe", entry.observe_until, entry.owner) if entry else None


def _exemptions(tree: Tree) -> Mapping[str, Exemption]:
    return {
        name: Exemption(
            id=name,
            lifts=entry.lifts,
            scope=_scope(entry.for_),
            start=times.start(entry.from_),
            end=times.end(entry.until),
            ticket=entry.ticket,
            reason=entry.reason,
            asked_by=entry.asked_by,
            approved_by=tuple(entry.approved_by),
        )
        for name, entry in tree.exemptions.content.exemptions.items()
    }


def _scope(says: ScopeShape) -> Sentence:
    data = {action: tuple(getattr(says, action) or ()) for action in ACTIONS}
    return Sentence(
        data={action: names for action, names in data.items() if names},
        who=tuple(says.who),
        to=tuple(says.to or ()),
        only_fields=tuple(says.only_fields or ()),
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
        deputy=entry.deputy,
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
