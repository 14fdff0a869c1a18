"""Label flow: may this data come to rest in that zone, and treated how?

Each field has one outcome: it is refused; it is treated, by its strictest cell, and then its
level no longer counts; or its level must fit the zone's clearance. A category that only the
caller asserts adds a refusal or a treatment, and excuses no level.
"""

from collections.abc import Callable, Iterator
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
    level by which a field exceeds the clearance. What an exemption lifts is apart, to be recorded.
    """

    never: dict[str, list[str | None]]  # by category
    above: dict[str | None, int]
    treated: dict[str | None, tuple[Treatment, str]]  # with the cell
    lifted: dict[str, list[str | None]]  # by category
    lifted_above: dict[str | None, int]

    def duties(self) -> Iterator[Duty]:
        """The treatments as duties; cells of the table are always in force."""
        for name, (treatment, ref) in self.treated.items():
            yield Duty(treatment.word, ref, fields=(name,))


def flow_into(zone: Zone, asked: Asked, is_lifted: IsLifted) -> Flow:
    """The table's outcome for each field of the call that comes to rest in *zone*."""
    flow = Flow({}, {}, {}, {}, {})
    for name, mark in asked.marks.items():
        _place(zone, name, mark, flow, is_lifted)
        if mark.rank > zone.clearance:
            excuses = _cells(zone, asked.catalogued[name])
            if all(is_lifted(ref) for _, ref in excuses.values()):
                is_cleared = is_lifted(cell(zone, CLEARANCE))
                (flow.lifted_above if is_cleared else flow.above)[name] = mark.rank
    return flow


def _place(zone: Zone, name: str | None, mark: Label, flow: Flow, is_lifted: IsLifted) -> None:
    """What the categories of a field do: each `never` is told, else the strictest treats it."""
    cells = _cells(zone, mark)
    lifted = [category for category, (_, ref) in cells.items() if is_lifted(ref)]
    for category in lifted:
        flow.lifted.setdefault(category, []).append(name)
        del cells[category]
    refused = [category for category, (how, _) in cells.items() if how is Treatment.NEVER]
    for category in refused:
        flow.never.setdefault(category, []).append(name)
    if cells and not refused:
        flow.treated[name] = max(cells.values())


def _cells(zone: Zone, mark: Label) -> dict[str, tuple[Treatment, str]]:
    """The cells that do something about a label, by category in order."""
    if mark.categories.isdisjoint(zone.cells):
        return {}
    return {category: done for category, done in zone.cells.items() if category in mark.categories}


def cell(zone: Zone, column: str) -> str:
    """The reference of a cell of the flow table: `zone:partner/personal`."""
    return f"zone:{zone.name}/{column}"


def check_flow(words: Wording, asked: Asked, flow: Flow) -> Iterator[Reason]:
    """Nothing is refused by the table; what an exemption lifts is told, for `soften` to name it."""
    zone, levels = asked.zone, words.snapshot.vocabulary.levels
    told = [*flow.never.items(), *flow.lifted.items()]
    for category, fields in sorted(told, key=lambda each: each[0]):
        what, how = _named(words, asked, fields), zone.treatments[category]
        code = "category-never-enters-zone" if how is Treatment.NEVER else "duty-softened"
        yield words.of_cell(code, zone, category, what=what, category=category, duty=how.word)
    above = flow.above or flow.lifted_above
    if above:
        yield words.of_cell(
            "label-exceeds-clearance",
            zone,
            CLEARANCE,
            what=_named(words, asked, list(above)),
            level=levels[max(above.values())],
            clearance=levels[zone.clearance],
        )


def _named(words: Wording, asked: Asked, fields: list[str | None]) -> str:
    return words.fields(fields) or f"`{asked.call.resource.id}`"
