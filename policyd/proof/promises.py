"""Promises about all calls: what never happens, what only some may do, what IT has granted."""

from dataclasses import replace

from policyd.model.rules import Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.grants import TooManyRoles, asked_of, grant
from policyd.proof.moments import Span
from policyd.proof.proving import Comparison, compare


def never(snapshot: Snapshot, says: Sentence, span: Span | None = None) -> Comparison:
    """The calls of which *says* speaks and that are allowed, whatever units write."""
    nobody = replace(snapshot, integrations={})
    try:
        _, granted = grant((nobody, snapshot), only_widest=True)
    except TooManyRoles as found:
        return Comparison((nobody, snapshot), (), (), (str(found),))
    return compare(replace(granted, integrations={}), granted, span=span, within=says)


def only(
    snapshot: Snapshot, names: tuple[str, ...], says: Sentence, span: Span | None = None
) -> Comparison:
    """The calls of which *says* speaks and that others than *names* are allowed, as it stands.

    Names are those of integrations, units and roles.
    """
    known = snapshot.integrations.items()
    others = {name: who for name, who in known if who.names.isdisjoint(names)}
    nobody, rest = (replace(snapshot, integrations=each) for each in ({}, others))
    return compare(nobody, rest, span=span, within=says)


def inside(
    base: Snapshot, head: Snapshot, span: Span | None = None, within: Sentence | None = None
) -> Comparison:
    """What *head* allows beyond what the guardrails of *base* grant the units that ask for it.

    With *within*, only of the calls of which it speaks.
    """
    return compare(asked_of(base, head), head, span=span, within=within)


def grants(old: Snapshot, new: Snapshot, span: Span | None = None) -> Comparison:
    """What *new* lets units have that *old* did not, whatever they have registered today."""
    try:
        one, two = grant((old, new))
    except TooManyRoles as found:
        return Comparison((old, new), (), (), (str(found),))
    return compare(one, two, span=span)
