"""Differences: the calls of one cell that one side refuses, or burdens, and the other does not."""

from collections.abc import Iterator
from typing import NamedTuple

from policyd.proof.caps import Count, freed, least_rows
from policyd.proof.terms import Outcome, Terms, outcome, stretches, union

Due = tuple[tuple[str, int], int]
"""A duty: what is owed (with the kind of fields), and how strictly."""


class Difference(NamedTuple):
    """Sayings of a cell, and moments; `side` (0 or 1) is the stricter one.

    `kind` is `opens`, `limit` where only a limit refuses, `duty` where less is owed.
    """

    side: int
    kind: str
    bits: int
    when: int
    due: Due | None = None
    limit: str | None = None
    counted: Count = Count()
    source: str | None = None


def differences(terms: tuple[Terms, Terms], moments: int, sayings: int) -> Iterator[Difference]:
    """All differences that the *terms* of a cell make, but those that a roll-out alone does."""
    if terms[0] == terms[1]:
        return
    for when in stretches(terms, moments):
        one, two = (outcome(each, when & -when, sayings) for each in terms)
        for side, before, after in ((0, one, two), (1, two, one)):
            if after.allowed and not (after.passes and not before.passes):
                yield from _between(side, before, after, when)


def _between(side: int, before: Outcome, after: Outcome, when: int) -> Iterator[Difference]:
    count = Count(rows=least_rows(after))
    opened = after.allowed & ~before.allowed
    if opened:
        yield Difference(side, "opens", opened, when, counted=count)
    for each in freed(before, after, side):
        yield Difference(side, "limit", each.bits, when, limit=each.ref, counted=each.counted)
    allowed = before.allowed & after.allowed
    for what, weight, bits in before.dues:
        owed = union(more for same, still, more in after.dues if same == what and still >= weight)
        if lost := bits & allowed & ~owed:
            yield Difference(side, "duty", lost, when, due=(what, weight), counted=count)


def by_source(
    terms: tuple[Terms, Terms],
    sources: tuple[Terms, Terms],
    source: str,
    moments: int,
    sayings: int,
) -> Iterator[Difference]:
    """The differences that a write's *source* makes, where the write itself makes none."""
    if sources[0] == sources[1]:
        return
    for when in stretches((*terms, *sources), moments):
        moment = when & -when
        main = [outcome(each, moment, sayings) for each in terms]
        mine = [outcome(each, moment, sayings) for each in sources]
        allowed = [
            whole.also(part.barred, part.held) for whole, part in zip(main, mine, strict=True)
        ]
        for side, other in ((0, 1), (1, 0)):
            opened = allowed[other] & ~allowed[side] & main[side].allowed
            if opened and not (main[other].passes and not main[side].passes):
                count = Count(rows=least_rows(main[other]))
                yield Difference(side, "opens", opened, when, counted=count, source=source)


def is_ever_allowed(terms: Terms, moments: int, sayings: int) -> bool:
    """Whether any call is allowed at any moment."""
    return terms.is_known and any(
        outcome(terms, when & -when, sayings).allowed for when in stretches([terms], moments)
    )
