"""Searching the log: who may see what of it, and that they asked, is settled here.

The search process finds numbers of records and counts. The records themselves are read as ever and
held to the tree, and every question is a record before it is answered.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import timestamp
from policyd.ledger.view import Found
from policyd.model.errors import QueryRefused
from policyd.model.keys import Key
from policyd.points.cursors import Cursor, Cursors, digest
from policyd.points.decision import Sender
from policyd.points.disclosed import Shown, shown
from policyd.points.publication import Publication, Published
from policyd.search import asking
from policyd.search.process import Search

LONGEST_QUERY = 4096
"""Characters of a query; in JSON it has at most twice as many bytes, to fit into a record."""

READING = ("auditor", "admin", "builder")
"""Roles that may search, the one that shows most first."""

_Found = TypeVar("_Found", bound=asking.Count)
_Found_co = TypeVar("_Found_co", bound=asking.Count, covariant=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records a question is about: those a query finds, from `after` on, before `before`."""

    query: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is a query, if only an empty one."""
        return self.query is not None

    @property
    def text(self) -> str:
        """The query; an empty one finds all records."""
        return self.query or ""

    def options(self) -> dict[str, str]:
        """What was said besides the query, for the record of the asking."""
        said = {"after": self.after, "before": self.before}
        return {name: timestamp(each) for name, each in said.items() if each is not None}


class Whole(NamedTuple, Generic[_Found_co]):
    """An answer and what it is about: a log of `size`, by its `checkpoint`, as of `now`."""

    found: _Found_co
    size: int
    checkpoint: str
    now: str


class Frozen(NamedTuple):
    """A page of what was found, as its reader may see it.

    `cursor` asks for this very page again, `next_cursor` for the one after it. The first page has
    the `checkpoint` of the log it is about.
    """

    records: list[Shown]
    seen: asking.Seen
    lost: tuple[range, ...]
    size: int
    now: str
    cursor: str
    next_cursor: str | None
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class Log:
    """What is asked about: the log, who reads it, and what is published of it."""

    ledger: Ledger
    reader: Reader
    publication: Publication


class SearchPoint:
    """Answers questions about many records, to those who may ask, on the record."""

    def __init__(
        self, log: Log, search: Search, levels: Callable[[], tuple[str, ...]], secret: bytes
    ) -> None:
        """Ask *search* about *log*; *levels* of labels are the company's, lowest first.

        Cursors are signed with *secret*.
        """
        self._log = log
        self._search = search
        self._levels = levels
        self._cursors = Cursors(secret)

    async def prepare(self) -> None:
        """Make ready for the first question."""
        await self._search.prepare()

    async def page(
        self, by: Sender, asked: Asked, limit: int, cursor: str | None, *, newest_first: bool
    ) -> Frozen:
        """A page of what a query finds.

        Raises:
            QueryRefused: it cannot be read, or asks about what this key may not.
            QuestionRefused: the cursor is forged, or of another question.
            SearchUnavailable: too many ask, or the search process failed.
            LedgerUnavailable: the log cannot be read, or the asking not recorded.
        """
        _check_length(asked.text)
        bounds, levels = bounds_of(by.key), self._levels()
        question = digest(asked.text, asked.options(), newest_first, bounds, levels)
        note = None
        if cursor is None:
            published = await self._published()
            place = Cursor(question, published.size, self._now())
            note = published.note
        else:
            place = self._cursors.read(cursor, question)
        scope = self._scope(by.key, asked, place.size, place.now)
        page = asking.Page(scope, limit, place.last, newest_first)
        found = await self._search.ask(page, asking.PageFound)
        rows = (Found(*each) for each in found.records)
        good, bad = await asyncio.to_thread(self._log.reader.vouched, rows)
        options = asked.options() | {"order": "newest" if newest_first else "oldest"}
        options |= {"limit": str(limit)} | (
            {} if place.last is None else {"cursor": str(place.last)}
        )
        await self._note(by, ("page", asked.text, options), found.seen, len(good), place.size)
        seen = await asyncio.to_thread(shown, self._log.reader, by.key, good)
        following = None
        if found.cursor is not None:
            following = msgspec.structs.replace(place, last=found.cursor)
        return Frozen(
            records=seen,
            seen=found.seen,
            lost=_lost(found.seen, bad),
            size=place.size,
            now=place.now,
            cursor=self._cursors.write(place),
            next_cursor=self._cursors.write(following) if following else None,
            checkpoint=note,
        )

    async def facets(
        self, by: Sender, asked: Asked, fields: tuple[str, ...], most: int
    ) -> Whole[asking.FacetsFound]:
        """How many records have which values; raises as `page`."""
        made = partial(asking.Facets, fields=fields, most=most)
        options = {"fields": ",".join(fields), "size": str(most)}
        return await self._count(by, asked, made, asking.FacetsFound, options)

    async def histogram(
        self, by: Sender, asked: Asked, buckets: int, field: str | None
    ) -> Whole[asking.HistogramFound]:
        """How many records there are over time; raises as `page`."""
        made = partial(asking.Histogram, buckets=buckets, by=field)
        options = {"buckets": str(buckets)} | ({"by": field} if field else {})
        return await self._count(by, asked, made, asking.HistogramFound, options)

    async def flows(
        self, by: Sender, asked: Asked, wanted: asking.Ways
    ) -> Whole[asking.FlowsFound]:
        """Which data goes from where to where; raises as `page`."""
        made = partial(asking.Flows, ways=wanted)
        options = {"size": str(wanted.most)}
        if wanted.dataset:
            direction = "up" if wanted.upstream else "down"
            options |= {"dataset": wanted.dataset, "direction": direction}
            options |= {"depth": str(wanted.depth)}
        return await self._count(by, asked, made, asking.FlowsFound, options)

    async def pairing(
        self, by: Sender, asked: Asked, field: str, most: int
    ) -> Whole[asking.PairingFound]:
        """What became of what was decided, by the values of a field; raises as `page`."""
        made = partial(asking.Pairing, by=field, most=most)
        options = {"by": field, "size": str(most)}
        return await self._count(by, asked, made, asking.PairingFound, options)

    async def _count(
        self,
        by: Sender,
        asked: Asked,
        made: Callable[[asking.Scope], asking.Question],
        kind: type[_Found],
        options: dict[str, str],
    ) -> Whole[_Found]:
        _check_length(asked.text)
        published, now = await self._published(), self._now()
        question = made(self._scope(by.key, asked, published.size, now))
        found = await self._search.ask(question, kind)
        name = type(question).__name__.lower()
        said = (name, asked.text, asked.options() | options)
        await self._note(by, said, found.seen, found.rows, published.size)
        return Whole(found, published.size, published.note, now)

    async def _published(self) -> Published:
        """The checkpoint of the log as it is now; with witnesses, who may be slow, the newest."""
        publication = self._log.publication
        if publication.waits_for_witnesses:
            return publication.newest
        return await publication.covering(self._log.ledger.size)

    def _now(self) -> str:
        return self._log.ledger.stamp().ts

    def _scope(self, key: Key, asked: Asked, size: int, now: str) -> asking.Scope:
        return asking.Scope(
            text=asked.text,
            now=now,
            levels=self._levels(),
            roles=tuple(sorted(key.roles)),
            size=size,
            seconds=self._search.allowance.seconds,
            after=timestamp(asked.after) if asked.after else None,
            before=timestamp(asked.before) if asked.before else None,
            bounds=bounds_of(key),
        )

    async def _note(
        self,
        by: Sender,
        said: tuple[str, str, Mapping[str, str]],
        seen: asking.Seen,
        rows: int,
        size: int,
    ) -> None:
        ask, text, options = said
        query = record.Query(
            **record.stamped(self._log.ledger.stamp()),
            caller=record.Caller(key=by.key.id, address=by.address),
            text=text,
            rows=rows,
            ask=ask,
            options=options,
            role=next(each for each in READING if by.key.has_role(each)),
            first=seen.first,
            end=seen.end,
            size=size,
        )
        await self._log.ledger.append([record.encode(query)], is_urgent=True)


def _lost(seen: asking.Seen, bad: Sequence[Found]) -> tuple[range, ...]:
    """The stretches that cannot be read, and records whose bytes the tree does not vouch for."""
    alone = (range(each.seq, each.seq + 1) for each in bad)
    return (*(range(*each) for each in seen.lost), *alone)


def bounds_of(key: Key) -> asking.Bounds | None:
    """Whose decisions alone a key may see; None if it sees all records."""
    if key.reads_all:
        return None
    return asking.Bounds(tuple(sorted(key.units)), tuple(sorted(key.integrations)))


def _check_length(text: str) -> None:
    too_long = len(text) > LONGEST_QUERY or len(msgspec.json.encode(text)) > 2 * LONGEST_QUERY
    if too_long:
        raise QueryRefused(
            f"a query has at most {LONGEST_QUERY:,} characters: ask about a part at a time",
            column=LONGEST_QUERY + 1,
            code="query-too-long",
        )
