"""Label flow: may this data come to rest in that zone, and treated how?

Each field has one outcome: it is refused; it is treated, by its strictest cell, and then its
level no longer counts; or its level must fit the zone's clearance. A category that only the
caller asserts adds a refusal or a treatment, and excuses no level.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policyd.engine.resolve import Asked
from policyd.engine.wording import Wording
from policyd.model.decision import Obligation, Reason
from policyd.model.destinations import Zone
from policyd.model.labels import Label, Treatment


@dataclass(frozen=True, slots=True)
class Flow:
    """What the flow table says: which fields are refused, and which are treated how.

    A field is None where the call names none and so is about the whole dataset. `above` has the
    level by which a field exceeds the clearance.
    """

    never: dict[str, list[str | None]]  # by category
    above: dict[str | None, int]
    treated: dict[str | None, Treatment]


def flow_into(zone: Zone, asked: Asked) -> Flow:
    """The table's outcome for each field of the call that comes to rest in *zone*."""
    flow = Flow({}, {}, {})
    for field, mark in asked.marks.items():
        _place(zone, field, mark, flow)
        is_excused = _strictest(zone, asked.catalogued[field]) is not Treatment.PASS
        if mark.rank > zone.clearance and not is_excused:
            flow.above[field] = mark.rank
    return flow


def _place(zone: Zone, field: str | None, mark: Label, flow: Flow) -> None:
    """What the categories of a field do: each `never` is told, else the strictest treats it."""
    for category in sorted(mark.categories):
        if zone.treatments[category] is Treatment.NEVER:
            flow.never.setdefault(category, []).append(field)
    strictest = _strictest(zone, mark)
    if strictest not in {Treatment.PASS, Treatment.NEVER}:
        flow.treated[field] = strictest


def _strictest(zone: Zone, mark: Label) -> Treatment:
    cells = (zone.treatments[category] for category in mark.categories)
    return max(cells, default=Treatment.PASS)


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
            "clearance",
            what=_named(asked, list(flow.above)),
            level=levels[max(flow.above.values())],
            clearance=levels[zone.clearance],
        )


def _named(asked: Asked, fields: list[str | None]) -> str:
    names = [f"`{field}`" for field in fields if field is not None]
    return ", ".join(names) or f"`{asked.call.resource.id}`"


def obligations(flow: Flow) -> tuple[Obligation, ...]:
    """One obligation for each treatment that is due, with its fields in order, by type."""
    by_type: dict[str, list[str]] = {}
    for field, treatment in flow.treated.items():
        by_type.setdefault(treatment.word, []).extend([field] if field is not None else [])
    return tuple(
        Obligation(duty, {"fields": tuple(sorted(fields))})
        for duty, fields in sorted(by_type.items())
    )


def check_obligations(
    words: Wording, asked: Asked, due: tuple[Obligation, ...]
) -> Iterator[Reason]:
    """The caller can do what is due: it named the fields, and declared the duty."""
    for duty in due:
        if None in asked.marks:
            yield words.reason("fields-not-named", duty=duty.type)
        if duty.type not in asked.call.supported_obligations:
            yield words.reason("obligation-unsupported", duty=duty.type)
