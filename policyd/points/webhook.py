"""Webhook: the log, record by record, to another system, as it grows; each at least once.

Batches of CloudEvents are posted in the order of the log, one at a time. The outbox moves on only
after an answer of 2xx, so after any crash a batch comes again rather than not at all; `id` and
`source` of an event tell that it did. Nothing waits for it: whoever does not take its batches falls
behind, and that is told.

What is kept apart of records is never sent.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple, Self

from policyd.forms import cloudevents
from policyd.forms.entry import Entry
from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Page, Reader
from policyd.model.errors import PolicydError
from policyd.points.outbox import Outbox
from policyd.points.posting import USUAL, Body, Hook, Pace, Posting

BATCH = 100
"""Records in one request, at most."""


class Source(NamedTuple):
    """The log that is sent: its name, who writes it, and who reads it."""

    origin: str
    ledger: Ledger
    reader: Reader


class Webhook:
    """Sends the log to one receiver; a context manager that closes its connections.

    Args:
        hook: The receiver.
        source: The log.
        outbox: How far it has got.
        draw: A random number from 0 to 1, so that many senders do not come back at once.
        pace: How fast.
    """

    def __init__(
        self,
        hook: Hook,
        source: Source,
        outbox: Outbox,
        draw: Callable[[], float],
        pace: Pace = USUAL,
    ) -> None:
        self._source = source
        self._outbox = outbox
        self._posting = Posting("the webhook", hook, draw, pace)

    async def __aenter__(self) -> Self:
        """The webhook, whose connections end with the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._posting.__aexit__()

    @property
    def trouble(self) -> PolicydError | None:
        """Why the receiver does not take what it is sent; None while it does."""
        return self._posting.trouble

    @property
    def lag(self) -> int:
        """How many records of the log the receiver has not taken yet."""
        return max(0, self._source.ledger.size - self._outbox.next)

    async def record_start(self) -> None:
        """Record that the log is sent away, and to which host.

        Raises:
            LedgerUnavailable: it could not be recorded.
        """
        ledger = self._source.ledger
        stamped = record.stamped(ledger.stamp())
        said = record.Admin(
            **stamped, act="webhook-started", target=self._posting.place, by="settings"
        )
        await ledger.append([record.encode(said)])

    async def run(self) -> None:
        """Send what is new, until cancelled; what goes wrong is told and tried again."""
        await self._posting.run(self._look, self._left)

    def _left(self) -> str:
        return f"{self.lag} records"

    async def _look(self) -> None:
        """Send what there is, batch by batch."""
        while self.lag and (batch := await asyncio.to_thread(self._read)):
            body, end = batch
            await self._posting.post(body, self._source.ledger.stamp().at)
            await asyncio.to_thread(self._outbox.advance, end)
            self._posting.go_on(self._left())

    def _read(self) -> tuple[Body, int] | None:
        """What comes next, and the number of the record after it; None if nothing does."""
        first, reader = self._outbox.next, self._source.reader
        cursor = first - 1 if first else None
        page = reader.page(limit=BATCH, cursor=cursor, newest_first=False)
        end = page.size if page.cursor is None else page.cursor + 1
        events = list(_events(self._source.origin, first, end, page))
        if not events:
            return None
        return Body(f"{first}-{end}", cloudevents.BATCH, cloudevents.batch(events)), end


def sending(
    hook: tuple[str, bytes] | None, source: Source, place: Path, draw: Callable[[], float]
) -> AbstractAsyncContextManager[Webhook | None]:
    """What sends a log to a receiver, if there is one, from where the file at *place* says.

    Raises:
        DataFolderError: see `Outbox`.
    """
    if hook is None:
        return nullcontext()
    outbox = Outbox(place, source.origin, source.ledger.size)
    return Webhook(Hook(*hook), source, outbox, draw)


def _events(origin: str, first: int, end: int, page: Page) -> Iterator[bytes]:
    """The events of a page; in place of records that are lost or pruned, one that says so."""
    at = first
    for found in page.records:
        if found.seq > at:
            yield cloudevents.lost(origin, range(at, found.seq))
        yield cloudevents.event(Entry.of(origin, found.seq, found.leaf))
        at = found.seq + 1
    if at < end:
        yield cloudevents.lost(origin, range(at, end))
