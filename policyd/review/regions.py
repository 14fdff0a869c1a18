"""Regions of a proof as a review tells them: with their causes, and whom they concern."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.model.decision import Decision
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Comparison, Region, Verdict
from policyd.proof.witness import Witness
from policyd.review.artefact import Change, Concern, RegionTold, Side, WitnessTold
from policyd.review.causes import Causes
from policyd.review.sentences import owed, sentence

Sides = tuple[Snapshot, Snapshot]
_TOLD_REASONS = 12


def regions_told(found: Comparison, changes: Sequence[Change], sides: Sides) -> list[RegionTold]:
    """What opens, then what closes, in the order of the proof and numbered from 1."""
    causes = Causes(sides, changes)
    by_ref = {each.ref: each for each in changes}
    both = [(0, each) for each in found.opens] + [(1, each) for each in found.closes]
    return [
        _told(number, stricter, region, causes, by_ref)
        for number, (stricter, region) in enumerate(both, start=1)
    ]


def with_regions(changes: Iterable[Change], regions: Iterable[RegionTold]) -> list[Change]:
    """The changes, each with the regions that it has a part in."""
    parts: dict[str, list[int]] = defaultdict(list)
    for region in regions:
        for ref in region.causes:
            parts[ref].append(region.number)
    return [msgspec.structs.replace(each, regions=tuple(parts[each.ref])) for each in changes]


def _told(
    number: int, stricter: int, region: Region, causes: Causes, changes: Mapping[str, Change]
) -> RegionTold:
    found = causes.of(region, stricter)
    sides = (causes.engines[0].snapshot, causes.engines[1].snapshot)
    side = "closes" if stricter else "opens"
    callers = [
        one for side_ in sides for name in region.callers if (one := side_.integrations.get(name))
    ]
    return RegionTold(
        number=number,
        side=side,
        kind=region.kind,
        verdict=str(Verdict.WIDENS if region.is_shown else Verdict.MAYBE),
        words=sentence(region, is_opened=not stricter),
        callers=region.callers,
        action=region.action,
        data=region.data,
        places=region.places,
        methods=region.methods,
        saying=region.saying,
        when=region.when,
        duty=region.duty,
        limit=region.limit,
        sources=region.sources,
        units=tuple(sorted({each.unit for each in callers})),
        witness=_witness(region.witness, causes.engines, is_shown=region.is_shown),
        causes=found,
        concerns=tuple(sorted(_concerns(region, sides, [changes[ref] for ref in found]))),
    )


def _witness(witness: Witness, engines: Sequence[Engine], *, is_shown: bool) -> WitnessTold:
    call: dict[str, Any] = {
        name: value
        for name, value in msgspec.to_builtins(witness.call).items()
        if value not in (None, (), [])
    }
    facts, decisions = witness.facts, witness.decisions
    cases = [engine.open(witness.call, one.now) for engine, one in zip(engines, facts, strict=True)]
    before, after = (_side(*each) for each in zip(cases, decisions, strict=True))
    return WitnessTold(
        call=call,
        now=facts[0].now.isoformat(),
        used=(dict(facts[0].used), dict(facts[1].used)),
        before=before,
        after=after,
        shown=is_shown,
    )


def _side(case: Case, decision: Decision) -> Side:
    layers = case.layers
    allows = [
        ref
        for each in (layers.guardrail, layers.template, layers.unit)
        if each
        for ref in each.allows
    ]
    return Side(
        allow=decision.allow,
        would_deny=decision.would_deny,
        reasons=tuple(dict.fromkeys(each.rule or each.code for each in decision.reasons))[
            :_TOLD_REASONS
        ],
        by=tuple(allows),
        owes=owed(decision.obligations),
    )


def _concerns(region: Region, sides: Sides, causes: Iterable[Change]) -> Iterator[Concern]:
    """Owners of what changed, of the integrations, and of what is reached now or not any more."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for change in causes:
        if change.owner:
            found[change.owner, "change"].add(change.ref)
    for side in sides:
        for part, name, owner in _owned(region, side):
            found[owner, part].add(name)
    for (owner, part), about in found.items():
        yield Concern(owner, part, tuple(sorted(about)))


def _owned(region: Region, side: Snapshot) -> Iterator[tuple[str, str, str]]:
    """What a region is about and somebody owns: which part of it, its name, and the owner."""
    for name in region.callers:
        if who := side.integrations.get(name):
            yield "integration", name, who.owner
    for name in (*region.data, *region.sources):
        if system := side.systems.get(name.partition("/")[0]):
            yield "data", name, system.owner
    for name in _places(region):
        if place := side.destinations.get(name):
            yield "destination", name, place.owner


def _places(region: Region) -> set[str]:
    """Destinations to which data is sent."""
    if region.action != "send":
        return set()
    examples = (region.witness, *region.more)
    found = {one.resolved.destination for each in examples for one in each.decisions}
    return {*region.places, *(name for name in found if name)}
