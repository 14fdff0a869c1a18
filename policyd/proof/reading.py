"""Reading a cell: the terms that one snapshot sets for it.

The rules are told apart as the engine does (`engine.rule_keys`, `engine.conditions`), by what they
say of the caller, the action, the data and the place; what is left of them stands in the terms.
"""

from collections.abc import Iterator
from typing import NamedTuple

from policyd.engine.duties import APPROVAL, weight_of
from policyd.engine.flow import CLEARANCE
from policyd.engine.flow import cell as cell_of
from policyd.engine.resolve import kind_of
from policyd.engine.rule_keys import covering
from policyd.model.destinations import Zone
from policyd.model.labels import Label, Treatment
from policyd.model.organisation import Integration
from policyd.model.rules import ANYTHING, Rule, Section, Sentence
from policyd.proof.moments import owner_gone
from policyd.proof.places import Spot
from policyd.proof.sayings import Part, View
from policyd.proof.side import COVERING, GUARDRAIL, Side, is_about, layers_of
from policyd.proof.terms import WHOLE, Bar, Cap, Due, Lifts, Terms, Zoned


class Cell(NamedTuple):
    """Who does what with which data, at which spot; `view` is of what a call may say of it."""

    who: Integration
    action: str
    data: str
    spot: Spot
    view: View


class Reading:
    """One cell, read by one side; `zone` is where the data comes to rest."""

    def __init__(self, side: Side, cell: Cell, zone: Zone | None = None) -> None:
        self.side, self.cell = side, cell
        self.place = cell.spot.place(side.side)
        self.zone = zone or side.zone(cell.who, cell.action, cell.data, self.place)
        self.system = cell.data.partition("/")[0]
        self.all = cell.view.sayings.all
        snapshot, place = side.snapshot, self.place
        self._known = {
            "stage": cell.who.stage,
            "in_systems_of": kind_of(snapshot, self.system),
        }
        if cell.action == "send":
            self._known |= {
                "to": place.name if place else None,
                "to_zone": self.zone.name,
                "to_systems_of": kind_of(snapshot, place.name) if place else None,
            }

    def terms(self) -> Terms:
        """What the snapshot says of calls of the cell."""
        who, taking = self.cell.who, (*self._required(), *self._limited())
        layers = layers_of(who)
        unit = self.side.snapshot.units[who.unit]
        return Terms(
            refused=self._refused(),
            passing=self.side.passing(who),
            bars=(
                *self._place_bars(),
                *(self._bar(rule) for each in layers for rule in self._of(each, Section.FORBID)),
                *(self._bar(each) for each in self._owner_forbids()),
                *(each for each in taking if isinstance(each, Bar)),
            ),
            covers=tuple(
                tuple(self._cover(each) for each in self._of(layer, *COVERING)) for layer in layers
            ),
            free=self.side.moments.all & ~self.side.enforced(unit.softening),
            dues=tuple(each for each in taking if isinstance(each, Due)),
            caps=tuple(each for each in taking if isinstance(each, Cap)),
            zoned=tuple(self._zoned(part) for part in self.cell.view.parts),
        )

    def as_source(self) -> Terms:
        """What it says of the data as the source of a write: of a send where nothing is lifted."""
        forbids = (*self._of(GUARDRAIL, Section.FORBID), *self._owner_forbids())
        bars = [self._bar(each)._replace(lifts=()) for each in forbids]
        for zoned in (self._zoned(part) for part in self.cell.view.parts):
            above, excuses = zoned.above
            treated = [bar for _, bar in zoned.treated]
            bars += [each._replace(lifts=()) for each in (*zoned.bars, *treated)]
            bars += [] if excuses else [Bar(above, self.side.moments.all)]
        known = self.cell.data in self.side.snapshot.datasets
        return Terms(0 if known else self.side.moments.all, 0, bars=tuple(bars))

    def is_within(self, says: Sentence) -> bool:
        """Whether a sentence is about the cell, at some time and of some saying."""
        return _is_in(self.cell, says) and self._speaks(says)

    def _refused(self) -> int:
        """Moments at which the call is refused for what no mode or exemption softens."""
        side, who, action, spot = self.side, self.cell.who, self.cell.action, self.cell.spot
        place, system = self.place, self.system
        is_elsewhere = place is not None and (place.name == system) == (action == "send")
        is_known = self.cell.data in side.snapshot.datasets
        if not is_known or is_elsewhere or spot.is_incomplete(side.side):
            return side.moments.all
        return side.since(who.until) | side.since(owner_gone(side.snapshot, who))

    def _place_bars(self) -> Iterator[Bar]:
        """What the destination's own list bars."""
        place = self.place
        if place is None:
            return
        is_other = bool(place.who) and place.who.isdisjoint(self.cell.who.names)
        if is_other or self.cell.spot.is_wrong_method(self.side.side):
            lifts = self._lifts(f"destination:{place.name}")
            yield Bar(self.all, self.side.moments.all, lifts)

    def _of(self, layer: str, *sections: Section) -> Iterator[Rule]:
        """Rules of a layer that speak about the cell, at some time and of some saying."""
        for rule in self.side.rules(layer, self.cell.action, self.cell.data):
            if rule.section in sections and self._speaks(rule.sentence):
                yield rule

    def _owner_forbids(self) -> Iterator[Rule]:
        """What the unit that owns the data forbids to others."""
        system = self.side.snapshot.systems.get(self.system)
        if system and system.unit and system.unit != self.cell.who.unit:
            yield from self._of(f"unit:{system.unit}", Section.FORBID)

    def _speaks(self, says: Sentence) -> bool:
        """Whether it is about the integration, the place, and the kinds of systems."""
        if not is_about(says, self.cell.who):
            return False
        for word, value in self._known.items():  # noqa: SIM110 - asked of each rule in each cell
            if not _fits(getattr(says, word), value):
                return False
        return True

    def _cover(self, rule: Rule) -> Bar:
        """Where a rule covers the call."""
        bits = self.cell.view.holding(rule.sentence, rule.section)
        return Bar(bits, self.side.spoken(rule.sentence))

    def _bar(self, rule: Rule) -> Bar:
        """Where a rule that takes away is in force."""
        return Bar(
            self.cell.view.holding(rule.sentence, rule.section),
            self.side.spoken(rule.sentence) & self.side.enforced(rule.softening),
            self._lifts(rule.ref),
            rule.always,
        )

    def _lifts(self, ref: str) -> Lifts:
        """What lifts a rule or a cell of the flow table for calls of the cell, and when."""
        cell, side = self.cell, self.side
        return tuple(
            (
                cell.view.holding(each.scope, Section.CEILING),
                side.since(each.start) & side.before(each.end) & side.spoken(each.scope),
            )
            for each in side.exemptions.get(ref, ())
            if self.is_within(each.scope)
        )

    def _taking(self, section: Section) -> Iterator[Rule]:
        """The `require` or `limit` rules of the layers that may have them."""
        for layer in layers_of(self.cell.who):
            yield from self._of(layer, section)

    def _limited(self) -> Iterator[Bar | Cap]:
        """Limits; one that no call stays within is a bar."""
        for rule in self._taking(Section.LIMIT):
            if limit := rule.limit:
                is_shut = limit.amount < (limit.measure == "calls")
                bar = self._bar(rule)
                yield bar if is_shut else Cap(rule.ref, limit, bar)

    def _required(self) -> Iterator[Bar | Due]:
        """Duties, and approvals as the refusals they are."""
        for rule in self._taking(Section.REQUIRE):
            bar = self._bar(rule)
            for what, value in rule.duties.items():
                if what == APPROVAL:
                    yield bar
                elif isinstance(value, tuple):
                    yield from self._treating(bar, Treatment.of(what), frozenset(value))
                else:
                    yield Due((what, 0), -weight_of(value), bar)

    def _treating(self, bar: Bar, how: Treatment, categories: frozenset[str]) -> Iterator[Due]:
        """The duty to treat fields of some categories, for each part of the data."""
        said = self._asserting(categories)
        for part in self.cell.view.parts:
            is_so = not part.label.categories.isdisjoint(categories)
            bits = part.bits & (self.all if is_so else said)
            yield Due(_what(part), how.value, bar._replace(bits=bar.bits & bits))

    def _asserting(self, categories: frozenset[str]) -> int:
        found = 0
        for each in categories:
            found |= self.cell.view.asserting(each)
        return found

    def _zoned(self, part: Part) -> Zoned:
        """The row of the flow table, for one part of the data."""
        columns = (CLEARANCE, *self.zone.cells)
        if any(cell_of(self.zone, each) in self.side.exemptions for each in columns):
            return self._row(part)
        return self.cell.view.once((self.zone.name, part), lambda: self._row(part))

    def _row(self, part: Part) -> Zoned:
        view, ever = self.cell.view, self.side.moments.all
        bars, treated = [], []
        for category, (how, ref) in self.zone.cells.items():
            marked = part.bits & (
                self.all if category in part.label.categories else view.asserting(category)
            )
            bar = Bar(marked, ever, self._lifts(ref))
            if how is Treatment.NEVER:
                bars.append(bar)
            else:
                treated.append((how.value, bar))
        is_over = part.label.rank > self.zone.clearance
        above = part.bits & (self.all if is_over else view.raised(self.zone.clearance + 1))
        return Zoned(
            bars=tuple(bars),
            above=(above, tuple(self._excuses(part.label))),
            clearance=self._lifts(cell_of(self.zone, CLEARANCE)),
            treated=tuple(treated),
            kind=part.kind,
        )

    def _excuses(self, label: Label) -> Iterator[Lifts]:
        """Of each cell that does something about the label in the catalogue, what lifts it."""
        for category, (_, ref) in self.zone.cells.items():
            if category in label.categories:
                yield self._lifts(ref)


def _what(part: Part) -> tuple[str, int]:
    return WHOLE if part.kind is None else ("fields", part.kind)


def _fits(says: object, value: str | None) -> bool:
    """Whether a word that narrows, if it is there, names the value."""
    if not says:
        return True
    return value in says or ANYTHING in says if isinstance(says, tuple) else value == says


def _is_in(cell: Cell, scope: Sentence) -> bool:
    """Whether a sentence is about the action and the data of a cell."""
    return any(pattern in covering(cell.data) for pattern in scope.data.get(cell.action, ()))
