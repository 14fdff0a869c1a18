"""Whether somebody still answers for an integration."""

from datetime import timedelta

from policyd.engine.case import Case
from policyd.model.facts import OwnerState


def owner_state(case: Case) -> OwnerState:
    """The state of the owner of the case's integration; unknown integrations count as active.

    Active while its owner or deputy is there; then in grace for the company's days of grace, so
    that a flow does not stop on the day somebody leaves; then quarantined.
    """
    who, snapshot = case.asked.integration, case.snapshot
    if who is None:
        return OwnerState.ACTIVE
    names = [who.owner, *([who.deputy] if who.deputy else [])]
    gone = [day for name in names if (day := snapshot.owners[name].inactive_from)]
    if len(gone) < len(names) or case.clock < max(gone):
        return OwnerState.ACTIVE
    is_grace = case.clock < max(gone) + timedelta(days=snapshot.grace_days)
    return OwnerState.GRACE if is_grace else OwnerState.QUARANTINED
