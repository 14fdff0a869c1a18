"""Tests about all calls, `never`, `only` and `exactly … may`, `same_as`: decided by proof."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.model.call import Call
from policyd.model.explanation import Explanation
from policyd.model.rules import ACTIONS, EVERYONE, Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy.suite_shapes import CaseEntry, SentenceOfCalls
from policyd.proof.moments import Span
from policyd.proof.promises import never, only
from policyd.proof.proving import Comparison, Region, Verdict, compare
from policyd.review.decisive import first_to_flip, spoken
from policyd.review.suites import PolicyTest

Others = Callable[[str], Snapshot]
"""Another version of the tree, by what `same_as` says; raises as `revisions` and `load` do."""

_TOLD = 5  # regions that are told of one test; each has a call and all that decided it
_UNSURE = "a call that should show it does not: please report it"


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is not as a test says of all calls.

    Attributes:
        text: What it is.
        call: One that shows it, if one can.
        explanation: How the answer to it comes about.
        matched: Rules that speak about it.
        flip: The first of them without which the answer would be the other one.
    """

    text: str
    call: Call | None = None
    explanation: Explanation | None = None
    matched: tuple[str, ...] = ()
    flip: str | None = None


@dataclass(frozen=True, slots=True)
class Promised:
    """What a proof came to: broken if there are breaches, else kept unless there are `gaps`."""

    breaches: tuple[Breach, ...]
    gaps: tuple[str, ...]


def promised(snapshot: Snapshot, test: PolicyTest, others: Others) -> Promised:
    """Whether *snapshot* keeps what *test* says of all calls.

    With a moment of its own the test is about that moment, else about all from its suite's on.
    """
    span = Span(datetime.fromisoformat(test.now), only=test.entry.now is not None)
    entry = test.entry
    if entry.same_as:
        says = sentence(entry.within) if entry.within else None
        return _same(compare(others(entry.same_as), snapshot, span=span, within=says), entry)
    if entry.never:
        return _none(never(snapshot, sentence(entry.never), span))
    names = tuple(entry.only or entry.exactly or ())
    says = sentence(entry.may or SentenceOfCalls())
    outsiders = _none(only(snapshot, names, says, span))
    if entry.only:
        return outsiders
    return _exactly(snapshot, names, only(snapshot, (), says, span), outsiders)


def sentence(says: SentenceOfCalls) -> Sentence:
    """What a test says of calls, as rules say it."""
    return Sentence(
        data={action: tuple(names) for action in ACTIONS if (names := getattr(says, action))},
        who=(EVERYONE,),
        to=tuple(says.to or ()),
        to_zone=tuple(says.to_zone or ()),
        to_systems_of=says.to_systems_of,
        in_systems_of=says.in_systems_of,
        stage=says.stage,
        category=tuple(says.category or ()),
    )


def words(region: Region) -> str:
    """The region in one sentence.

    `sales/sync may send crm/contacts to newsletter, whatever it names, at any time`.
    """
    where = f" at {_some(region.places)}" if any(region.places) else ""
    how = f" by {_some(region.methods)}" if region.methods else ""
    sources = f" with data of {_some(region.sources)}" if any(region.sources) else ""
    what = f"{_some(region.callers)} may {region.action} {_some(region.data)}{where}{how}{sources}"
    less = f", without the {region.duty}" if region.duty else ""
    more = f", beyond the limit {region.limit}" if region.limit else ""
    return f"{what}{less}{more}, {region.saying}, {region.when}"


def _none(found: Comparison) -> Promised:
    """Nothing may be allowed on the second side that is not on the first."""
    return Promised(
        tuple(_told(found, found.opens, "expected deny, got allow")), _gaps(found, found.opens)
    )


def _same(found: Comparison, entry: CaseEntry) -> Promised:
    """Neither side may allow more, or ask for less, than the other."""
    more = _told(found, found.opens, f"more is allowed than in {entry.same_as}")
    less = _told(found, found.closes, f"less is allowed than in {entry.same_as}, where")
    return Promised((*more, *less), _gaps(found, (*found.opens, *found.closes)))


def _exactly(
    snapshot: Snapshot, names: tuple[str, ...], whole: Comparison, outsiders: Promised
) -> Promised:
    """Nobody else may, and of each name somebody may."""
    who = {caller for region in whole.opens if region.is_shown for caller in region.callers}
    reached = {name for caller in who for name in snapshot.integrations[caller].names}
    idle = tuple(
        Breach(f"expected that {name} may, and nothing of it is allowed")
        for name in names
        if name not in reached and not whole.gaps
    )
    return Promised((*outsiders.breaches, *idle), tuple({*outsiders.gaps, *whole.gaps}))


def _gaps(found: Comparison, regions: Iterable[Region]) -> tuple[str, ...]:
    """What is left open; a region that its own call does not show is, too."""
    is_unsure = any(not each.is_shown for each in regions)
    return (*found.gaps, *((_UNSURE,) if is_unsure else ()))


def _told(found: Comparison, regions: Iterable[Region], what: str) -> Iterator[Breach]:
    """The first regions that their calls show, each with the explanation of its call."""
    shown = [each for each in regions if each.is_shown]
    engine = Engine(found.sides[1], flows=64)
    for region in shown[:_TOLD]:
        facts = region.witness.facts[1]
        case = engine.open(region.witness.call, facts.now)
        yield Breach(
            text=f"{what}{'' if what.endswith('where') else ':'} {words(region)}",
            call=region.witness.call,
            explanation=explain(engine, case, facts),
            matched=spoken(case),
            flip=first_to_flip(engine, case, facts),
        )
    if shown[_TOLD:]:
        yield Breach(f"and {len(shown) - _TOLD} more like these")


def _some(names: Iterable[str]) -> str:
    """The first three, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""  # noqa: PLR2004 - as many as are told
    return ", ".join(listed[:3]) + more


def is_proved(found: Comparison) -> bool:
    """Whether neither side opens anything that the other does not."""
    return found.verdict is Verdict.PROVED and found.closing is Verdict.PROVED
