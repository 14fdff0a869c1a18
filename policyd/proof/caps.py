"""Caps: what a call adds and what was counted before, so that one side's limit refuses it alone."""

from collections.abc import Iterator
from typing import NamedTuple

from policyd.model.rules import Limit
from policyd.proof.terms import Cap, Outcome, union

_STRETCHES = ("call", "hour", "day", "month")
_WITHIN = {
    "integration": {"integration", "unit", "company"},
    "unit": {"unit", "company"},
    "system": {"system", "company"},
    "company": {"company"},
}
"""For each of whom a limit counts, those whose counters count all of that too."""


class Count(NamedTuple):
    """Rows that a call moves, and what each side has counted before."""

    rows: int = 1
    used: tuple[dict[str, int], dict[str, int]] = ({}, {})


class Freed(NamedTuple):
    """A limit that refuses sayings on one side (0 or 1) and not on the other, with the numbers."""

    ref: str
    bits: int
    counted: Count


def freed(before: Outcome, after: Outcome, side: int) -> Iterator[Freed]:
    """Limits of *before*, which is the outcome of *side*, that refuse what *after* allows."""
    others = {cap.ref: (cap, bits) for cap, bits in after.caps}
    allowed = before.allowed & after.allowed
    for cap, bits in before.caps:
        same, same_bits = others.get(cap.ref, (None, 0))
        left = allowed & ~before.also(bits, bits if cap.bar.always else 0)
        if not left:
            continue
        for there, found in ((None, left & ~same_bits), (same, left & same_bits)):
            for count in _counts(cap, there, side) if found else ():
                if open_ := found & ~_full(after, cap.ref, count.rows):
                    yield Freed(cap.ref, open_, count)
                    break


def _full(after: Outcome, but: str, rows: int) -> int:
    """The sayings for which another limit of rows is too small for so many."""
    return union(
        bits
        for cap, bits in after.caps
        if cap.ref != but and cap.limit.measure == "rows" and rows > cap.limit.amount
    )


def least_rows(after: Outcome) -> int:
    """As many rows as any limit has room for, and one at most."""
    amounts = [cap.limit.amount for cap, _ in after.caps if cap.limit.measure == "rows"]
    return min([1, *amounts])


def _counts(cap: Cap, same: Cap | None, side: int) -> Iterator[Count]:
    """Numbers with which a limit is exceeded, and its other version, if there is one, is not."""
    limit, ref = cap.limit, cap.ref
    for rows, used in _exceeding(limit):
        there = 0
        if same:
            there = used if _counts_all(limit, same.limit) else 0
            adds = rows if same.limit.measure == "rows" else 1
            if there + adds > same.limit.amount:
                continue
        one, two = {ref: used}, {ref: there}
        yield Count(rows, (one, two) if side == 0 else (two, one))


def _exceeding(limit: Limit) -> Iterator[tuple[int, int]]:
    """Rows, and what was used before: over the limit, by as little as can be."""
    is_rows, is_rolling = limit.measure == "rows", limit.per != "call"
    if is_rolling:
        yield (0, limit.amount + 1) if is_rows else (0, limit.amount)
    if is_rows:
        yield limit.amount + 1, 0
    elif limit.amount < 1:
        yield 0, 0


def _counts_all(limit: Limit, other: Limit) -> bool:
    """Whether the counter of *other* has at least what the counter of *limit* has."""
    longer = _STRETCHES.index(other.per) >= _STRETCHES.index(limit.per)
    is_wider = longer and other.for_each in _WITHIN[limit.for_each]
    return is_wider and other.per != "call" and other.measure == limit.measure
