"""Legal holds: what is under one is neither erased nor pruned, until an auditor releases it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from policyd.ledger import record
from policyd.ledger.frames import Hold as Place
from policyd.ledger.frames import Release
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.sides import PlacedHold
from policyd.model.errors import Conflict, NotFound
from policyd.model.keys import Key
from policyd_audit.disclosure import reveal


@dataclass(frozen=True, slots=True)
class Scope:
    """What a hold is on: whoever is the subject or acted for, a unit, records in a range."""

    subject: str | None = None  # type:id
    unit: str | None = None
    first: int | None = None
    end: int | None = None  # not included

    def covers(self, seq: int, read: "Named") -> bool:
        """Whether the record is under it, of which *read* is what it says, disclosed."""
        in_range = (self.first or 0) <= seq and (self.end is None or seq < self.end)
        of_subject = self.subject is None or self.subject in read.subjects
        return in_range and of_subject and self.unit in {None, read.unit}


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a record is about: subjects as `type:id`, and the unit of the call."""

    subjects: frozenset[str]
    unit: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; `subject_erased` if whom it was on was erased after its release."""

    name: str
    reason: str
    by: str
    placed_at: str
    seq: int
    scope: Scope
    released: int | None = None


def named(read: dict[str, object]) -> Named:
    """Whom the record *read* is about."""
    call = read.get("call")
    if not isinstance(call, dict):
        return Named(frozenset(), None)
    subjects = {f"{each['type']}:{each['id']}" for each in call.get("on_behalf_of", ())}
    if "subject" in call:
        subjects.add(f"{call.get('subject_type', 'integration')}:{call['subject']}")
    unit = call.get("unit") or str(call.get("subject", "")).partition("/")[0]
    return Named(frozenset(subjects), unit)


class HoldPoint:
    """Places and releases holds, on the record."""

    def __init__(self, reader: Reader, ledger: Ledger) -> None:
        self._reader = reader
        self._ledger = ledger
        # What is placed and what is removed take turns: see `exclusively`.
        self.one_at_a_time = asyncio.Lock()

    async def list(self) -> tuple[Hold, ...]:
        """Every hold, released ones too, in the order they were placed."""
        return tuple(map(_hold, await asyncio.to_thread(self._reader.holds)))

    async def active(self) -> tuple[Hold, ...]:
        """The holds that were not released."""
        return tuple(each for each in await self.list() if each.released is None)

    async def place(self, by: Key, name: str, reason: str, scope: Scope) -> Hold:
        """The hold, placed; what it is on cannot be removed from now on.

        Raises:
            Conflict: there is one of this name.
            LedgerUnavailable: it could not be recorded.
        """
        async with self.one_at_a_time:
            if any(each.name == name for each in await self.active()):
                raise Conflict(f"there is a hold `{name}` already: name it otherwise")
            said = _record(self._ledger, by, "placed", name, reason, scope)
            seq = await self._ledger.append([record.encode(said)], Place())
        return Hold(name, reason, by.id, said.ts, seq, scope)

    async def release(self, by: Key, name: str, reason: str) -> Hold:
        """The hold, which is none any more.

        Raises:
            NotFound: there is no such hold.
            LedgerUnavailable: it could not be recorded.
        """
        async with self.one_at_a_time:
            held = next((each for each in await self.active() if each.name == name), None)
            if held is None:
                raise NotFound(f"there is no hold `{name[:64]}`; see `policyd audit hold list`")
            # The record of the end names the hold, not again whom it was on.
            bare = Scope(unit=held.scope.unit, first=held.scope.first, end=held.scope.end)
            said = _record(self._ledger, by, "released", name, reason, bare)
            seq = await self._ledger.append([record.encode(said)], Release(held.seq))
        return Hold(name, held.reason, held.by, held.placed_at, held.seq, held.scope, seq)


def over(holds: tuple[Hold, ...], seq: int, read: dict[str, object]) -> Iterator[Hold]:
    """Those of *holds* that the record is under."""
    whom = named(read)
    return (each for each in holds if each.scope.covers(seq, whom))


def _record(ledger: Ledger, by: Key, act: str, name: str, reason: str, scope: Scope) -> record.Hold:
    stamped = record.stamped(ledger.stamp())
    on = record.Scope(subject=scope.subject, unit=scope.unit, first=scope.first, end=scope.end)
    return record.Hold(**stamped, act=act, name=name, by=by.id, reason=reason, scope=on)


def _hold(placed: PlacedHold) -> Hold:
    read = reveal(msgspec.json.decode(placed.leaf), placed.disclosures).record
    on = {name: each for name, each in read["scope"].items() if name in Scope.__slots__}
    return Hold(
        name=read["name"],
        reason=read["reason"],
        by=read["by"],
        placed_at=read["ts"],
        seq=placed.seq,
        scope=Scope(**on),
        released=placed.released,
    )
