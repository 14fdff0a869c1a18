"""Cells: the calls of a table, and whether a decision is what a test says of them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Obligation, Reason
from policyd.model.rules import ACTIONS, OBLIGATIONS, Mode
from policyd.policy.suite_shapes import CaseEntry, TryShape

METHODS = {"read": "GET", "delete": "DELETE"}
USUAL_METHOD = "POST"
"""The method of a call of which a table names none, unless `METHODS` has it."""


def calls_of(table: TryShape, connections: Mapping[str, str]) -> Iterator[Call]:
    """One call for each integration, dataset and place of the table."""
    action = next(each for each in ACTIONS if getattr(table, each))
    data: list[str] = getattr(table, action)
    places: list[str | None] = [*(table.to or table.at or ())] or [None]
    for who, what, where in product(table.who or (), data, places):
        system = f"{what.partition('/')[0]}/"
        home = (name for name in connections if name.startswith(system))
        yield Call(
            Entity("integration", who),
            action,
            Entity("dataset", what),
            fields=tuple(table.fields or ()),
            labels=tuple(table.labels or ()),
            endpoint=where or next(home, None),
            path=table.path,
            method=table.method or METHODS.get(action, USUAL_METHOD),
            sources=tuple(table.sources or ()),
            rows=table.rows,
            supported_obligations=OBLIGATIONS if table.can is None else tuple(table.can),
        )


def wanted(entry: CaseEntry, call: Call) -> str:
    """`allow` or `deny`: of `allow_only`, what is not listed is denied."""
    parts = {"who": call.subject.id, "data": call.resource.id, "to": call.endpoint}
    listed = [each.model_dump(exclude_none=True) for each in entry.allow_only or ()]
    is_listed = any(each.items() <= parts.items() for each in listed)
    return "allow" if entry.expect == "allow" or is_listed else "deny"


def problems(entry: CaseEntry, call: Call, decision: Decision) -> Iterator[str]:
    """What *decision* has in another way than *entry* says; what it does not say is free."""
    expected, is_so = wanted(entry, call), "allow" if decision.allow else "deny"
    if expected != is_so:
        yield f"expected {expected}, got {is_so}"
        return
    soft = decision.softened
    warned = _named(each for each in soft if each.mode is Mode.WARN)
    if decision.allow:
        yield from _other_obligations(entry, decision)
    else:
        yield from _missing("because", entry.because, _named(decision.reasons))
    yield from _missing("advice", entry.advice, warned | {each.type for each in decision.advice})
    observed = _named(each for each in soft if each.mode is Mode.OBSERVE)
    yield from _missing("would_deny", entry.would_deny, observed)
    lifted = {each.exemption for each in soft if each.exemption}
    yield from _missing("lifted", entry.lifted, lifted)


def obligations(duties: Iterable[Obligation]) -> dict[str, object]:
    """The obligations of an allow as tests write them: fields, rows or a duration by type."""
    owed = {each.type: next(iter(each.properties.values())) for each in duties}
    return {kind: [*each] if isinstance(each, tuple) else each for kind, each in owed.items()}


def _missing(word: str, expected: Iterable[str] | None, found: set[str]) -> Iterator[str]:
    absent = [each for each in expected or () if each not in found]
    if absent:
        got = ", ".join(sorted(found)) or "nothing"
        yield f"{word}: expected {', '.join(absent)}; got {got}"


def _other_obligations(entry: CaseEntry, decision: Decision) -> Iterator[str]:
    found = obligations(decision.obligations)
    if entry.obligations is not None and found != entry.obligations:
        yield f"obligations: expected {entry.obligations}; got {found}"
    absent = {
        kind: value
        for kind, value in (entry.including or {}).items()
        if not _has(found.get(kind), value)
    }
    if absent:
        yield f"including: expected {absent}; got {found}"
    unwanted = {kind: found[kind] for kind in entry.without or () if kind in found}
    if unwanted:
        yield f"without: expected no {', '.join(unwanted)}; got {unwanted}"


def _has(found: object, value: object) -> bool:
    if isinstance(found, list) and isinstance(value, list):
        return {*value} <= {*found}
    return found == value


def _named(reasons: Iterable[Reason]) -> set[str]:
    """Codes and rules."""
    return {name for each in reasons for name in (each.code, each.rule) if name}
