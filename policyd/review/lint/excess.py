"""Excess: what a unit allows and the layers above it could not cover, whatever the moment."""

from collections.abc import Iterator
from typing import NamedTuple

from policyd.model.organisation import Integration
from policyd.model.rules import Rule, Section
from policyd.review.lint.reach import Cell, Names, Reach, Reached, is_about_data


class Excess(NamedTuple):
    """A cell that a unit allows to a caller, and that a layer (in words) does not cover."""

    layer: str
    caller: str
    cell: Cell

    @property
    def words(self) -> str:
        """The cell in words."""
        where = f" to `{self.cell.place}`" if self.cell.place else ""
        return f"{self.cell.action} `{self.cell.data}`{where} by `{self.caller}`"


class _Caller(NamedTuple):
    """What it is called, the names it answers to, and its entry if it has one."""

    name: str
    names: Names
    entry: Integration | None


def exceeding(reach: Reach, rule: Rule) -> Iterator[Excess]:
    """What the rule of a unit allows beyond what is above it, once for each layer."""
    reached = list(reach.of(rule))
    known: dict[object, list[Cell]] = {}
    for caller in _callers(reach, rule):
        for told, layer in _above(caller):
            # Callers whom no rule tells from each other are looked at once.
            stage = caller.entry.stage if caller.entry else None
            alike = (layer, caller.names & reach.told, stage)
            if alike not in known:
                known[alike] = [c for e in reached for c in _uncovered(reach, layer, caller, e)]
            yield from (Excess(told, caller.name, cell) for cell in known[alike])


def _above(caller: _Caller) -> Iterator[tuple[str, str]]:
    """Layers that have to cover what it does, in words and by name."""
    yield "the guardrails", "guardrail"
    if caller.entry and caller.entry.template:
        yield f"template `{caller.entry.template}`", f"template:{caller.entry.template}"


def _callers(reach: Reach, rule: Rule) -> Iterator[_Caller]:
    """Integrations of the unit that the rule is about; a name that none has, as it is."""
    unit = rule.layer.partition(":")[2]
    found: dict[str, _Caller] = {}
    for name in rule.sentence.who:
        having = [each for each in reach.integrations(unit) if name in each.names]
        found |= {each.id: _Caller(each.id, each.names, each) for each in having}
        if not having:
            found[name] = _Caller(name, reach.implied(name) | {unit}, None)
    for each in found.values():
        if each.names.isdisjoint(rule.sentence.excepted):
            yield each


def _uncovered(reach: Reach, layer: str, caller: _Caller, reached: Reached) -> Iterator[Cell]:
    """What no ceiling of the layer could cover, at any time."""
    action, data, places = reached
    left = set(places or ())
    for rule in reach.about(layer, Section.CEILING, action, data):
        if _could_cover(reach, rule, caller, data):
            if places is None:
                return
            left -= reach.places(rule)
    if places is None:
        yield Cell(action, data, None)
    yield from (Cell(action, data, place) for place in sorted(left))


def _could_cover(reach: Reach, rule: Rule, caller: _Caller, data: str) -> bool:
    says = rule.sentence
    return (
        not caller.names.isdisjoint(says.who)
        and caller.names.isdisjoint(says.excepted)
        and is_about_data(reach.snapshot, says, reach.snapshot.datasets[data])
        and (not says.stage or caller.entry is None or says.stage == caller.entry.stage)
    )
