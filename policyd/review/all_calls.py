"""Tests about all calls, `never` and `only … may`: decided by proof."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.model.explanation import Explanation
from policyd.model.rules import ACTIONS, EVERYONE, Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy.suite_shapes import SentenceOfCalls
from policyd.proof.moments import Span
from policyd.proof.promises import never, only
from policyd.proof.proving import Comparison, Region
from policyd.review.suites import PolicyTest

_TOLD = 5  # regions that are told of one test; each has a call and all that decided it


def regions_against(snapshot: Snapshot, test: PolicyTest) -> Comparison:
    """The calls that are allowed though *test* says that none is.

    With a moment of its own the test is about that moment, else about all from its suite's on.
    """
    span = Span(datetime.fromisoformat(test.now), only=test.entry.now is not None)
    entry = test.entry
    if entry.never:
        return never(snapshot, sentence(entry.never), span)
    return only(snapshot, tuple(entry.only or ()), sentence(entry.may or SentenceOfCalls()), span)


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


def told(found: Comparison) -> Iterator[tuple[Region, Explanation]]:
    """The first regions, each with the explanation of its call."""
    engine = Engine(found.sides[1], flows=64)
    for region in found.opens[:_TOLD]:
        facts = region.witness.facts[1]
        case = engine.open(region.witness.call, facts.now)
        yield region, explain(engine, case, facts)


def words(region: Region) -> str:
    """The region in one sentence.

    `sales/sync may send crm/contacts to newsletter, whatever it names, at any time`.
    """
    where = f" at {_some(region.places)}" if any(region.places) else ""
    how = f" by {_some(region.methods)}" if region.methods else ""
    sources = f" with data of {_some(region.sources)}" if any(region.sources) else ""
    what = f"{_some(region.callers)} may {region.action} {_some(region.data)}{where}{how}{sources}"
    return f"{what}, {region.saying}, {region.when}"


def _some(names: Iterable[str]) -> str:
    """The first three, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""  # noqa: PLR2004 - as many as are told
    return ", ".join(listed[:3]) + more
