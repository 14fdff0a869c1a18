"""Comparing two snapshots, cell by cell, wherever they could differ."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policyd.engine.rule_keys import covering
from policyd.model.organisation import Integration
from policyd.model.rules import ACTIONS, Section, Sentence
from policyd.proof.changes import Changes
from policyd.proof.differences import Difference, by_source, differences, is_ever_allowed
from policyd.proof.moments import owner_gone
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

    def __init__(
        self,
        space: Space,
        within: Sentence | None = None,
        budget: int = BUDGET,
        changes: Changes | None = None,
    ) -> None:
        """Look at *changes* only, which are those of the space if none are given."""
        self.space, self._within, self._left = space, within, budget
        self._touched: dict[tuple[str, bool, frozenset[str]], list[str]] = {}
        self._standing: dict[tuple[str, int], tuple[object, ...]] = {}
        self._named: dict[tuple[str, bool], list[str]] = {}
        self._changes = changes or Changes(space.sides, space.spots)
        self._sources = self._changes.sources(space.catalogued)
        self._seen = 0
        self.samples: list[tuple[Where, tuple[Terms, Terms]]] = []
        """The first cell that was looked at, the second, the fourth, and so on."""
        self._memo: dict[object, list[tuple[Spot, Difference]]] = {}
        self._alike: dict[object, list[tuple[str, Spot, Difference]]] = {}
        self.gaps: dict[str, None] = dict.fromkeys(space.gaps())

    def differences(self, callers: Iterable[Callers]) -> Iterator[Found]:
        """All differences for *callers*; what could not be looked at is in `gaps` afterwards."""
        for who in callers:
            yield from self._roll_outs(who)
            for action in ACTIONS:
                for data, spot, each in self._doing(who, action):
                    yield Where(who, action, data, spot), each

    def _doing(self, who: Callers, action: str) -> list[tuple[str, Spot, Difference]]:
        """The differences about an action, found once for all callers that no rule tells apart."""
        is_caller = self._changes.is_caller(who, action)
        told_by = (self._told_by(who, action, side) for side in (0, 1))
        key = (action, is_caller, *told_by)
        if key not in self._alike:
            self._alike[key] = [
                (data, spot, each)
                for data in self._changed(who, action)
                for spot, each in self._once(who, action, data)
            ]
        return self._alike[key]

    def _changed(self, who: Callers, action: str) -> list[str]:
        """The data about which the sides could differ for a caller."""
        changes, (one, two) = self._changes, self._passing(who)
        names = self._data(action, is_rolling=bool(one & two))
        # At a changed place any data may be sent, so all is looked at: but there alone (`_wheres`).
        is_sent = action == "send" and changes.places
        is_sourced = action == "write" and self._sources
        if is_sent or is_sourced or one != two or changes.is_caller(who, action):
            return names
        key = (action, bool(one & two), units_of(who))
        if key not in self._touched:
            self._touched[key] = changes.about(units_of(who), action, names)
        return self._touched[key]

    def _once(self, who: Callers, action: str, data: str) -> list[tuple[Spot, Difference]]:
        """The differences about some data, found once for all callers that are alike."""
        is_caller = self._changes.is_caller(who, action)
        key = (
            action,
            data,
            is_caller,
            *(self._told_by(who, action, side, data) for side in (0, 1)),
        )
        if key not in self._memo:
            self._memo[key] = []
            try:
                self._memo[key] = self._about(who, action, data)
            except TooMany as found:
                self.gaps[f"`{data}` has {found}"] = None
        return self._memo[key]

    def _told_by(self, who: Callers, action: str, side: int, data: str | None = None) -> object:
        """All that rules about the action, or about it and some data, could tell a caller by."""
        known, read = who[side], self.space.read[side]
        if known is None:
            return None
        names = read.named(action, data)
        if self._within:
            names = names.union(self._within.who, self._within.excepted)
        if (known.id, side) not in self._standing:
            self._standing[known.id, side] = (
                *(known.unit, known.template, known.stage, known.until),
                owner_gone(read.snapshot, known),
            )
        rest = self._standing[known.id, side]
        return rest, known.names & names, known.runs_on if action == "read" else None

    def _about(self, who: Callers, action: str, data: str) -> list[tuple[Spot, Difference]]:
        found = []
        for where in self._wheres(who, action, data):
            if self._left <= 0:
                self.gaps["there is more to look at than the budget of steps"] = None
                break
            self._left -= 1
            found += [(where.spot, each) for each in self._differences(where)]
        return found

    def _passing(self, who: Callers) -> tuple[int, int]:
        """The moments at which a roll-out of each side lets a caller pass."""
        one, two = (
            side.passing(each) if each else 0
            for side, each in zip(self.space.read, who, strict=True)
        )
        return one, two

    def _roll_outs(self, who: Callers) -> Iterator[Found]:
        """Where a roll-out of one side alone lets calls pass."""
        one, two = self._passing(who)
        for side, when in ((0, two & ~one), (1, one & ~two)):
            if when:
                where = Where(who, "read", self.space.nowhere, self.space.nowhere_spot)
                yield where, Difference(side, "roll-out", 1, when)

    def _wheres(self, who: Callers, action: str, data: str) -> Iterator[Where]:
        """Cells in which the sides could differ.

        Where both have a roll-out, anything could be allowed; where one has, what the other could
        allow is enough, since what the roll-out lets pass is told as that (`_roll_outs`).
        """
        changes, (one, two) = self._changes, self._passing(who)
        known = [(s, each) for s, each in zip(self.space.read, who, strict=True) if each]
        covered = [side.covered(each, action, data) for side, each in known]
        spots = list(self._spots(action, data, covered))
        is_sourced = action == "write" and self._sources
        is_wide = is_sourced or changes.is_caller(who, action)
        if not (is_wide or changes.is_about(units_of(who), action, data)):
            everywhere = [each for each in self.space.spots if one & two]
            near = [each for each in (*spots, *everywhere) if _is_at(each, changes.places)]
            spots = [*near, *(spots if one != two else ())]
        elif one & two:
            spots = self.space.spots
        for spot in {id(each): each for each in spots}.values():
            yield Where(who, action, data, spot)

    def _data(self, action: str, *, is_rolling: bool) -> list[str]:
        """The data that there is to ask about."""
        names = self.space.data if is_rolling else self.space.catalogued
        if self._within is None:
            return names
        if (action, is_rolling) not in self._named:
            patterns = set(self._within.data.get(action, ()))
            found = [each for each in names if not patterns.isdisjoint(covering(each))]
            self._named[action, is_rolling] = found
        return self._named[action, is_rolling]

    def _spots(
        self, action: str, data: str, covered: list[frozenset[str] | None]
    ) -> Iterator[Spot]:
        """Spots where the action could be done: a send elsewhere, all else at the system.

        *covered* has the places that each side could allow.
        """
        if all(each is not None and not each for each in covered):
            return
        if action != "send":
            yield from self.space.spots_at(data.partition("/")[0])
            return
        names = {*self.space.places} if None in covered else set().union(*covered)  # type: ignore[arg-type]
        if self._within and self._within.to:
            names &= {*self._within.to}
        spots = {id(s): s for name in sorted(names) for s in self.space.spots_at(name)}
        yield from spots.values()

    def _differences(self, where: Where) -> Iterator[Difference]:
        cells = [self._cell(where, side) for side in (0, 1)]
        one, two = (
            Reading(side, each).terms() if each else UNKNOWN
            for side, each in zip(self.space.read, cells, strict=True)
        )
        sayings, moments = self.space.sayings(where.data).all, self.space.moments.all
        self._seen += 1
        if self._seen.bit_count() == 1:
            self.samples.append((where, (one, two)))
        found = list(differences((one, two), moments, sayings))
        if where.action == "write":
            found += self._by_sources(where, cells, (one, two))
        for each in found:
            bits, when = self._inside(cells[1 - each.side], 1 - each.side)
            if each.bits & bits and each.when & when:
                yield each._replace(bits=each.bits & bits, when=each.when & when)

    def _by_sources(
        self, where: Where, cells: list[Cell | None], terms: tuple[Terms, Terms]
    ) -> Iterator[Difference]:
        """The differences that sources of a write make, where both sides allow the write itself."""
        sayings, moments = self.space.sayings(where.data).all, self.space.moments.all
        if not all(is_ever_allowed(each, moments, sayings) for each in terms):
            return
        is_elsewhere = where.data.partition("/")[0] in self._changes.places
        is_all = is_elsewhere or self._changes.is_caller(where.who, "write")
        for source in self.space.catalogued if is_all else self._sources:
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


def _is_at(spot: Spot, places: frozenset[str]) -> bool:
    """Whether a spot is at one of the places, or not the same place for both sides."""
    one, two = (place.name if (place := spot.place(side)) else None for side in (0, 1))
    return one != two or one in places


def units_of(who: Callers) -> frozenset[str]:
    """The unit of a caller; two, if it is not the same for both sides."""
    return frozenset(each.unit for each in who if each)
