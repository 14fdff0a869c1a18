"""Reading the log: what was read, by whom, is a record before it is an answer."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import timestamp
from policyd.model.errors import NotFound
from policyd.model.keys import Key
from policyd.points.decision import Sender
from policyd.points.disclosed import Shown, shown
from policyd.points.publication import Publication
from policyd_audit.layout import Resource
from policyd_audit.receipt import Receipt, render

LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Listing:
    """Which records are wanted: from `after` on, before `before`, going on at `cursor`."""

    limit: int
    after: datetime | None = None
    before: datetime | None = None
    cursor: int | None = None
    newest_first: bool = True

    def text(self) -> str:
        """What was asked, for the record of the asking."""
        parts = {
            "after": timestamp(self.after) if self.after else None,
            "before": timestamp(self.before) if self.before else None,
            "cursor": self.cursor,
            "order": "newest" if self.newest_first else "oldest",
            "limit": self.limit,
        }
        return " ".join(f"{name}:{value}" for name, value in parts.items() if value is not None)


class ShownPage(NamedTuple):
    """A page of records as their reader may see them; see `Page`."""

    records: list[Shown]
    cursor: int | None
    size: int
    lost: tuple[range, ...] = ()


class AuditPoint:
    """Answers questions about the log, to those who may ask, on the record."""

    def __init__(self, reader: Reader, ledger: Ledger, publication: Publication) -> None:
        self._reader = reader
        self._ledger = ledger
        self._publication = publication

    async def record(self, by: Sender, record_id: str) -> Shown:
        """The record with this id, and of what is kept apart of it what the key may see.

        Raises:
            NotFound: there is none, or the key's holder may not see it.
            LedgerUnavailable: the log cannot be read, or the reading not recorded.
        """
        found = await asyncio.to_thread(self._reader.record_by_id, record_id)
        seen = found if found and _may_see(by.key, found.leaf) else None
        await self._note(by, f"id:{record_id[:LONGEST_ID]}", rows=1 if seen else 0)
        if seen is None:
            raise NotFound(f"there is no record `{record_id[:LONGEST_ID]}`")
        (made,) = await asyncio.to_thread(shown, self._reader, by.key, [seen])
        return made

    async def page(self, by: Sender, asked: Listing) -> ShownPage:
        """Records by time; raises as `record` does."""
        look = partial(
            self._reader.page,
            limit=asked.limit,
            after=asked.after,
            before=asked.before,
            cursor=asked.cursor,
            newest_first=asked.newest_first,
        )
        page = await asyncio.to_thread(look)
        await self._note(by, asked.text(), rows=len(page.records))
        records = await asyncio.to_thread(shown, self._reader, by.key, page.records)
        return ShownPage(records, page.cursor, page.size, page.lost)

    async def proof(self, by: Sender, record_id: str) -> str:
        """The receipt of the record with this id, with its bytes; raises as `record` does."""
        found = await self.record(by, record_id)
        return (await self._prove(found.seq, found.leaf))[0]

    async def receipt(self, index: int) -> tuple[str, bytes] | None:
        """The receipt of a durable record, and its leaf hash; None where witnesses come first.

        It is for the sender of the call, who may not see all of the record: the receipt does not
        hold it, and the hash tells nothing of it. So it is no reading of the log.

        Raises:
            LedgerUnavailable: the log cannot be read.
        """
        if self._publication.waits_for_witnesses:
            return None  # an answer is held up by nobody else
        return await self._prove(index, None)

    async def _prove(self, index: int, leaf: bytes | None) -> tuple[str, bytes]:
        published = await self._publication.covering(index + 1)
        found = await asyncio.to_thread(self._reader.inclusion, index, published.size)
        receipt = Receipt(index, found.path, published.note, leaf)
        return render(receipt), found.leaf_hash

    async def tile(self, tile: Resource) -> bytes:
        """The hashes of one tile, which is no reading of records.

        Raises:
            NotFound: the log has not got so far.
            LedgerUnavailable: the log cannot be read.
        """
        data = await asyncio.to_thread(self._reader.content, tile)
        if data is None:
            raise _beyond(tile)
        return data

    async def bundle(self, by: Sender, bundle: Resource) -> bytes:
        """The records of one entry bundle; raises as `tile` does, or if it is not recorded."""
        data = await asyncio.to_thread(self._reader.content, bundle)
        await self._note(by, bundle.path, rows=0 if data is None else bundle.width)
        if data is None:
            raise _beyond(bundle)
        return data

    async def _note(self, by: Sender, text: str, *, rows: int) -> None:
        caller = record.Caller(key=by.key.id, address=by.address)
        stamped = record.stamped(self._ledger.stamp())
        query = record.Query(**stamped, caller=caller, text=text, rows=rows)
        await self._ledger.append([record.encode(query)], is_urgent=True)


def _beyond(resource: Resource) -> NotFound:
    return NotFound(f"the log has not got as far as `{resource.path}`")


def _may_see(key: Key, leaf: bytes) -> bool:
    """Auditors and admins see every record; who is bound, the decisions about what is theirs."""
    if key.reads_all:
        return True
    read = msgspec.json.decode(leaf)
    if read["kind"] != "decision" or "subject_type" in read["call"]:
        return False  # nobody speaks for what is no integration
    return key.speaks_for(read["call"].get("subject", ""))
