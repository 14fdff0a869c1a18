"""Told regions: whether a call that two sides decide differently is in a region of a review.

A review tells regions in words. Of a call, its caller, action, data, place, method and sources are
held against them, and which way it goes. Fields and moments are not: words cannot be asked, and the
proof's own numbers for them mean nothing outside of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from policyd.model.call import Call
from policyd.model.decision import Decision
from policyd.proof.regions import ANYTHING
from policyd.review.replay import Outcome

_SIDES = {
    Outcome.GAINED: ("opens", frozenset({"opens", "limit", "roll-out"})),
    Outcome.LOST: ("closes", frozenset({"opens", "limit", "roll-out"})),
    Outcome.DUTY_LOST: ("opens", frozenset({"duty", "roll-out"})),
    Outcome.DUTY_ADDED: ("closes", frozenset({"duty", "roll-out"})),
}

Sides = tuple[Decision, Decision]
"""Of the base, or of what is in force, and of the candidate."""


def has(region: Mapping[str, Any], call: Call, sides: Sides, outcome: Outcome) -> bool:
    """Whether the call is in a region that goes the same way."""
    side, kinds = _SIDES.get(outcome, ("", frozenset()))
    if region["side"] != side or region["kind"] not in kinds:
        return False
    if call.subject.id not in region["callers"]:
        return False
    if region["action"] == ANYTHING:
        return True
    if region["action"] != call.action or call.resource.id not in region["data"]:
        return False
    return _has_place(region["places"], call, sides) and _has_ways(region, call)


def _has_place(places: Iterable[str], call: Call, sides: Sides) -> bool:
    """Whether one of the places is what both sides make of the call's endpoint.

    They are named as `proof.regions` names them.
    """
    one, two = (each.resolved.destination for each in sides)
    if one != two:
        told = f" ({one or 'unlisted'} before, {two or 'unlisted'} after)"
        return any(each.endswith(told) for each in places)
    is_home = call.action != "send" and one == call.resource.id.partition("/")[0]
    return ("" if is_home else one or "an unlisted place") in places


def _has_ways(region: Mapping[str, Any], call: Call) -> bool:
    """Whether method and sources are among the region's; reviews of an older day name none."""
    methods, sources = region.get("methods", ()), {*region.get("sources", ("",))}
    if methods and call.method not in methods:
        return False
    return "" in sources or not sources.isdisjoint(call.sources)
