"""Destinations, systems, data and calendar of a tree, as the snapshot has them."""

from collections.abc import Mapping

from policyd.model.calendar import Calendar, Hours, Span
from policyd.model.catalogue import Dataset, System
from policyd.model.destinations import Destination, Zone
from policyd.model.labels import Label, Treatment, Vocabulary
from policyd.model.rules import EVERYONE
from policyd.policy import times
from policyd.policy.hosts import read_host
from policyd.policy.place_shapes import DestinationEntry
from policyd.policy.tree import Tree
from policyd.policy.words import USUAL_SCHEME


def vocabulary(tree: Tree) -> Vocabulary:
    """The company's levels and categories."""
    company = tree.company.content
    return Vocabulary(tuple(company.labels), frozenset(company.categories))


def label(words: Vocabulary, mark: list[str]) -> Label:
    """The label that a mark of the catalogue (a level, then categories) says."""
    return Label(words.levels.index(mark[0]), frozenset(mark[1:]))


def zones(tree: Tree) -> Mapping[str, Zone]:
    """Zones by name, each with its row of the flow table."""
    file, levels = tree.destinations.content, tree.company.content.labels
    return {
        name: Zone(
            name=name,
            owner=zone.owner or file.owner,
            reason=zone.reason,
            fix=zone.fix,
            clearance=levels.index(file.flow[name].clearance),
            treatments={
                category: Treatment.of(word)
                for category, word in (file.flow[name].model_extra or {}).items()
            },
        )
        for name, zone in file.zones.items()
    }


def destinations(tree: Tree) -> Mapping[str, Destination]:
    """Destinations by name."""
    file = tree.destinations.content
    return {
        name: built_destination(name, entry, file.owner)
        for name, entry in file.destinations.items()
    }


def built_destination(name: str, entry: DestinationEntry, owner: str) -> Destination:
    """One destination; *owner* answers for it unless it says otherwise."""
    patterns = [read_host(host) for host in entry.hosts]
    texts = [each for each in patterns if isinstance(each, str)]
    who = entry.who or [EVERYONE]
    return Destination(
        name=name,
        zone=entry.zone,
        owner=entry.owner or owner,
        reason=entry.reason,
        hosts=frozenset(each for each in texts if not each.startswith(".")),
        suffixes=tuple(sorted(each for each in texts if each.startswith("."))),
        networks=tuple(each for each in patterns if not isinstance(each, str)),
        schemes=frozenset(entry.schemes or (USUAL_SCHEME,)),
        ports=frozenset(entry.ports or ()),
        paths=tuple(entry.paths or ()),
        methods=frozenset(entry.methods or ()),
        who=frozenset() if who == [EVERYONE] else frozenset(who),
    )


def systems(tree: Tree) -> Mapping[str, System]:
    """Systems by name."""
    return {
        name: System(name, entry.kind, entry.owner, entry.title, entry.unit)
        for name, entry in tree.systems.content.systems.items()
    }


def datasets(tree: Tree) -> Mapping[str, Dataset]:
    """Datasets by id."""
    words = vocabulary(tree)
    return {
        name: Dataset(
            name,
            label(words, entry.is_),
            {field: label(words, mark) for field, mark in (entry.fields_ or {}).items()},
        )
        for name, entry in tree.labels.content.datasets.items()
    }


def calendar(tree: Tree) -> Calendar:
    """The company's calendar, in the zone as the locked tzdata has it."""
    file = tree.calendar.content
    return Calendar(
        zone=times.zone(file.timezone),
        zone_name=file.timezone,
        hours={
            name: Hours(
                frozenset(times.DAYS.index(day) for day in each.days),
                times.clock(each.from_),
                times.clock(each.until),
            )
            for name, each in file.hours.items()
        },
        freezes={
            name: tuple(
                Span(times.start(each.from_), times.end(each.until), each.reason) for each in spans
            )
            for name, spans in file.freezes.items()
        },
    )
