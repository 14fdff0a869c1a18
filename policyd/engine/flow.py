"""Label flow: may this data come to rest in that zone, and treated how?

Each field has one outcome: it is refused; it is treated, by its strictest cell, and then its
level no longer counts; or its level must fit the zone's clearance. A category that only the
caller asserts adds a refusal or a treatment, and excuses no level.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from policyd.engine.duties import Duty
from policyd.engine.resolve import Asked
from policyd.engine.wording import Wording
from policyd.model.decision import Reason
from policyd.model.destinations import Zone
from policyd.model.labels import Label, Treatment

CLEARANCE = "clearance"
IsLifted = Callable[[str], bool]
"""Whether an exemption lifts the cell with this reference for this call."""


class Flow(NamedTuple):
    """What the flow table says: which fields are refused, and which are treated how.

    A field is None where the call names none and so is about the whole dataset. `above` has the
    level by which a field exceeds the clearance.
    """

    never: dict[str, list[str | None]]  # by category
    above: dict[str | None, int]
    treated: dict[str | None, tuple[Treatment, str]]  # with the cell

    def duties(self) -> Iterator[Duty]:
        """The treatments as duties; cells of the table are always in force."""
        for name, (treatment, ref) in self.treated.items():
            yield Duty(treatment.word, ref, fields=(name,))


def flow_into(zone: Zone, asked: Asked, is_lifted: IsLifted) -> Flow:
    """The table's outcome for each field of the call that comes to rest in *zone*."""
    flow = Flow({}, {}, {})
    for name, mark in asked.marks.items():
        cells, known = _cells(zone, mark, is_lifted), asked.catalogued[name]
        _place(name, cells, flow)
        if mark.rank > zone.clearance:
            is_excused = bool(cells if known is mark else _cells(zone, known, is_lifted))
            if not is_excused and not is_lifted(cell(zone, CLEARANCE)):
                flow.above[name] = mark.rank
    return flow


_Cells = Mapping[str, tuple[Treatment, str]]


def _place(name: str | None, cells: _Cells, flow: Flow) -> None:
    """What the categories of a field do: each `never` is told, else the strictest treats it."""
    refused = [category for category, (how, _) in cells.items() if how is Treatment.NEVER]
    for category in refused:
        flow.never.setdefault(category, []).append(name)
    if cells and not refused:
        flow.treated[name] = max(cells.values())


def _cells(zone: Zone, mark: Label, is_lifted: IsLifted) -> _Cells:
    """The cells that do something about a label and are not lifted, by category in order."""
    if mark.categories.isdisjoint(zone.cells):
        return {}
    return {
        category: found
        for category, found in zone.cells.items()
        if category in mark.categories and not is_lifted(found[1])
    }


def cell(zone: Zone, column: str) -> str:
    """The reference of a cell of the flow table: `zone:partner/personal`."""
    return f"zone:{zone.name}/{column}"


def check_flow(words: Wording, asked: Asked, flow: Flow) -> Iterator[Reason]:
    """Nothing is refused by the table."""
    zone, levels = asked.zone, words.snapshot.vocabulary.levels
    for category, fields in sorted(flow.never.items()):
        what = _named(asked, fields)
        code = "category-never-enters-zone"
        yield words.of_cell(code, zone, category, what=what, category=category)
    if flow.above:
        yield words.of_cell(
            "label-exceeds-clearance",
            zone,
            CLEARANCE,
            what=_named(asked, list(flow.above)),
            level=levels[max(flow.above.values())],
            clearance=levels[zone.clearance],
        )


def _named(asked: Asked, fields: list[str | None]) -> str:
    names = [f"`{name}`" for name in fields if name is not None]
    return ", ".join(names) or f"`{asked.call.resource.id}`"
