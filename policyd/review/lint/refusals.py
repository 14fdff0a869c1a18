"""Refusals: what is sure to refuse a call that a rule lets through, whoever makes it and when."""

from policyd.engine.resolve import kind_of
from policyd.engine.rule_keys import covering
from policyd.model.labels import Label, Treatment
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.review.lint.reach import (
    Cell,
    can_be,
    cells,
    implied,
    is_about_place,
    marks,
    rank_range,
    system,
)


def refusals(snapshot: Snapshot, rule: Rule) -> list[str]:
    """What refuses the calls that *rule* covers, in words; nothing if one could pass."""
    lifted = {each.lifts for each in snapshot.exemptions.values()}
    forbids = [each for each in snapshot.rules.values() if _is_asked(each, rule, lifted)]
    found: dict[str, None] = {}
    for cell in cells(snapshot, rule.sentence):
        why = (
            _not_for_caller(snapshot, rule.sentence, cell, lifted)
            or _no_flow(snapshot, rule.sentence, cell, lifted)
            or _forbidden(snapshot, rule.sentence, cell, forbids)
        )
        if not why:
            return []
        found[why] = None
    return list(found)


def _is_asked(forbid: Rule, rule: Rule, lifted: set[str]) -> bool:
    """Whether a forbid is in force on every call that the rule covers, unless it speaks of less."""
    is_firm = forbid.softening is None and forbid.ref not in lifted
    return (
        forbid.section is Section.FORBID and is_firm and forbid.layer in ("guardrail", rule.layer)
    )


def _not_for_caller(snapshot: Snapshot, says: Sentence, cell: Cell, lifted: set[str]) -> str:
    """That the place is listed for others than those the rule is about."""
    name = cell.place or system(cell.data)
    who = snapshot.destinations[name].who
    is_lifted = f"destination:{name}" in lifted
    if not who or is_lifted or any(can_be(snapshot, each, who) for each in says.who):
        return ""
    return f"`{name}` is listed for others"


def _no_flow(snapshot: Snapshot, says: Sentence, cell: Cell, lifted: set[str]) -> str:
    """That the flow table lets no part of the data into the zone."""
    if cell.place is None:
        return ""
    zone = snapshot.zones[snapshot.destinations[cell.place].zone]
    if any(each.startswith(f"zone:{zone.name}/") for each in lifted):
        return ""
    for mark in marks(snapshot.datasets[cell.data], says.only_fields):
        treated = {zone.treatments[each] for each in mark.categories}
        is_above = mark.rank > zone.clearance and treated <= {Treatment.PASS}
        if Treatment.NEVER not in treated and not is_above:
            return ""
    return f"zone `{zone.name}` lets no part of `{cell.data}` in"


def _forbidden(snapshot: Snapshot, says: Sentence, cell: Cell, forbids: list[Rule]) -> str:
    for each in forbids:
        if _speaks(snapshot, each.sentence, says, cell):
            return f"`{each.ref}`"
    return ""


def _speaks(snapshot: Snapshot, forbid: Sentence, says: Sentence, cell: Cell) -> bool:
    """Whether a forbid speaks about each call of the cell that *says* covers."""
    kind = kind_of(snapshot, system(cell.data))
    return (
        not set(forbid.data.get(cell.action, ())).isdisjoint(covering(cell.data))
        and all(not implied(snapshot, each).isdisjoint(forbid.who) for each in says.who)
        and not any(can_be(snapshot, each, forbid.excepted) for each in says.who)
        and (cell.place is None or is_about_place(snapshot, forbid, cell.place))
        and forbid.in_systems_of in (None, kind)
        and forbid.stage in (None, says.stage)
        and not forbid.only_fields
        and _is_of_all(snapshot, forbid, marks(snapshot.datasets[cell.data], says.only_fields))
        and (not forbid.during or (bool(says.during) and {*says.during} <= {*forbid.during}))
        and set(forbid.outside) <= set(says.outside)
    )


def _is_of_all(snapshot: Snapshot, forbid: Sentence, found: list[Label]) -> bool:
    """Whether the label words of a forbid hold of whatever part of the data a call names."""
    least, most = rank_range(snapshot, forbid)
    wanted = set(forbid.category)
    return all(
        least <= each.rank <= most and (not wanted or not wanted.isdisjoint(each.categories))
        for each in found
    )
