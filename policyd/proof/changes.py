"""Changes: where two snapshots could differ at all, so that the rest need not be looked at."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from policyd.engine.rule_keys import covering
from policyd.model.destinations import Destination
from policyd.model.exemptions import Exemption
from policyd.model.organisation import Integration
from policyd.model.rules import Rule, Section, Sentence, Softening
from policyd.proof.moments import owner_gone
from policyd.proof.places import Spot
from policyd.proof.sayings import Sides

_EVERYWHERE = ("vocabulary", "calendar", "unlisted")


class Changes:
    """What is not the same on both sides, as far as a decision sees it.

    INVARIANT: a cell that none of this is about has the same terms on both sides.
    """

    def __init__(self, sides: Sides, spots: Iterable[Spot]) -> None:
        self._sides = sides
        self._memo: dict[object, bool] = {}
        ends = [tuple(_name(each.place(side)) for side in (0, 1)) for each in spots]
        self._shifted = {name for one, two in ends if one != two for name in (one, two) if name}
        one, two = sides
        self._zones = _differing(
            one.zones, two.zones, lambda each: (each.clearance, each.treatments)
        )
        # What is on no list stands in a zone too, and a roll-out lets it pass.
        self.is_everywhere = two.unlisted in self._zones or any(
            getattr(one, each) != getattr(two, each) for each in _EVERYWHERE
        )
        self._systems = _differing(one.systems, two.systems, lambda each: (each.kind, each.unit))
        self._datasets = _differing(one.datasets, two.datasets, lambda each: each)
        self._patterns: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._source_patterns: set[str] = set()
        for says, unit, forbids in self._sentences():
            for action, patterns in says.data.items():
                self._patterns[action, unit].update(patterns)
                if forbids and action == "send":
                    self._source_patterns.update(patterns)

    def _sentences(self) -> Iterator[tuple[Sentence, str, bool]]:
        """What rules and exemptions say that are not the same.

        With the unit whose callers alone it can concern, or "", and whether it is forbidden.
        """
        one, two = self._sides
        for ref in _differing(one.rules, two.rules, _body):
            for rule in (side.rules[ref] for side in self._sides if ref in side.rules):
                # What a unit forbids concerns others too, where it owns the data.
                forbids = rule.section is Section.FORBID
                unit = "" if forbids else rule.layer.partition("unit:")[2]
                yield rule.sentence, unit, forbids
        for name in _differing(one.exemptions, two.exemptions, _scope):
            for side in self._sides:
                if name in side.exemptions:
                    yield side.exemptions[name].scope, "", False

    @cached_property
    def places(self) -> frozenset[str]:
        """Destinations that are listed or contacted in another way, or stand in another zone."""
        one, two = self._sides
        kinds = _differing(one.systems, two.systems, lambda each: each.kind)
        listed = _differing(one.destinations, two.destinations, _listing)
        moved = {
            name
            for side in self._sides
            for name, each in side.destinations.items()
            if each.zone in self._zones
        }
        return frozenset(listed | moved | kinds | self._shifted)

    def _once(self, key: object, holds: Callable[[], bool]) -> bool:
        if key not in self._memo:
            self._memo[key] = holds()
        return self._memo[key]

    def is_caller(self, who: tuple[Integration | None, Integration | None], action: str) -> bool:
        """Whether an integration, or what holds for all that it does, is not the same."""
        key = (*(each and each.id for each in who), action == "read")
        return self._once(key, lambda: self._is_caller(who, action))

    def _is_caller(self, who: tuple[Integration | None, Integration | None], action: str) -> bool:
        one, two = who
        if one is None or two is None or self.is_everywhere:
            return True
        if self._standing(0, one) != self._standing(1, two):
            return True
        return action == "read" and not self.places.isdisjoint({one.runs_on, two.runs_on})

    def _standing(self, side: int, who: Integration) -> tuple[object, ...]:
        snapshot = self._sides[side]
        unit = snapshot.units[who.unit]
        return (
            *(who.names, who.unit, who.template, who.stage, who.runs_on, who.until),
            *(owner_gone(snapshot, who), _ending(unit.softening)),
        )

    def is_about(self, units: frozenset[str], action: str, data: str) -> bool:
        """Whether rules, exemptions or labels about the action and the data are not the same.

        *units* are those of the caller.
        """
        return self._once((units, action, data), lambda: bool(self.about(units, action, [data])))

    def about(self, units: frozenset[str], action: str, data: Iterable[str]) -> list[str]:
        """Those of *data* of which `is_about` holds."""
        patterns = frozenset().union(*(self._patterns[action, unit] for unit in ("", *units)))
        systems = {*self._systems, *(() if action == "send" else self.places)}
        if not patterns and not systems and not self._datasets:
            return []
        return [
            each
            for each in data
            if each in self._datasets
            or each.partition("/")[0] in systems
            or not patterns.isdisjoint(covering(each))
        ]

    def sources(self, data: Iterable[str]) -> list[str]:
        """Those of *data* of which something else is said where a write takes its data from it."""
        return [
            each
            for each in data
            if each in self._datasets
            or each.partition("/")[0] in self._systems
            or not self._source_patterns.isdisjoint(covering(each))
        ]


def _differing(old: Any, new: Any, seen: Any) -> set[str]:  # noqa: ANN401 - members of any type
    """Names of what one side alone has, or both but not as a decision sees it."""
    return {
        name
        for name in {*old, *new}
        if name not in old or name not in new or seen(old[name]) != seen(new[name])
    }


def _name(place: Destination | None) -> str | None:
    return place.name if place else None


def _ending(softening: Softening | None) -> object:
    return softening and (softening.mode, softening.until)


def _body(rule: Rule) -> object:
    return (
        *(rule.layer, rule.section, rule.sentence, _ending(rule.softening)),
        *(rule.always, dict(rule.duties), rule.limit),
    )


def _scope(exemption: Exemption) -> object:
    return exemption.lifts, exemption.scope, exemption.start, exemption.end


def _listing(place: Destination) -> object:
    return (
        *(place.zone, place.hosts, place.suffixes, place.networks, place.schemes),
        *(place.ports, place.paths, place.methods, place.who),
    )
