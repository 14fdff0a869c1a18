"""What the rules and the flow table say of a call, and whether they say it of its flow for good."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from policyd.engine.case import Case, Outlook, Prospect
from policyd.engine.checks import check_access, check_units
from policyd.engine.duties import APPROVAL, Duty, duties_of, merged
from policyd.engine.flow import CLEARANCE, cell, check_flow, flow_into
from policyd.engine.wording import Wording
from policyd.model.decision import Reason
from policyd.model.rules import Mode, Rule


def outlook_of(words: Wording, case: Case) -> Outlook:
    """What is found for the integration of *case*, which is a registered one."""
    flow = flow_into(case.asked.zone, case.asked, case.is_lifted)
    duties = (*flow.duties(), *required(case))
    return Outlook(
        access=tuple(check_access(words, case)),
        flow=tuple(check_flow(words, case.asked, flow)),
        units=tuple(check_units(words, case)),
        lifted=tuple(_lifted(words, case)),
        duties=duties,
        owed=merged(duty for duty in duties if duty.mode is Mode.ENFORCE),
        advised=merged(duty for duty in duties if duty.mode is Mode.WARN),
    )


def required(case: Case) -> Iterator[Duty]:
    """Duties of the `require` rules that apply, but those an exemption lifts."""
    for ref in case.layers.duties():
        if not case.is_lifted(ref):
            yield from _duties(case, ref)


def _lifted(words: Wording, case: Case) -> Iterator[Reason]:
    """What is not owed because an exemption lifts it, for `soften` to name the exemption."""
    for ref in case.layers.duties():
        if case.is_lifted(ref):
            rule = case.snapshot.rules[ref]
            yield from (of_duty(words, rule, duty) for duty in _duties(case, ref))


def _duties(case: Case, ref: str) -> Iterable[Duty]:
    rule = case.snapshot.rules[ref]
    mode = rule.softening.at(case.clock) if rule.softening else Mode.ENFORCE
    return duties_of(rule, case.asked, mode)


def of_duty(words: Wording, rule: Rule, duty: Duty) -> Reason:
    """The reason of a duty that is an approval, or that is not in force."""
    if duty.type == APPROVAL and duty.mode is Mode.ENFORCE:
        return words.of_rule("approval-required", rule, approver=duty.value)
    return words.of_rule("duty-softened", rule, duty=duty.type)


def prospect_of(case: Case) -> Prospect:
    """What lies ahead of the calls of the flow that *case* is one of."""
    rules = [case.snapshot.rules[ref] for ref in case.layers.limits()]
    return Prospect(
        limits=tuple((rule, rule.limit) for rule in rules if rule.limit),
        ends=tuple(_ends(case)),
        outlook=_lasting(case) if case.asked.integration else None,
    )


def _lasting(case: Case) -> Outlook | None:
    """The outlook, if no exemption or mode changes it with time, and its words are of the flow.

    Where something is sent to a place on no list, they tell how the call spelt that place.
    """
    snapshot, asked, duties = case.snapshot, case.asked, tuple(case.layers.duties())
    cells = (cell(asked.zone, column) for column in (CLEARANCE, *asked.zone.cells))
    if any(snapshot.rules[ref].softening for ref in duties) or any(
        case.exemptions.concerns(ref, asked) for ref in (*cells, *duties)
    ):
        return None
    found = outlook_of(Wording(snapshot, asked), case)
    is_listed = asked.endpoint.destination or asked.call.action != "send"
    return found if is_listed or not (found.access or found.units) else None


def _ends(case: Case) -> Iterator[datetime]:
    """Wall-clock moments at which something ends for the integration or its unit."""
    who = case.asked.integration
    if who is None:
        return
    unit = case.snapshot.units[who.unit]
    if who.until:
        yield who.until
    yield from (each.until for each in (unit.softening, unit.rollout) if each)
