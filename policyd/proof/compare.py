"""Comparing two snapshots, cell by cell, wherever they could differ."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policyd.model.organisation import Integration
from policyd.model.rules import ACTIONS, Section, Sentence
from policyd.proof.differences import Difference, by_source, differences
from policyd.proof.places import Spot
from policyd.proof.reading import Cell, Reading
from policyd.proof.sayings import TooMany
from policyd.proof.space import Space
from policyd.proof.terms import UNKNOWN, Terms

BUDGET = 400_000
"""Cells that are looked at; beyond, nothing more is proved."""
Callers = tuple[Integration | None, Integration | None]
"""One integration as each side knows it."""


class Where(NamedTuple):
    """Who does what with which data, at which spot."""

    who: Callers
    action: str
    data: str
    spot: Spot


Found = tuple[Where, Difference]


class Comparer:
    """Looks for differences between the sides of a space, `within` one sentence or everywhere."""

    def __init__(self, space: Space, within: Sentence | None = None, budget: int = BUDGET) -> None:
        self.space, self._within, self._left = space, within, budget
        self.gaps: dict[str, None] = dict.fromkeys(space.gaps())

    def differences(self, callers: Iterable[Callers]) -> Iterator[Found]:
        """All differences for *callers*; what could not be looked at is in `gaps` afterwards."""
        for who in callers:
            yield from self._roll_outs(who)
            for where in self._wheres(who):
                if self._left <= 0:
                    self.gaps["there is more to look at than the budget of steps"] = None
                    return
                self._left -= 1
                try:
                    yield from self._differences(where)
                except TooMany as found:
                    self.gaps[f"`{where.data}` has {found}"] = None

    def _roll_outs(self, who: Callers) -> Iterator[Found]:
        """Where a roll-out of one side alone lets calls pass."""
        one, two = (
            side.passing(each) if each else 0
            for side, each in zip(self.space.read, who, strict=True)
        )
        for side, when in ((0, two & ~one), (1, one & ~two)):
            if when:
                where = Where(who, "read", self.space.nowhere, self.space.nowhere_spot)
                yield where, Difference(side, "roll-out", 1, when)

    def _wheres(self, who: Callers) -> Iterator[Where]:
        """Cells of which either side could allow something."""
        known = [(s, each) for s, each in zip(self.space.read, who, strict=True) if each]
        is_rolling = any(side.passing(each) for side, each in known)
        for action in ACTIONS:
            if self._within and action not in self._within.data:
                continue
            for data in self.space.data if is_rolling else self.space.catalogued:
                if is_rolling or any(s.is_covered(each, action, data) for s, each in known):
                    for spot in self.space.spots:
                        if is_rolling or _is_sensible(action, data, spot):
                            yield Where(who, action, data, spot)

    def _differences(self, where: Where) -> Iterator[Found]:
        cells = [self._cell(where, side) for side in (0, 1)]
        one, two = (
            Reading(side, each).terms() if each else UNKNOWN
            for side, each in zip(self.space.read, cells, strict=True)
        )
        sayings, moments = self.space.sayings(where.data).all, self.space.moments.all
        found = list(differences((one, two), moments, sayings))
        if where.action == "write":
            found += self._by_sources(where, cells, (one, two))
        for each in found:
            bits, when = self._inside(cells[1 - each.side], 1 - each.side)
            if each.bits & bits and each.when & when:
                yield where, each._replace(bits=each.bits & bits, when=each.when & when)

    def _by_sources(
        self, where: Where, cells: list[Cell | None], terms: tuple[Terms, Terms]
    ) -> Iterator[Difference]:
        """The differences that sources of a write make."""
        sayings, moments = self.space.sayings(where.data).all, self.space.moments.all
        for source in self.space.catalogued:
            one, two = (
                self._source(cell, source, side) if cell else UNKNOWN
                for side, cell in enumerate(cells)
            )
            yield from by_source(terms, (one, two), source, moments, sayings)

    def _source(self, cell: Cell, source: str, side: int) -> Terms:
        zone = self.space.read[side].zone(cell.who, cell.action, cell.data, None)
        view = self.space.view(cell.data, side, source)
        sent = Cell(cell.who, "send", source, cell.spot, view)
        return Reading(self.space.read[side], sent, zone).as_source()

    def _cell(self, where: Where, side: int) -> Cell | None:
        who = where.who[side]
        view = self.space.view(where.data, side)
        return Cell(who, where.action, where.data, where.spot, view) if who else None

    def _inside(self, cell: Cell | None, side: int) -> tuple[int, int]:
        """The sayings and moments of a cell that are within the sentence."""
        says = self._within
        if says is None:
            return -1, -1
        if cell is None or not Reading(self.space.read[side], cell).is_within(says):
            return 0, 0
        return cell.view.holding(says, Section.FORBID), self.space.read[side].spoken(says)


def _is_sensible(action: str, data: str, spot: Spot) -> bool:
    """Whether the action could be done at the spot: a send elsewhere, all else at the system."""
    system = data.partition("/")[0]
    places = {place.name for side in (0, 1) if (place := spot.place(side))}
    return bool(places - {system}) if action == "send" else system in places
