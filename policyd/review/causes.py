"""Causes: which of the changes make a region, found by taking each of them back.

A change is a cause of a region if a call of it comes out as before without that change. Where
several changes each do it alone, none of them is missed when it is taken back; then those are the
causes that are about something that decided the call.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.facts import Facts
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Region
from policyd.proof.witness import Witness
from policyd.review.artefact import Change
from policyd.review.undoing import undone

MOST_EXAMPLES = 16
"""Calls of one region that are looked at; one of each name that occurs in it."""
_ENGINES = 256


class Causes:
    """Finds the causes of regions between two snapshots."""

    def __init__(self, sides: tuple[Snapshot, Snapshot], changes: Iterable[Change]) -> None:
        self._sides = sides
        self._changes = {each.ref: each for each in changes if each.decides}
        self._engine = Engine(sides[1], flows=64)
        self.engines = (Engine(sides[0], flows=64), self._engine)
        self._without = lru_cache(maxsize=_ENGINES)(self._made)

    def of(self, region: Region, stricter: int) -> tuple[str, ...]:
        """References of the changes that make a region, of which that side is the stricter."""
        found: set[str] = set()
        for witness in (region.witness, *region.more):
            near = self._near(witness)
            needed = {ref for ref in near if not self._stands(witness, stricter, ref)}
            found |= needed or near
        return tuple(sorted(found))

    def _near(self, witness: Witness) -> set[str]:
        """Changes of something that has to do with a call, on either side."""
        cases = [
            engine.open(witness.call, facts.now)
            for engine, facts in zip(self.engines, witness.facts, strict=True)
        ]
        named = {ref for case in cases for ref in _touched(case)}
        named |= {
            name
            for decision in witness.decisions
            for each in (*decision.reasons, *decision.softened)
            for name in (each.rule, each.exemption and f"exemption:{each.exemption}")
            if name
        }
        named |= {ref.rpartition("/")[0] for ref in named if ref.startswith("zone:")}
        wide = {"setting", "category", "window"}
        return {ref for ref, each in self._changes.items() if ref in named or each.kind in wide}

    def _stands(self, witness: Witness, stricter: int, ref: str) -> bool:
        """Whether the difference is still there without one change."""
        engine = self._without(ref)
        try:
            case = engine.open(witness.call, witness.facts[1].now)
            used = {**witness.facts[0].used, **witness.facts[1].used}
            counted = {each: used[each] for each in case.buckets() if each in used}
            facts = Facts(witness.facts[1].now, counted, owner_state(case))
            after = engine.judge(case, facts)
        except KeyError:
            return False  # the rest of the tree cannot do without it
        return witness._replace(decisions=(witness.decisions[0], after)).shows(stricter)

    def _made(self, ref: str) -> Engine:
        return self._engine.successor(undone(*self._sides, self._changes[ref]))


def _touched(case: Case) -> Iterator[str]:
    """References of all that a decision on a case goes by."""
    asked, layers = case.asked, case.layers
    for matches in (layers.guardrail, layers.template, layers.unit, layers.data_owner):
        for part in matches or ():
            yield from part
    for source in case.sources:
        for part in (*source.guardrail, *source.data_owner):
            yield from part
        yield from _data(source.asked.call.resource.id)
    yield from _data(asked.call.resource.id)
    who, place, call = asked.integration, asked.endpoint.destination, asked.call
    if call.endpoint:
        yield f"connection:{call.endpoint}"
    for name in {place.name if place else asked.system, asked.system}:
        yield from (f"destination:{name}", f"system:{name}")
    yield f"zone:{asked.zone.name}"
    if who:
        yield from (f"integration:{who.id}", f"promotion:{who.id}", f"unit:{who.unit}")
        yield from (f"template:{who.template}", f"destination:{who.runs_on}")
        yield from (f"role:{name}" for name in who.names)
        yield from (f"owner:{name}" for name in (who.owner, who.deputy) if name)
    yield from (f"exemption:{name}" for name in case.snapshot.exemptions)


def _data(name: str) -> Iterator[str]:
    yield f"dataset:{name}"
    yield f"system:{name.partition('/')[0]}"
