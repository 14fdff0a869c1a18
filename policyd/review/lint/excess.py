"""Excess: what a unit allows and the layers above it could not cover, whatever the moment."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from policyd.engine.rule_keys import covering
from policyd.model.organisation import Integration
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.review.lint.reach import (
    Cell,
    cells,
    implied,
    is_about_data,
    is_about_place,
)

_Caller = tuple[str, frozenset[str], Integration | None]
"""What it is called, the names it answers to, and its entry if it has one."""


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


def exceeding(snapshot: Snapshot, rule: Rule) -> Iterator[Excess]:
    """What the rule of a unit allows beyond what is above it, once for each layer."""
    for caller in _callers(snapshot, rule):
        layers = {"the guardrails": "guardrail"}
        if caller[2] and caller[2].template:
            layers[f"template `{caller[2].template}`"] = f"template:{caller[2].template}"
        for told, layer in layers.items():
            for cell in cells(snapshot, rule.sentence):
                if not _covered(snapshot, layer, caller, cell):
                    yield Excess(told, caller[0], cell)


def _callers(snapshot: Snapshot, rule: Rule) -> Iterable[_Caller]:
    """Integrations of the unit that the rule is about; a name that none has, as it is."""
    unit = rule.layer.partition(":")[2]
    own = [each for each in snapshot.integrations.values() if each.unit == unit]
    found: dict[str, _Caller] = {}
    for name in rule.sentence.who:
        having = [each for each in own if name in each.names]
        found |= {each.id: (each.id, each.names, each) for each in having}
        if not having:
            found[name] = (name, implied(snapshot, name) | {unit}, None)
    return [each for each in found.values() if each[1].isdisjoint(rule.sentence.excepted)]


def _covered(snapshot: Snapshot, layer: str, caller: _Caller, cell: Cell) -> bool:
    """Whether some ceiling of the layer could cover the cell, at some time."""
    return any(
        _could_cover(snapshot, rule.sentence, caller, cell)
        for rule in snapshot.rules.values()
        if rule.layer == layer and rule.section is Section.CEILING
    )


def _could_cover(snapshot: Snapshot, says: Sentence, caller: _Caller, cell: Cell) -> bool:
    _, names, entry = caller
    return (
        not set(says.data.get(cell.action, ())).isdisjoint(covering(cell.data))
        and not names.isdisjoint(says.who)
        and names.isdisjoint(says.excepted)
        and (cell.place is None or is_about_place(snapshot, says, cell.place))
        and is_about_data(snapshot, says, snapshot.datasets[cell.data])
        and (not says.stage or entry is None or says.stage == entry.stage)
    )
