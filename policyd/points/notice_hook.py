"""Notice hook: notices to another system, each at least once, as long as it is one.

They are CloudEvents, posted in batches. What was taken is kept in the registry, so after any crash
a batch comes again rather than not at all; the `id` of an event tells that it did.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict

from policyd.forms import cloudevents
from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.model.errors import PolicydError
from policyd.points.notices import NoticePoint
from policyd.points.posting import Body, Hook, Pace, Posting
from policyd.registry.notices import Noted, NoticeStore

DAYS = 14
"""Of what ends, what does within so many days is sent."""

BATCH = 100
"""Notices in one request, at most."""

PACE = Pace(look_s=10.0)
"""They are for people, who do not look every second."""


class NoticeHook:
    """Sends notices to one receiver.

    Args:
        hook: The receiver.
        origin: Name of the log of the server that sends.
        notices: Finds them.
        store: Knows which were sent.
        ledger: Tells the time.
        draw: A random number from 0 to 1, so that many senders do not come back at once.
        pace: How fast.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is another part
        self,
        hook: Hook,
        origin: str,
        notices: NoticePoint,
        store: NoticeStore,
        ledger: Ledger,
        draw: Callable[[], float],
        pace: Pace = PACE,
    ) -> None:
        self._origin = origin
        self._notices = notices
        self._store = store
        self._ledger = ledger
        self._posting = Posting("the webhook of notices", hook, draw, pace)
        self._unsent = 0
        self._is_on_record = False

    @property
    def trouble(self) -> PolicydError | None:
        """Why the receiver does not take what it is sent; None while it does."""
        return self._posting.trouble

    async def run(self) -> None:
        """Send what is new, until cancelled; what goes wrong is told and tried again."""
        async with self._posting:
            await self._posting.run(self._look, self._left)

    def _left(self) -> str:
        return f"{self._unsent} notices"

    async def _look(self) -> None:
        if not self._is_on_record:
            await self._record_start()
        found = await self._notices.list(DAYS)
        at = self._ledger.stamp().ts
        unsent = await asyncio.to_thread(self._store.unsent, found, at=at)
        self._unsent = len(unsent)
        for first in range(0, len(unsent), BATCH):
            batch = unsent[first : first + BATCH]
            await self._posting.post(self._body(batch), self._ledger.stamp().at)
            # A crash here has them sent again.
            await asyncio.to_thread(self._store.sent, batch, at=self._ledger.stamp().ts)
            self._unsent -= len(batch)
            self._posting.go_on(self._left())

    async def _record_start(self) -> None:
        """Record that notices are sent away, and to which host."""
        stamped = record.stamped(self._ledger.stamp())
        place = self._posting.place
        said = record.Admin(**stamped, act="notices-started", target=place, by="settings")
        await self._ledger.append([record.encode(said)])
        self._is_on_record = True

    def _body(self, batch: list[Noted]) -> Body:
        events = [
            cloudevents.notice(
                self._origin, f"{each.notice.id}-{each.at}", each.at, asdict(each.notice)
            )
            for each in batch
        ]
        return Body("notices", cloudevents.BATCH, cloudevents.batch(events))
