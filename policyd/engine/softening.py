"""What keeps a refusal from being one: an exemption, a mode that has not ended, a roll-out."""

from collections.abc import Iterable
from dataclasses import replace

from policyd.engine.case import Case
from policyd.model.decision import Reason
from policyd.model.rules import Mode

_UNIT_CODE = "unit-does-not-allow"
# What no roll-out lets pass: a call of which nobody can say who makes it.
_NEVER_PASS = frozenset({"integration-unregistered"})


def soften(reason: Reason, case: Case) -> Reason:
    """The reason with the mode or exemption that softens it, if one does."""
    standing = case.standing(reason.rule) if reason.rule else None
    if standing and standing.is_live:
        return replace(reason, exemption=standing.exemption.id)
    if standing and reason.code != "duty-softened":  # which is none because of its mode
        ended = standing.exemption.end.isoformat(" ", "minutes")
        said = f"{reason.message} ({standing.exemption.id} ended {ended})"
        reason = replace(reason, message=said)
    return soften_by_mode(reason, case)


def soften_by_mode(reason: Reason, case: Case) -> Reason:
    """The reason with the mode that softens it; what is said of a source no exemption is about."""
    mode = _mode(reason, case)
    return reason if mode is reason.mode else replace(reason, mode=mode)


def _mode(reason: Reason, case: Case) -> Mode:
    """The mode of the rule behind the reason; a unit's own mode softens its missing allow alone."""
    snapshot, who = case.snapshot, case.asked.integration
    rule = snapshot.rules.get(reason.rule or "")
    softening = rule.softening if rule else None
    if reason.code == _UNIT_CODE and who:
        softening = snapshot.units[who.unit].softening
    return softening.at(case.clock) if softening else Mode.ENFORCE


def is_let_pass(case: Case, reasons: Iterable[Reason]) -> bool:
    """Whether a roll-out lets the call pass in spite of these reasons."""
    snapshot, who = case.snapshot, case.asked.integration
    rollouts = [snapshot.rollout, snapshot.units[who.unit].rollout if who else None]
    if not any(each and case.clock < each.until for each in rollouts):
        return False
    rules = (snapshot.rules.get(each.rule or "") for each in reasons)
    holds = any(rule and rule.always for rule in rules)
    return not holds and _NEVER_PASS.isdisjoint(each.code for each in reasons)
