"""Witnesses: a call of a difference, put to the real engine of both sides."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from policyd.engine.decide import Engine
from policyd.engine.duties import weight_of
from policyd.engine.owners import owner_state
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Obligation
from policyd.model.facts import Facts
from policyd.model.labels import Treatment
from policyd.model.rules import OBLIGATIONS
from policyd.proof.caps import Count, least_rows
from policyd.proof.compare import Found, Where
from policyd.proof.differences import Difference
from policyd.proof.space import Space
from policyd.proof.terms import Terms, outcome, stretches


class Witness(NamedTuple):
    """A call at a moment, and what each side decides of it."""

    call: Call
    facts: tuple[Facts, Facts]
    decisions: tuple[Decision, Decision]

    def shows(self, stricter: int) -> bool:
        """Whether that side refuses the call and the other does not, or asks less of it."""
        strict, other = self.decisions[stricter], self.decisions[1 - stricter]
        if not other.allow or not strict.allow:
            return other.allow
        asked, left = strictness(strict.obligations), strictness(other.obligations)
        return any(left.get(what, NOTHING) < weight for what, weight in asked.items())


NOTHING = -(10**12)
"""Less strict than any duty."""


def strictness(duties: Iterable[Obligation]) -> Mapping[tuple[str, str], int]:
    """How strictly each duty of an allow is owed: by field, or by type for the rest."""
    owed: dict[tuple[str, str], int] = {}
    for each in duties:
        for name, value in each.properties.items():
            if isinstance(value, tuple):
                owed |= {("fields", field): Treatment.of(each.type).value for field in value}
            else:
                owed[each.type, name] = -weight_of(value)
    return owed


class Witnesses:
    """Makes witnesses of differences between the sides of a space."""

    def __init__(self, space: Space) -> None:
        self._space = space

    @cached_property
    def _engines(self) -> tuple[Engine, Engine]:
        base, head = self._space.sides
        one = Engine(base, flows=64)
        return one, one.successor(head)

    def of(self, found: Found, bits: int | None = None, when: int | None = None) -> Witness:
        """A call of a difference, or of these sayings and moments of it; as late as it can be."""
        where, difference = found
        sayings = self._space.sayings(where.data)
        fields, labels = sayings.first(difference.bits if bits is None else bits)
        who = where.who[0] or where.who[1]
        assert who is not None  # noqa: S101 - a caller is known to one side
        call = Call(
            subject=Entity("integration", who.id),
            action=where.action,
            resource=Entity("dataset", where.data),
            fields=fields,
            labels=labels,
            endpoint=where.spot.endpoint,
            path=where.spot.path,
            method=where.spot.method,
            sources=(difference.source,) if difference.source else (),
            rows=difference.counted.rows,
            supported_obligations=OBLIGATIONS,
        )
        moment = self._space.moments.of(difference.when if when is None else when)[-1]
        return self.ask(call, moment.now, difference.counted.used)

    def agree(self, where: Where, terms: tuple[Terms, Terms]) -> bool:
        """Whether both engines decide calls of a cell as its terms say, at each turn of time."""
        everything = self._space.sayings(where.data).all
        for when in stretches(terms, self._space.moments.all):
            outcomes = [outcome(each, when & -when, everything) for each in terms]
            counted = Count(rows=min(least_rows(each) for each in outcomes))
            for bits in {everything, *(each.allowed for each in outcomes)} - {0}:
                said = [bool(each.allowed & bits & -bits) for each in outcomes]
                witness = self.of((where, Difference(0, "sample", bits, when, counted=counted)))
                if said != [each.allow for each in witness.decisions]:
                    return False
        return True

    def ask(
        self, call: Call, now: datetime, used: tuple[dict[str, int], dict[str, int]]
    ) -> Witness:
        """What both engines decide of a call."""
        (one, was), (two, is_) = (
            _decided(engine, call, now, counted)
            for engine, counted in zip(self._engines, used, strict=True)
        )
        return Witness(call, (one, two), (was, is_))


def _decided(
    engine: Engine, call: Call, now: datetime, used: dict[str, int]
) -> tuple[Facts, Decision]:
    case = engine.open(call, now)
    counted = {ref: used[ref] for ref in case.buckets() if ref in used}
    facts = Facts(now, counted, owner_state(case))
    return facts, engine.judge(case, facts)
