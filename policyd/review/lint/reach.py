"""Reach: what a rule could cover, and who could stand behind the names in it.

What the catalogue or the allowlist does not have is refused anyway (`dataset-unknown`,
`destination-not-allowlisted`), so a rule that lets through reaches nothing else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from policyd.engine.resolve import kind_of
from policyd.engine.rule_keys import covering
from policyd.model.catalogue import Dataset
from policyd.model.labels import Label
from policyd.model.organisation import Integration
from policyd.model.rules import EVERYONE, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot

Names = frozenset[str]


class Cell(NamedTuple):
    """An action on a dataset; of a send, with its destination."""

    action: str
    data: str
    place: str | None


class Reached(NamedTuple):
    """An action on a dataset; of a send, with every destination that it may go to."""

    action: str
    data: str
    places: Names | None


class Reach:
    """What is reached by the rules of one snapshot, found by look-up and not rule by rule."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._implied: dict[str, Names] = {}
        self._places: dict[object, Names] = {}

    @cached_property
    def _datasets(self) -> dict[str, list[Dataset]]:
        """By every pattern that covers them."""
        found = defaultdict(list)
        for name, dataset in self.snapshot.datasets.items():
            for pattern in covering(name):
                found[pattern].append(dataset)
        return found

    @cached_property
    def _rules(self) -> dict[tuple[str, Section, str, str], list[Rule]]:
        """By layer, section, action and pattern."""
        found = defaultdict(list)
        for rule in self.snapshot.rules.values():
            for action, patterns in rule.sentence.data.items():
                for pattern in dict.fromkeys(patterns):
                    found[rule.layer, rule.section, action, pattern].append(rule)
        return found

    @cached_property
    def told(self) -> Names:
        """All names by which rules and destinations tell callers from each other."""
        says = [each.sentence for each in self.snapshot.rules.values()]
        names = {name for each in says for name in (*each.who, *each.excepted)}
        return frozenset(names.union(*(e.who for e in self.snapshot.destinations.values())))

    @cached_property
    def lifted(self) -> Names:
        """What exemptions lift: references of rules, and of cells of the flow table."""
        return frozenset(each.lifts for each in self.snapshot.exemptions.values())

    @cached_property
    def _integrations(self) -> dict[str, list[Integration]]:
        found = defaultdict(list)
        for each in self.snapshot.integrations.values():
            found[each.unit].append(each)
        return found

    def integrations(self, unit: str) -> list[Integration]:
        """Those of a unit."""
        return self._integrations.get(unit, [])

    def about(self, layer: str, section: Section, action: str, data: str) -> Iterator[Rule]:
        """Rules of a layer and section that are about the action and the dataset, each once."""
        seen = set()
        for pattern in covering(data):
            for rule in self._rules.get((layer, section, action, pattern), ()):
                if rule.ref not in seen:
                    seen.add(rule.ref)
                    yield rule

    def of(self, rule: Rule) -> Iterator[Reached]:
        """All of which some call could be meant by a rule, at some time, by someone."""
        says = rule.sentence
        for action, patterns in says.data.items():
            places = self.places(rule) if action == "send" else None
            found = {e.id: e for pattern in patterns for e in self._datasets.get(pattern, ())}
            for name, dataset in found.items():
                if not is_about_data(self.snapshot, says, dataset):
                    continue
                there = places - {system(name)} if places is not None else None
                if there is None or there:
                    yield Reached(action, name, there)

    def cells(self, rule: Rule) -> Iterator[Cell]:
        """The same, one destination at a time."""
        for action, data, places in self.of(rule):
            if places is None:
                yield Cell(action, data, None)
            else:
                yield from (Cell(action, data, place) for place in sorted(places))

    def places(self, rule: Rule) -> Names:
        """Listed destinations to which a rule could let something be sent."""
        snapshot, says = self.snapshot, rule.sentence
        key = (says.to, says.to_zone, says.to_systems_of)
        if key not in self._places:
            near: Iterable[str] = says.to or snapshot.destinations
            found = (name for name in near if is_about_place(snapshot, says, name))
            self._places[key] = frozenset(found)
        return self._places[key]

    def implied(self, name: str) -> Names:
        """Every name that whoever has *name* has as well; see `implied`."""
        if name not in self._implied:
            self._implied[name] = implied(self.snapshot, name)
        return self._implied[name]

    def can_be(self, name: str, names: Iterable[str]) -> bool:
        """Whether someone who has *name* could have one of *names*, now or with another role."""
        wanted = frozenset(names)
        if not wanted:
            return False
        if not wanted.isdisjoint(self.implied(name)):
            return True
        if name in self.snapshot.integrations:
            return False
        units = self._units_of(name)
        roles = self.snapshot.roles.values()
        given = [each.name for each in roles if not units.isdisjoint(each.units)]
        return any(each in units or each.partition("/")[0] in units for each in wanted) or any(
            not wanted.isdisjoint(self.implied(role)) for role in given
        )

    def _units_of(self, name: str) -> Names:
        """Units that have, or could give out, *name*."""
        if name == EVERYONE:
            return frozenset(self.snapshot.units)
        if name in self.snapshot.units:
            return frozenset((name,))
        roles = self.snapshot.roles.values()
        bringing = (each.units for each in roles if name in self.implied(each.name))
        return frozenset().union(*bringing)


def system(data: str) -> str:
    """The system of a dataset."""
    return data.partition("/")[0]


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
    if not (says.label_at_least or says.label_at_most or says.category):
        return True
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


def implied(snapshot: Snapshot, name: str) -> Names:
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
