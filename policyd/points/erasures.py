"""Erasure: all that the log keeps apart about one person is overwritten, on the record."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from policyd.ledger import record
from policyd.ledger.frames import Erase
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.model.errors import Conflict
from policyd.model.keys import Key
from policyd.points.decision import Sender
from policyd.points.holds import Hold, HoldPoint, over
from policyd_audit.disclosure import reveal

ADDRESS = "address"
"""The type of a subject that is a network address; every other is that of a person or account."""

_STRETCH = 1 << 16  # records looked through at a time
_MOST = 4096  # disclosures that one act erases


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data is to be erased: a type, such as `user`, and an id."""

    type: str
    id: str

    def is_meant(self, name: str, value: object) -> bool:
        """Whether the disclosed member is about them."""
        if self.type == ADDRESS:
            return name == ADDRESS and value == self.id
        if isinstance(value, list):
            return {"type": self.type, "id": self.id} in value
        return name != ADDRESS and isinstance(value, str) and self.id in value


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be erased of one record: the ids of its disclosures, and their names."""

    seq: int
    ids: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be: how much of how many records, and which records say so."""

    records: int
    disclosures: int
    first: int | None
    end: int | None
    acts: tuple[str, ...] = ()


class ErasurePoint:
    """Erases on an admin's order; the admin sees numbers, never a value."""

    def __init__(self, reader: Reader, ledger: Ledger, holds: HoldPoint) -> None:
        self._reader = reader
        self._ledger = ledger
        self._holds = holds

    async def count(self, by: Sender, person: Person) -> Erasure:
        """How much an erasure would erase; the asking is a record, without whom it was about.

        Raises:
            Conflict: some of it is under a hold.
            LedgerUnavailable: the log cannot be read, or the asking not recorded.
        """
        parts = await self._find(person)
        caller = record.Caller(key=by.key.id, address=by.address)
        stamped = record.stamped(self._ledger.stamp())
        said = record.Query(**stamped, caller=caller, text="erasure:dry-run", rows=len(parts))
        await self._ledger.append([record.encode(said)])
        return _total(parts)

    async def erase(self, by: Key, person: Person, reason: str) -> Erasure:
        """All of it, erased; what is recorded from now on is not.

        Raises:
            Conflict: some of it is under a hold, so nothing was erased.
            LedgerUnavailable: the log cannot be read, or the act not be recorded; then see in the
                log how far it got.
        """
        async with self._holds.one_at_a_time:
            parts = await self._find(person)
            acts = [await self._act(by, some, reason) for some in _acts(parts)]
        total = _total(parts)
        return Erasure(total.records, total.disclosures, total.first, total.end, tuple(acts))

    async def _find(self, person: Person) -> list[Part]:
        holds = await self._holds.active()
        size = (await asyncio.to_thread(self._reader.state)).size
        first = await asyncio.to_thread(self._reader.first)
        parts: list[Part] = []
        for start in range(first, size, _STRETCH):
            end = min(start + _STRETCH, size)
            parts += await asyncio.to_thread(self._look, person, start, end, holds)
        return parts

    def _look(self, person: Person, start: int, end: int, holds: tuple[Hold, ...]) -> list[Part]:
        wanted = msgspec.json.encode(person.id)[1:-1]  # as a disclosure spells it
        found = self._reader.disclosures_with(start, end, wanted)
        meant = sorted({seq for seq, data in found if person.is_meant(*_named(data))})
        own = {hold.seq: hold for hold in holds}
        for each in self._reader.records(meant):
            if each.seq in own:
                raise _held(each.seq, own[each.seq])
            read = msgspec.json.decode(each.leaf)
            whole = dict(reveal(read, self._reader.disclosures([each.seq])[each.seq]).record)
            for hold in over(holds, each.seq, whole):
                raise _held(each.seq, hold)
        return [part for seq in meant if (part := self._part(person, seq)).ids]

    def _part(self, person: Person, seq: int) -> Part:
        """What is about that person; of an address that alone, else all that the record hides."""
        standing = [(each, *_named(data)) for each, data in self._reader.standing(seq)]
        chosen = [
            (each, name)
            for each, name, value in standing
            if person.type != ADDRESS or person.is_meant(name, value)
        ]
        return Part(seq, tuple(each for each, _ in chosen), tuple(name for _, name in chosen))

    async def _act(self, by: Key, parts: Sequence[Part], reason: str) -> str:
        total = _total(parts)
        said = record.Retention(
            **record.stamped(self._ledger.stamp()),
            act="erase",
            by=by.id,
            count=total.disclosures,
            records=total.records,
            first=parts[0].seq,
            end=parts[-1].seq + 1,
            names=tuple(sorted({name for part in parts for name in part.names})),
            reason=reason,
        )
        ids = tuple(each for part in parts for each in part.ids)
        # A crash before the commit leaves everything; after it the values are gone, or will be
        # before the next record is written.
        await self._ledger.append([record.encode(said)], Erase(ids))
        return said.id


def _held(seq: int, hold: Hold) -> Conflict:
    return Conflict(
        f"record {seq} is under the hold `{hold.name}`, so nothing is erased:"
        " an auditor can release it",
        code="held",
    )


def _acts(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts in stretches, none with much more than `_MOST` disclosures."""
    acts: list[list[Part]] = []
    room = 0
    for part in parts:
        if room < len(part.ids):
            acts.append([])
            room = _MOST
        acts[-1].append(part)
        room -= len(part.ids)
    return acts


def _total(parts: Sequence[Part]) -> Erasure:
    disclosures = sum(len(part.ids) for part in parts)
    if not parts:
        return Erasure(0, 0, None, None)
    return Erasure(len(parts), disclosures, parts[0].seq, parts[-1].seq + 1)


def _named(data: bytes) -> tuple[str, object]:
    """Name and value of a disclosure."""
    _, name, value = msgspec.json.decode(data)
    return name, value
