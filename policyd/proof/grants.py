"""Grants: what central IT lets the units have, whatever they write in their own files.

A grant is a snapshot in which every unit allows all and forbids nothing, and in which stand the
integrations that it could register: with any of the roles that it may give out, of any template
that it may use, on any place where it may run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from policyd.model.organisation import Integration
from policyd.model.rules import ACTIONS, ANYTHING, EVERYONE, Place, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.sayings import Sides

MAX_ROLES = 10
"""Roles that one unit may give out and rules name; beyond, their sets are too many to look at."""
_ALL = Sentence(dict.fromkeys(ACTIONS, (ANYTHING,)), (EVERYONE,))


class TooManyRoles(Exception):
    """A unit may give out more roles than `MAX_ROLES`; its text says so."""


class Wish(NamedTuple):
    """An integration that a unit could register."""

    unit: str
    name: str | None  # of one that rules, exemptions or promotions name; else any
    template: str | None
    runs_on: str
    is_production: bool
    roles: tuple[str, ...]

    @property
    def id(self) -> str:
        """How it is told: `hr/new (people-reader, production, on flows)`."""
        template = (f"template {self.template}",) if self.template else ()
        stage = "production" if self.is_production else "sandbox"
        more = ", ".join((*self.roles, stage, *template, f"on {self.runs_on}"))
        return f"{self.name or f'{self.unit}/new'} ({more})"


def grant(sides: Sides, *, only_widest: bool = False) -> Sides:
    """The grants of both sides, with the same wishes.

    Args:
        sides: Two snapshots.
        only_widest: Leave out templates where doing without one gets an integration more, as it
            always does where one side allows nothing at all.

    Raises:
        TooManyRoles: a unit may give out too many roles.
    """
    wishes = [wish for unit in _units(sides) for wish in _wishes(sides, unit, only_widest)]
    one, two = (
        opened(side, {wish.id: who for wish in wishes if (who := granted(side, wish))} | _own(side))
        for side in sides
    )
    return one, two


def asked_of(base: Snapshot, head: Snapshot) -> Snapshot:
    """The grant of *base* for what the units ask for in *head*."""
    found = {}
    for name, who in head.integrations.items():
        wish = Wish(who.unit, name, who.template, who.runs_on, who.stage == "production", who.roles)
        if given := granted(base, wish):
            found[name] = replace(given, id=name, until=who.until)
    return opened(base, found)


def opened(snapshot: Snapshot, integrations: dict[str, Integration]) -> Snapshot:
    """The snapshot with these integrations, and units that allow all and forbid nothing."""
    rules = {
        ref: each for ref, each in snapshot.rules.items() if not each.layer.startswith("unit:")
    }
    place = Place("guardrails/access.yaml", 1, 1)
    for name, unit in snapshot.units.items():
        ref = f"unit:{name}/whatever-it-writes"
        why = "What a unit could write."
        rule = Rule(ref, f"unit:{name}", Section.ALLOW, _ALL, unit.owner, why, None, place)
        rules[ref] = rule
    return replace(snapshot, rules=rules, integrations=integrations)


def granted(snapshot: Snapshot, wish: Wish) -> Integration | None:
    """The integration that a wish comes to; None where the unit may have nothing like it."""
    unit = snapshot.units.get(wish.unit)
    template = snapshot.templates.get(wish.template or "")
    if unit is None or wish.runs_on not in unit.runs_on or (wish.template and not template):
        return None
    if template and wish.runs_on not in template.runs_on:
        return None
    if template and template.units and wish.unit not in template.units:
        return None
    may = (template and template.self_promotion) or wish.name in promoted(snapshot)
    names = held(snapshot, wish.unit, wish.roles)
    return Integration(
        id=wish.id,
        unit=wish.unit,
        title=wish.id,
        owner=unit.owner,
        template=wish.template,
        stage="production" if wish.is_production and may else "sandbox",
        runs_on=wish.runs_on,
        roles=wish.roles,
        names=names | {wish.name or wish.id, wish.unit, EVERYONE},
        until=None,
    )


def held(snapshot: Snapshot, unit: str, given: Iterable[str]) -> frozenset[str]:
    """The roles that come of those given: what the unit may give out, and all they include."""
    roles, found = snapshot.roles, set[str]()
    waiting = [name for name in given if name in roles and unit in roles[name].units]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += roles[name].includes
    return frozenset(found)


def promoted(snapshot: Snapshot) -> frozenset[str]:
    """Integrations that IT brought to production; their templates would not let their units."""
    templates = snapshot.templates
    return frozenset(
        name
        for name, who in snapshot.integrations.items()
        if who.stage == "production"
        and not (who.template and templates[who.template].self_promotion)
    )


def _own(side: Snapshot) -> dict[str, Integration]:
    return dict(side.integrations)


def _units(sides: Sides) -> list[str]:
    return sorted({name for side in sides for name in side.units})


def _wishes(sides: Sides, unit: str, only_widest: bool) -> Iterator[Wish]:  # noqa: FBT001 - handed on
    """Every integration of the unit that rules could tell from the others."""
    known = _named(sides)
    own = sorted({name for side in sides for name in side.integrations if name in known})
    own = [name for name in own if name.startswith(f"{unit}/")]
    raised = sorted(
        {name for side in sides for name in promoted(side) if name.startswith(f"{unit}/")}
    )
    bases = [None, *own, *[name for name in raised if name not in own][:1]]
    for name in bases:
        for template in _templates(sides, unit, no_template=only_widest and name in raised):
            for runs_on in _homes(sides, unit, template):
                for roles in _role_sets(sides, unit, known):
                    yield Wish(unit, name, template, runs_on, False, roles)  # noqa: FBT003 - a named field
                    if name in raised or _promotes(sides, template):
                        yield Wish(unit, name, template, runs_on, True, roles)  # noqa: FBT003 - a named field


def _promotes(sides: Sides, template: str | None) -> bool:
    known = (side.templates.get(template or "") for side in sides)
    return any(each.self_promotion for each in known if each)


def _templates(sides: Sides, unit: str, *, no_template: bool) -> list[str | None]:
    if no_template:
        return [None]
    found = {
        name
        for side in sides
        for name, each in side.templates.items()
        if not each.units or unit in each.units
    }
    return [None, *sorted(found)]


def _homes(sides: Sides, unit: str, template: str | None) -> list[str]:
    """One place to run in each zone that there is to run in."""
    found: dict[tuple[str | None, ...], str] = {}
    places = {place for side in sides if unit in side.units for place in side.units[unit].runs_on}
    for place in sorted(places):
        known = [side.templates.get(template or "") for side in sides]
        if template and not any(each and place in each.runs_on for each in known):
            continue
        zones = (at.zone if (at := side.destinations.get(place)) else None for side in sides)
        found.setdefault(tuple(zones), place)
    return sorted(found.values())


def _named(sides: Sides) -> frozenset[str]:
    """Names that the guardrails, templates, exemptions and destinations tell callers by."""
    found: set[str] = set()
    for side in sides:
        says = [each.sentence for each in side.rules.values() if not each.layer.startswith("unit:")]
        says += [each.scope for each in side.exemptions.values()]
        found.update(name for each in says for name in (*each.who, *each.excepted))
        found.update(name for each in side.destinations.values() for name in each.who)
    return frozenset(found)


def _role_sets(sides: Sides, unit: str, known: frozenset[str]) -> list[tuple[str, ...]]:
    """Sets of roles that the unit may give out, one of those that rules do not tell apart."""
    given = sorted(
        {
            name
            for side in sides
            for name, role in side.roles.items()
            if unit in role.units and not known.isdisjoint(held(side, unit, [name]))
        }
    )
    if len(given) > MAX_ROLES:
        raise TooManyRoles(f"unit `{unit}` may give out {len(given)} roles that rules name")
    found: dict[tuple[frozenset[str], ...], tuple[str, ...]] = {}
    for size in range(len(given) + 1):
        for some in combinations(given, size):
            key = tuple(held(side, unit, some) & known for side in sides)
            found.setdefault(key, some)
    return list(found.values())
