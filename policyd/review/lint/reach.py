"""Reach: the cells that a rule could cover, and who could stand behind the names in it.

A cell is an action, a dataset of the catalogue and, of a send, a listed destination. What the
catalogue or the allowlist does not have is refused anyway (`dataset-unknown`,
`destination-not-allowlisted`), so a rule that lets through reaches nothing else.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policyd.engine.resolve import kind_of
from policyd.engine.rule_keys import covering
from policyd.model.catalogue import Dataset
from policyd.model.labels import Label
from policyd.model.organisation import Role
from policyd.model.rules import EVERYONE, Sentence
from policyd.model.snapshot import Snapshot


class Cell(NamedTuple):
    """An action on a dataset; of a send, with its destination."""

    action: str
    data: str
    place: str | None


def cells(snapshot: Snapshot, says: Sentence) -> Iterator[Cell]:
    """Every cell of which some call could be meant by *says*, at some time, by someone."""
    places = places_of(snapshot, says)
    for action, patterns in says.data.items():
        wanted = set(patterns)
        for name, dataset in snapshot.datasets.items():
            if wanted.isdisjoint(covering(name)) or not is_about_data(snapshot, says, dataset):
                continue
            if action == "send":
                yield from (Cell(action, name, place) for place in places if place != system(name))
            else:
                yield Cell(action, name, None)


def system(data: str) -> str:
    """The system of a dataset."""
    return data.partition("/")[0]


def places_of(snapshot: Snapshot, says: Sentence) -> list[str]:
    """Listed destinations to which *says* could let something be sent."""
    return [name for name in snapshot.destinations if is_about_place(snapshot, says, name)]


def is_about_place(snapshot: Snapshot, says: Sentence, name: str) -> bool:
    """Whether a send to the destination *name* is meant."""
    return (
        (not says.to or name in says.to)
        and (not says.to_zone or snapshot.destinations[name].zone in says.to_zone)
        and (not says.to_systems_of or kind_of(snapshot, name) == says.to_systems_of)
    )


def is_about_data(snapshot: Snapshot, says: Sentence, dataset: Dataset) -> bool:
    """Whether some call about the dataset has the kind, label and categories that are meant."""
    kind = says.in_systems_of
    if kind and kind_of(snapshot, system(dataset.id)) != kind:
        return False
    least, most = rank_range(snapshot, says)
    found = marks(dataset, says.only_fields)
    has_rank = any(least <= each.rank <= most for each in found)
    has_category = any(not each.categories.isdisjoint(says.category) for each in found)
    return has_rank and (not says.category or has_category)


def rank_range(snapshot: Snapshot, says: Sentence) -> tuple[int, int]:
    """The ranks of the levels that are meant."""
    levels = snapshot.vocabulary.levels
    least = levels.index(says.label_at_least) if says.label_at_least else 0
    most = levels.index(says.label_at_most) if says.label_at_most else len(levels) - 1
    return least, most


def marks(dataset: Dataset, fields: Iterable[str] = ()) -> list[Label]:
    """The labels that a call about the dataset can have parts of; of these *fields*, or any."""
    chosen = list(fields)
    if chosen:
        return [dataset.fields.get(each, dataset.label) for each in chosen]
    return [dataset.label, *dataset.fields.values()]


def implied(snapshot: Snapshot, name: str) -> frozenset[str]:
    """Every name that whoever has *name* has as well: a role brings along those it includes."""
    if name in snapshot.integrations:
        return snapshot.integrations[name].names
    found, waiting = {EVERYONE}, [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += snapshot.roles[each].includes if each in snapshot.roles else ()
    return frozenset(found)


def can_be(snapshot: Snapshot, name: str, names: Iterable[str]) -> bool:
    """Whether someone who has *name* could have one of *names*, now or with another role."""
    wanted = frozenset(names)
    if not wanted.isdisjoint(implied(snapshot, name)):
        return True
    if name in snapshot.integrations:
        return False
    units = _units_of(snapshot, name)
    return any(
        each in units
        or each.partition("/")[0] in units
        or any(each in implied(snapshot, role) for role in _roles_of(snapshot, units))
        for each in wanted
    )


def _units_of(snapshot: Snapshot, name: str) -> frozenset[str]:
    """Units that have, or could give out, *name*."""
    if name in snapshot.units:
        return frozenset((name,))
    found = (role.units for role in _bringing(snapshot, name))
    return frozenset(snapshot.units) if name == EVERYONE else frozenset().union(*found)


def _bringing(snapshot: Snapshot, name: str) -> list[Role]:
    return [role for role in snapshot.roles.values() if name in implied(snapshot, role.name)]


def _roles_of(snapshot: Snapshot, units: frozenset[str]) -> list[str]:
    return [name for name, role in snapshot.roles.items() if not units.isdisjoint(role.units)]
