"""Waiting: who waits for what was handed to the writer, and what is to be told if that is long."""

import asyncio
from collections import deque
from typing import Any, NamedTuple

from policyd.model.errors import LedgerStalled, LedgerUnavailable


class Waiter(NamedTuple):
    """A frame that was handed to the writer, and who waits for it.

    Attributes:
        last_ts: Time of its last record, or of the last one before it.
        since: When it was handed over, by the loop's clock.
        is_urgent: Whether whoever waits is told if it takes long.
    """

    durable: asyncio.Future[int]
    records: int
    bytes: int
    last_ts: str
    since: float
    is_urgent: bool


class Waiting:
    """All who wait, in the order of the writer; belongs to one event loop.

    Attributes:
        depth: Number of records that are waited for.
        bytes: Their bytes.

    Args:
        patience_s: How long those wait who are in a hurry.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, patience_s: float) -> None:
        self.depth = 0
        self.bytes = 0
        self._loop = loop
        self._patience_s = patience_s
        self._queue: deque[Waiter] = deque()
        self._done = 0  # frames
        self._settling: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._look: asyncio.TimerHandle | None = None

    @property
    def stall(self) -> LedgerStalled | None:
        """What is to be told while the first of them has waited for too long."""
        if not self._queue or self._loop.time() < self._queue[0].since + self._patience_s:
            return None
        return LedgerStalled(
            f"the disk of the ledger has not answered for {self._patience_s:g} s: what waits may"
            " be recorded yet, and nothing more is taken until it is; see to the disk"
        )

    def add(self, records: int, size: int, last_ts: str, *, is_urgent: bool) -> asyncio.Future[int]:
        """What the next in the queue waits for: so many records, of so many bytes."""
        durable: asyncio.Future[int] = self._loop.create_future()
        since = self._loop.time()
        self.depth += records
        self.bytes += size
        self._queue.append(Waiter(durable, records, size, last_ts, since, is_urgent))
        if self._look is None:
            self._look = self._loop.call_at(since + self._patience_s, self._tell)
        return durable

    def settled(self) -> asyncio.Future[None]:
        """Done once all who wait now are through, whoever of them goes away meanwhile."""
        settled: asyncio.Future[None] = self._loop.create_future()
        if self._queue:
            self._settling.append((self._done + len(self._queue), settled))
        else:
            settled.set_result(None)
        return settled

    def release(self, index: int) -> Waiter:
        """Tell the first of them that its records are durable, from *index* on."""
        done = self._queue.popleft()
        self.depth -= done.records
        self.bytes -= done.bytes
        if not done.durable.done():
            done.durable.set_result(index)
        self._done += 1
        while self._settling and self._settling[0][0] <= self._done:
            settled = self._settling.popleft()[1]
            if not settled.done():
                settled.set_result(None)
        return done

    def fail(self, message: str) -> None:
        """Tell everyone that nothing is known of their records, nor will be."""
        self.depth = self.bytes = 0
        futures: list[asyncio.Future[Any]] = [each.durable for each in self._queue]
        futures += (each for _, each in self._settling)
        self._queue.clear()
        self._settling.clear()
        for future in futures:
            if not future.done():
                future.set_exception(LedgerUnavailable(message))

    def _tell(self) -> None:
        """Tell those who are in a hurry and have waited too long; look again in time."""
        self._look = None
        if not self._queue:
            return
        if stall := self.stall:
            for each in self._queue:
                if each.is_urgent and not each.durable.done():
                    each.durable.set_exception(LedgerStalled(stall.message))
        due = self._queue[0].since + self._patience_s
        again = self._loop.time() + self._patience_s
        self._look = self._loop.call_at(again if stall else due, self._tell)
