"""The space that two snapshots are compared in: its moments, spots, data and sayings."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from policyd.engine.access import MODEL
from policyd.engine.rule_keys import covering
from policyd.model.rules import Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.moments import Moments, Span
from policyd.proof.places import Spot, spots
from policyd.proof.sayings import Part, Sayings, Sides, View, assertions, sayings_of, whole_labels
from policyd.proof.side import Side

_NAMES = ("x", "unlisted", "no-such-thing")


class Space:
    """Everything that two snapshots can tell apart, each with one value that stands for it."""

    def __init__(self, sides: Sides, span: Span) -> None:
        self.sides = sides
        self.moments = Moments(sides, span)
        self.read = (Side(sides[0], 0, self.moments), Side(sides[1], 1, self.moments))
        self.catalogued = sorted({name for side in sides for name in side.datasets})
        self._said = assertions(side.vocabulary for side in sides)
        self._asserted = [[side.vocabulary.label(words) for words in self._said] for side in sides]
        self._lists = list(_lists(sides))
        self._sayings: dict[str, Sayings] = {}
        self._views: dict[tuple[str, str | None, int], View] = {}

    @cached_property
    def spots(self) -> list[Spot]:
        """One spot for each way to contact a place."""
        return spots(self.sides)

    @cached_property
    def _by_place(self) -> dict[str, list[Spot]]:
        found: dict[str, list[Spot]] = {}
        for spot in self.spots:
            for name in {place.name for side in (0, 1) if (place := spot.place(side))}:
                found.setdefault(name, []).append(spot)
        return found

    @property
    def places(self) -> Iterable[str]:
        """Every destination that can be contacted."""
        return self._by_place.keys()

    def spots_at(self, place: str) -> list[Spot]:
        """The spots that either side takes for a destination."""
        return self._by_place.get(place, [])

    @cached_property
    def data(self) -> list[str]:
        """Every dataset in a catalogue, and one outside of it for each pattern that could be."""
        patterns = {
            pattern
            for side in self.sides
            for says in _sentences(side)
            for names in says.data.values()
            for pattern in names
        }
        systems = {f"{name}/*" for side in self.sides for name in side.systems}
        exact = {each for each in patterns if not each.endswith("*")}
        prefixes = {each[:-1] for each in patterns | systems | {"*"} if each.endswith("*")}
        known = exact.union(self.catalogued)
        fresh = {_fresh(prefix, known | patterns) for prefix in prefixes}
        return sorted(known | fresh)

    @property
    def nowhere(self) -> str:
        """Data of no system."""
        return next(each for each in self.data if "/" not in each)

    @property
    def nowhere_spot(self) -> Spot:
        """A place that neither side lists."""
        return next(each for each in self.spots if not each.place(0) and not each.place(1))

    def sayings(self, data: str) -> Sayings:
        """What a call may say of a dataset; raises `TooMany`."""
        if data not in self._sayings:
            near = set(covering(data))
            lists = {only for patterns, only in self._lists if not near.isdisjoint(patterns)}
            self._sayings[data] = sayings_of(self.sides, data, lists, self._said)
        return self._sayings[data]

    def view(self, data: str, side: int, source: str | None = None) -> View:
        """Sayings of *data* as a side labels them, or labels the *source* of a write to it."""
        key = (data, source, side)
        if key not in self._views:
            sayings = self.sayings(data)
            parts = sayings.parts(side)
            if source is not None:
                parts = [Part(sayings.all, whole_labels(self.sides, source)[side], None)]
            words = self.sides[side].vocabulary
            self._views[key] = View(sayings, words, self._asserted[side], parts)
        return self._views[key]

    def gaps(self) -> Iterator[str]:
        """Why nothing could be proved of these two at all."""
        one, two = self.sides
        if any(side.model != MODEL for side in self.sides):
            yield "the casbin model is not the one whose rules are understood"
        if one.calendar.zone_name != two.calendar.zone_name:
            yield (
                f"the company's clock moves from `{one.calendar.zone_name}` to "
                f"`{two.calendar.zone_name}`, and every window and date with it"
            )
        common = [each for each in one.vocabulary.levels if each in two.vocabulary.levels]
        if common != [each for each in two.vocabulary.levels if each in common]:
            yield "the levels of labels stand in another order"


def _sentences(side: Snapshot) -> Iterator[Sentence]:
    yield from (each.sentence for each in side.rules.values())
    yield from (each.scope for each in side.exemptions.values())


def _lists(sides: Sides) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Lists of `only_fields`, with the patterns of the data that they are about."""
    for side in sides:
        for says in _sentences(side):
            if says.only_fields:
                patterns = frozenset(each for names in says.data.values() for each in names)
                yield patterns, frozenset(says.only_fields)


def _fresh(prefix: str, known: Iterable[str]) -> str:
    """A name below *prefix* that nothing known is about but what is about the prefix."""
    taken = list(known)
    return next(
        name
        for name in (f"{prefix}{word}{n or ''}" for n in range(len(taken) + 1) for word in _NAMES)
        if not any(each.startswith(name) for each in taken)
    )
