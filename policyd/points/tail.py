"""The tail: records as they are written, to who asks again and again for what came since.

An asking is on record if it got something: a page with at least one record that no tail's asking
has made, and the first page, which begins it. So a tail of a log that rests is one record, not one
a second, and two tails do not feed each other: the records of their asking are shown like all
others, but do not count as something.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Page, Reader
from policyd.ledger.view import Found
from policyd.model.errors import Conflict, QueryRefused
from policyd.points.decision import Sender
from policyd.points.disclosed import Shown, shown
from policyd.search.condition import check_rights
from policyd.search.language import parse
from policyd.search.matching import matches
from policyd.search.query import Query

ASK = "tail"
"""How the record of an asking says that a tail asked."""

MOST_LOOKED_AT = 2_000
"""Records that one page of a query goes through, to find those it is about."""

_MARK = f'"ask":"{ASK}"'.encode()


@dataclass(frozen=True, slots=True)
class Since:
    """Records after number `cursor` that the query finds; a cursor that is None is at the end."""

    cursor: int | None
    limit: int
    query: str | None = None


class News(NamedTuple):
    """Records as their reader may see them.

    `cursor` asks for what comes after them; there is `more` of it already, or not. Of the stretch
    that was looked at, the `lost` records cannot be read, or were pruned.
    """

    records: list[Shown]
    cursor: int
    more: bool
    size: int
    lost: tuple[range, ...] = ()


class _Head(msgspec.Struct):
    kind: str
    ask: str | None = None


_head = msgspec.json.Decoder(_Head).decode


class TailPoint:
    """Shows what is new to auditors, on the record."""

    def __init__(
        self, reader: Reader, ledger: Ledger, levels: Callable[[], tuple[str, ...]]
    ) -> None:
        """Show the log of *ledger*, as *reader* sees it; *levels* of labels are the company's."""
        self._reader = reader
        self._ledger = ledger
        self._levels = levels

    async def news(self, by: Sender, since: Since) -> News:
        """What came since.

        Raises:
            QueryRefused: the query cannot be read, asks about what this key may not, or about
                outcomes, which come later than what they are about.
            Conflict: the log is not as long as the cursor says.
            LedgerUnavailable: the log cannot be read, or the asking not recorded.
        """
        query = await asyncio.to_thread(self._query, by, since.query)
        if since.cursor is None:
            size = self._ledger.size
            await self._note(by, since, [], range(size, size))
            return News([], size - 1, more=False, size=size)
        if since.cursor >= self._ledger.size:
            raise Conflict(
                f"the log has {self._ledger.size} records, so there is no record {since.cursor}:"
                " it is another log, or an older copy; begin anew",
                code="cursor-ahead",
            )
        page = await asyncio.to_thread(self._read, since)
        found, cursor = _chosen(page, since, query)
        if any(map(_is_news, found)):
            await self._note(by, since, found, range(since.cursor + 1, cursor + 1))
        records = await asyncio.to_thread(shown, self._reader, by.key, found)
        lost = _lost(page, range(since.cursor + 1, cursor + 1))
        return News(records, cursor, cursor < page.size - 1, page.size, lost)

    def _query(self, by: Sender, text: str | None) -> Query | None:
        if not text:
            return None
        now: datetime = self._ledger.stamp().at
        query = parse(text, now=now, levels=self._levels())
        for field, place in query.places.items():
            check_rights(field, by.key.roles, place)
            if field == "outcome":
                raise QueryRefused(
                    "what becomes of a call is not known while its record is new: ask for"
                    " `kind:outcome` and its `status` here, or search for `outcome`",
                    column=place.column,
                    length=place.length,
                    code="query-not-live",
                )
        return query

    def _read(self, since: Since) -> Page:
        limit = MOST_LOOKED_AT if since.query else since.limit
        cursor = None if since.cursor == -1 else since.cursor
        return self._reader.page(limit=limit, cursor=cursor, newest_first=False)

    async def _note(self, by: Sender, since: Since, found: Sequence[Found], of: range) -> None:
        options = {"limit": str(since.limit)}
        if since.cursor is not None:
            options["cursor"] = str(since.cursor)
        query = record.Query(
            **record.stamped(self._ledger.stamp()),
            caller=record.Caller(key=by.key.id, address=by.address),
            text=since.query or "",
            rows=len(found),
            ask=ASK,
            options=options,
            role="auditor" if by.key.has_role("auditor") else "admin",
            first=of.start,
            end=of.stop,
            size=self._ledger.size,
        )
        await self._ledger.append([record.encode(query)], is_urgent=True)


def _chosen(page: Page, since: Since, query: Query | None) -> tuple[list[Found], int]:
    """The records that are wanted, and the number of the last one that was looked at."""
    end = page.size - 1 if page.cursor is None else page.cursor
    if query is None:
        return page.records, end
    found: list[Found] = []
    for each in page.records:
        if matches(query, msgspec.json.decode(each.leaf), index=each.seq):
            found.append(each)
            if len(found) == since.limit:
                return found, each.seq
    return found, end


def _lost(page: Page, looked_at: range) -> tuple[range, ...]:
    """What was looked at and is not there: lost, or pruned before anybody saw it."""
    clipped = [
        range(max(each.start, looked_at.start), min(each.stop, looked_at.stop))
        for each in page.lost
    ]
    lost = [each for each in clipped if each]
    seen = [each.seq for each in page.records] + [each.start for each in page.lost]
    first = min(seen, default=looked_at.stop)
    if looked_at.start < first:
        lost.insert(0, range(looked_at.start, first))
    return tuple(lost)


def _is_news(found: Found) -> bool:
    """Whether it is no record of a tail's own asking."""
    if _MARK not in found.leaf:
        return True
    head = _head(found.leaf)
    return head.kind != "query" or head.ask != ASK
