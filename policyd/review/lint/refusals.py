"""Refusals: what is sure to refuse a call that a rule lets through, whoever makes it and when."""

from collections.abc import Iterable

from policyd.engine.resolve import kind_of
from policyd.model.labels import Label, Treatment
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.review.lint.reach import Cell, Reach, marks, rank_range, system


def refusals(reach: Reach, rule: Rule) -> list[str]:
    """What refuses the calls that *rule* covers, in words; nothing if one could pass."""
    found: dict[str, None] = {}
    for cell in reach.cells(rule):
        why = (
            _not_for_caller(reach, rule.sentence, cell)
            or _no_flow(reach, rule.sentence, cell)
            or _forbidden(reach, rule, cell)
        )
        if not why:
            return []
        found[why] = None
    return list(found)


def _not_for_caller(reach: Reach, says: Sentence, cell: Cell) -> str:
    """That the place is listed for others than those the rule is about."""
    name = cell.place or system(cell.data)
    who = reach.snapshot.destinations[name].who
    is_lifted = f"destination:{name}" in reach.lifted
    if not who or is_lifted or any(reach.can_be(each, who) for each in says.who):
        return ""
    return f"`{name}` is listed for others"


def _no_flow(reach: Reach, says: Sentence, cell: Cell) -> str:
    """That the flow table lets no part of the data into the zone."""
    if cell.place is None:
        return ""
    zone = reach.snapshot.zones[reach.snapshot.destinations[cell.place].zone]
    if any(each.startswith(f"zone:{zone.name}/") for each in reach.lifted):
        return ""
    for mark in marks(reach.snapshot.datasets[cell.data], says.only_fields):
        treated = {zone.treatments[each] for each in mark.categories}
        is_above = mark.rank > zone.clearance and treated <= {Treatment.PASS}
        if Treatment.NEVER not in treated and not is_above:
            return ""
    return f"zone `{zone.name}` lets no part of `{cell.data}` in"


def _forbidden(reach: Reach, rule: Rule, cell: Cell) -> str:
    """The forbid that speaks about each call of the cell."""
    for layer in dict.fromkeys(("guardrail", rule.layer)):
        for each in reach.about(layer, Section.FORBID, cell.action, cell.data):
            is_firm = each.softening is None and each.ref not in reach.lifted
            if is_firm and _speaks(reach, each, rule.sentence, cell):
                return f"`{each.ref}`"
    return ""


def _speaks(reach: Reach, rule: Rule, says: Sentence, cell: Cell) -> bool:
    """Whether a forbid about the data speaks about each call of the cell that *says* covers."""
    forbid = rule.sentence
    return (
        all(not reach.implied(each).isdisjoint(forbid.who) for each in says.who)
        and not any(reach.can_be(each, forbid.excepted) for each in says.who)
        and (cell.place is None or cell.place in reach.places(rule))
        and forbid.in_systems_of in (None, kind_of(reach.snapshot, system(cell.data)))
        and forbid.stage in (None, says.stage)
        and not forbid.only_fields
        and _is_of_all(reach.snapshot, forbid, _marks(reach, says, cell))
        and (not forbid.during or (bool(says.during) and {*says.during} <= {*forbid.during}))
        and set(forbid.outside) <= set(says.outside)
    )


def _marks(reach: Reach, says: Sentence, cell: Cell) -> Iterable[Label]:
    return marks(reach.snapshot.datasets[cell.data], says.only_fields)


def _is_of_all(snapshot: Snapshot, forbid: Sentence, found: Iterable[Label]) -> bool:
    """Whether the label words of a forbid hold of whatever part of the data a call names."""
    least, most = rank_range(snapshot, forbid)
    wanted = set(forbid.category)
    return all(
        least <= each.rank <= most and (not wanted or not wanted.isdisjoint(each.categories))
        for each in found
    )
