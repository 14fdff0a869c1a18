"""Reading the log: every reading is itself a record, made before anything is read."""

import asyncio
from dataclasses import dataclass

import msgspec

from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Page, Range, Reader
from policyd.ledger.record import query_record
from policyd.ledger.stamp import Stamper
from policyd.model.errors import NotFound
from policyd.model.keys import Key


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log: its place in the tree and its exact bytes."""

    index: int
    leaf: bytes


class AuditPoint:
    """Answers questions about the log, to those who may ask, on the record."""

    def __init__(self, reader: Reader, ledger: Ledger, stamps: Stamper) -> None:
        self._reader = reader
        self._ledger = ledger
        self._stamps = stamps

    async def record(self, by: Key, record_id: str) -> Entry:
        """The record with this id.

        Raises:
            NotFound: there is none, or the key's holder may not see it.
        """
        await self._note(by, f"id:{record_id}")
        found = await asyncio.to_thread(self._reader.record_by_id, record_id)
        if found is None or not _may_see(by, found[1]):
            raise NotFound(f"there is no record `{record_id[:64]}`")
        return Entry(*found)

    async def page(self, by: Key, asked: Range) -> Page:
        """Records by time, newest first unless *asked* otherwise."""
        await self._note(by, asked.text())
        return await asyncio.to_thread(self._reader.page, asked)

    async def _note(self, by: Key, text: str) -> None:
        made = self._stamps.draw()
        await self._ledger.append([query_record(made, key=by.id, text=text)])


def _may_see(key: Key, leaf: bytes) -> bool:
    """Auditors and admins see every record, a builder the decisions about what is theirs."""
    if key.has_role("auditor", "admin"):
        return True
    record = msgspec.json.decode(leaf)
    return record["kind"] == "decision" and key.speaks_for(record["call"]["subject"]["id"])
