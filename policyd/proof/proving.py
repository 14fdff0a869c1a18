"""What one snapshot allows that another does not: proved, shown, or left open with the reason.

The one function behind "does this change open anything", "does the unit stay inside the guardrails"
and "is this never allowed": the regions in which the second of two snapshots is the wider one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from policyd.model.rules import Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.compare import BUDGET, Callers, Comparer, Found
from policyd.proof.moments import Span
from policyd.proof.regions import Block, blocks
from policyd.proof.space import Space
from policyd.proof.witness import Witness, Witnesses


class Verdict(StrEnum):
    """What is known of "no call gains anything"."""

    PROVED = "proved"
    WIDENS = "widens"
    MAYBE = "maybe"
    NOT_PROVED = "not-proved"


@dataclass(frozen=True, slots=True)
class Region:
    """Calls that gain something (or lose it), all alike.

    Every one of `callers` may do `action` with all of `data` at all of `places`; a place is empty
    where the data lives. `kind` is `opens` where the calls were refused, `limit` where only a limit
    refused them, `duty` where less is owed, `roll-out` where a roll-out lets anything pass: then
    action and data are `anything`.

    Attributes:
        methods: Empty: all.
        saying: Which fields the calls name, in words.
        when: In words.
        duty: The duty that is not owed any more, such as `mask of email`.
        limit: The limit that has room now, by reference.
        sources: Of a write: datasets that it takes its data from, each of them; ("",) for none.
        witness: One of the calls, put to the engines of both snapshots.
        is_shown: Whether the engines say of it what the region says.
        more: Calls of the region in which its other names occur, as many as were asked for.
    """

    kind: str
    callers: tuple[str, ...]
    action: str
    data: tuple[str, ...]
    places: tuple[str, ...]
    methods: tuple[str, ...]
    saying: str
    when: str
    duty: str | None
    limit: str | None
    sources: tuple[str, ...]
    witness: Witness
    is_shown: bool
    more: tuple[Witness, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the second of two snapshots opens and closes.

    Attributes:
        gaps: What could not be decided, in words.
        sides: The two snapshots, as their engines were asked.
    """

    sides: tuple[Snapshot, Snapshot]
    opens: tuple[Region, ...]
    closes: tuple[Region, ...]
    gaps: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether anything opens."""
        return _verdict(self.opens, self.gaps)

    @property
    def closing(self) -> Verdict:
        """Whether anything closes, in the same words: `widens` if something does."""
        return _verdict(self.closes, self.gaps)


def _verdict(regions: Iterable[Region], gaps: tuple[str, ...]) -> Verdict:
    shown = [each.is_shown for each in regions]
    if any(shown):
        return Verdict.WIDENS
    if shown:
        return Verdict.MAYBE
    return Verdict.NOT_PROVED if gaps else Verdict.PROVED


def compare(
    old: Snapshot,
    new: Snapshot,
    *,
    span: Span | None = None,
    within: Sentence | None = None,
    budget: int = BUDGET,
    examples: int = 1,
) -> Comparison:
    """What *new* opens and closes against *old*, over every call of every integration.

    Args:
        old: What is compared with.
        new: What is looked at.
        span: The moments that count; without it all, past and to come.
        within: Only calls of which this sentence speaks, read as a prohibition would be.
        budget: Steps to take; beyond them the rest is a gap.
        examples: Calls of each region to put to the engines, at most.
    """
    space = Space((old, new), span or Span())
    comparer = Comparer(space, within, budget)
    found = list(comparer.differences(_callers(old, new)))
    gaps = [*comparer.gaps]
    witnesses = Witnesses(space)
    if not all(witnesses.agree(where, terms) for where, terms in comparer.samples):
        gaps.append("the proof and the engine decide a call in different ways: please report it")
    return comparison(space, found, gaps, examples, witnesses)


def comparison(
    space: Space,
    found: Iterable[Found],
    gaps: Iterable[str] = (),
    examples: int = 1,
    witnesses: Witnesses | None = None,
) -> Comparison:
    """The differences that were *found*, as regions with calls put to both engines.

    Engines that stand ready already are those of *witnesses*.
    """
    witnesses = witnesses or Witnesses(space)
    regions = [
        (each.alike.side, _region(witnesses, each)) for each in blocks(space, found, examples)
    ]
    return Comparison(
        sides=space.sides,
        opens=tuple(each for side, each in regions if side == 0),
        closes=tuple(each for side, each in regions if side == 1),
        gaps=tuple(gaps),
    )


def _callers(old: Snapshot, new: Snapshot) -> list[Callers]:
    """Every integration, as each side knows it."""
    names = sorted({*old.integrations, *new.integrations})
    return [(old.integrations.get(name), new.integrations.get(name)) for name in names]


def _region(witnesses: Witnesses, block: Block) -> Region:
    alike = block.alike
    witness, *more = map(witnesses.of, block.found)
    return Region(
        kind=alike.kind,
        callers=block.callers,
        action=alike.action,
        data=block.data,
        places=block.places,
        methods=alike.methods,
        saying=alike.saying,
        when=alike.when,
        duty=alike.duty,
        limit=alike.limit,
        sources=block.sources,
        witness=witness,
        is_shown=witness.shows(alike.side),
        more=tuple(more),
    )
