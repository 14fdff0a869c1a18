"""Ledger: the server's side of the log; a record is durable when its future resolves."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from policyd.ledger.folder import DataFolder
from policyd.ledger.frames import (
    MAX_BATCH,
    Act,
    Aside,
    Committed,
    Disclosure,
    Failed,
    Forget,
    Ready,
    Replies,
    Reply,
    Sweep,
    frame,
)
from policyd.ledger.personal import Personal
from policyd.ledger.record import time_of
from policyd.ledger.shelf import LEVEL
from policyd.ledger.stamp import Stamp, Stamper, moment
from policyd.ledger.waiting import Waiting
from policyd.model.errors import DataFolderError, LedgerStalled, LedgerUnavailable


@dataclass(frozen=True, slots=True)
class Options:
    """How the ledger runs.

    Attributes:
        clock: The machine's time, aware.
        records: How many may wait to be committed.
        bytes: How many bytes of them.
        patience_s: How long those wait who are in a hurry, and when no more are let in.
        observe: Told of each commit: how many records, how many seconds.
        level: Of the tile with one hash for each segment; see `shelf`.
        personal: What is personal in a record, if anything is named.
    """

    clock: Callable[[], datetime]
    records: int = 4096
    bytes: int = 16 * 1024 * 1024
    patience_s: float = 5.0
    observe: Callable[[int, float], None] = lambda _records, _seconds: None
    level: int = LEVEL
    personal: Personal | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the ledger takes no more records: a stable code, and what to do about it."""

    code: str
    message: str


_DIED = Failure(
    "ledger-writer-ended",
    "the ledger's writer process has ended unexpectedly: see its last line in the log, "
    "then restart policyd",
)
_CLOSED = Failure("ledger-closed", "the ledger is closed: policyd is shutting down")


class _Line(asyncio.Protocol):
    """The server's end of the socket pair."""

    def __init__(self, hear: Callable[[Reply], None], lost: Callable[[], None]) -> None:
        self._hear = hear
        self._lost = lost
        self._replies = Replies()

    def data_received(self, data: bytes) -> None:
        for reply in self._replies.feed(data):
            self._hear(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # the writer has said why, if it could
        self._lost()


class Ledger:
    """Hands records to the writer process, and says when they are durable.

    Belongs to one event loop. Once it has failed it stays so: a restart finds out what is on the
    disk.

    Attributes:
        size: Number of durable records.
        last_ts: Time of the last of them.
        last_commit_seconds: How long the last commit took.
        failure: Why nothing is taken any more; None while all is well.
    """

    def __init__(self, options: Options, writer: subprocess.Popen[bytes] | None = None) -> None:
        self.size = 0
        self.last_ts: str | None = None
        self.last_commit_seconds = 0.0
        self.failure: Failure | None = None
        self._options = options
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.WriteTransport
        self._stamper: Stamper
        self._waiting = Waiting(self._loop, options.patience_s)
        self._outbox: list[bytes] = []
        self._newest = ""  # time of the last record submitted

    @classmethod
    async def open(cls, folder: DataFolder, options: Options) -> Self:
        """The ledger of a locked data folder, with a writer process of its own.

        Raises:
            DataFolderError: the writer cannot use the ledger, with a code that says why.
        """
        near, far = socket.socketpair()
        with far:
            command = [sys.executable, "-P", "-m", "policyd.ledger.writer"]
            writer = subprocess.Popen(  # noqa: ASYNC220, S603 - a moment at start; our own program
                [*command, str(far.fileno()), str(folder.path), str(options.level)],
                stdin=subprocess.DEVNULL,
                # The writer holds the lock too: while it commits, no other server may start.
                pass_fds=(far.fileno(), folder.lock_fd),
            )
        return await cls.attach(near, options, writer)

    @classmethod
    async def attach(
        cls,
        pipe: socket.socket,
        options: Options,
        writer: subprocess.Popen[bytes] | None = None,
    ) -> Self:
        """The ledger whose writer is at the other end of *pipe*.

        Raises:
            DataFolderError: as `open`.
        """
        ledger = cls(options, writer)
        ledger._transport, _ = await ledger._loop.create_unix_connection(
            lambda: _Line(ledger._hear, ledger._lost), sock=pipe
        )
        try:
            await ledger._ready
        except DataFolderError:
            await ledger.close()
            raise
        return ledger

    @property
    def writer_pid(self) -> int | None:
        """Process id of the writer, if it is a process of its own."""
        return self._writer.pid if self._writer else None

    @property
    def clock_behind(self) -> timedelta:
        """How far the clock is behind the last record or stamp; beyond 5 s nothing is stamped."""
        return self._stamper.behind

    def stamp(self) -> Stamp:
        """The stamp of the next record; its time is the decision's `now`.

        Submit the record in the same turn of the event loop: the log is in order of time.

        Raises:
            ClockBehind: the clock is too far behind the last record.
        """
        return self._stamper.draw()

    @property
    def stall(self) -> LedgerStalled | None:
        """Why nothing more is taken for the moment, if the disk has not answered for long."""
        return self._waiting.stall

    def submit(
        self, records: Sequence[bytes], act: Act | None = None, *, is_urgent: bool = False
    ) -> asyncio.Future[int]:
        """A future of the first record's index, done once all of them are durable.

        They are committed together. Cancelling the future does not take them back.

        Args:
            records: One or more, at most 512, in the order of their stamps.
            act: What the first of them is the record of, to be done in the same transaction.
            is_urgent: Whoever waits for them is told if that takes long: only where nothing but
                an answer follows from them, since they may become durable later.

        Raises:
            LedgerUnavailable: there is not room for all of them, the ledger has failed, or its
                disk does not answer; none of them was taken. Set on the future, it means that
                nothing is known of them; a LedgerStalled, that they may become durable yet.
            ValueError: too many at once, or out of order.
        """
        if not 0 < len(records) <= MAX_BATCH:
            raise ValueError(f"submit 1 to {MAX_BATCH} records at once, not {len(records)}")
        records, disclosures = self._hide(records)
        size = sum(map(len, records))
        self._check_room(len(records), size)
        self._newest = self._in_order(records)
        aside = Aside(disclosures, act) if disclosures or act else None
        return self._enqueue(frame(records, aside), len(records), size, is_urgent=is_urgent)

    async def append(
        self, records: Sequence[bytes], act: Act | None = None, *, is_urgent: bool = False
    ) -> int:
        """Index of the first of *records*, once all of them are durable; see `submit`."""
        return await self.submit(records, act, is_urgent=is_urgent)

    @property
    def queue_depth(self) -> int:
        """Number of records that wait."""
        return self._waiting.depth

    @property
    def submitted(self) -> int:
        """Number of records that are durable or wait to be: the next one's index."""
        return self.size + self.queue_depth

    async def settled(self) -> None:
        """Wait until all that was submitted so far is durable.

        Raises:
            LedgerUnavailable: the ledger has failed.
        """
        if self.failure:
            raise LedgerUnavailable(self.failure.message)
        await self._waiting.settled()

    async def sweep(self, most: int) -> None:
        """Remove so many records that were pruned; done once they are gone.

        Raises:
            LedgerUnavailable: the ledger has failed.
        """
        self._check_room(0, 0)
        await self._enqueue(frame([], Aside(act=Sweep(most))), 0, 0)

    def forget(self, number: int) -> None:
        """Let the records of a sealed segment leave the ledger's file, in the writer's own time.

        It does so if it finds the segment good, and the oldest records in it; otherwise it says
        why not, in the log of the server.
        """
        if not self.failure:
            self._enqueue(frame([], Aside(act=Forget(number))), 0, 0)

    async def close(self) -> None:
        """Wait until what was submitted is durable, and end the writer."""
        if not self._ended.done():
            self._send()
            self.failure = self.failure or _CLOSED
            if not self._transport.is_closing():
                self._transport.write_eof()
            await self._ended
        if self._writer:
            await asyncio.to_thread(self._writer.wait)

    def _hide(self, records: Sequence[bytes]) -> tuple[Sequence[bytes], tuple[Disclosure, ...]]:
        """The records as they go into the log, and what of them is kept beside it."""
        personal = self._options.personal
        if personal is None:
            return records, ()
        hidden = [personal.hide(each) for each in records]
        disclosures = tuple(
            Disclosure(at, number, data)
            for at, (_, found) in enumerate(hidden)
            for number, data in enumerate(found)
        )
        return [leaf for leaf, _ in hidden], disclosures

    def _enqueue(
        self, data: bytes, records: int, size: int, *, is_urgent: bool = False
    ) -> asyncio.Future[int]:
        """Send a frame with the others of this turn of the loop."""
        durable = self._waiting.add(records, size, self._newest, is_urgent=is_urgent)
        if not self._outbox:
            self._loop.call_soon(self._send)
        self._outbox.append(data)
        return durable

    def _check_room(self, records: int, size: int) -> None:
        if self.failure:
            raise LedgerUnavailable(self.failure.message)
        if stall := self.stall:
            raise LedgerUnavailable(stall.message)
        free = self._options.records - self.queue_depth
        if records > free or size > self._options.bytes - self._waiting.bytes:
            raise LedgerUnavailable(
                f"the ledger's queue has no room for {records} more records of {size:,} bytes "
                f"({free} places are free): try again in a moment"
            )

    def _in_order(self, records: Sequence[bytes]) -> str:
        """Time of the last of *records*, none of which is older than what came before it."""
        newest = self._newest
        for record in records:
            ts = time_of(record)
            if ts < newest:
                raise ValueError(f"a record of {ts} after one of {newest}: stamp, then submit")
            newest = ts
        return newest

    def _send(self) -> None:
        """Send all frames of this turn of the loop at once."""
        self._transport.write(b"".join(self._outbox))
        self._outbox.clear()

    def _hear(self, reply: Reply) -> None:
        match reply:
            case Ready():
                self.size, self.last_ts = reply.size, reply.last_ts
                self._newest = reply.last_ts or ""
                last = moment(reply.last_ts) if reply.last_ts else None
                self._stamper = Stamper(last, self._options.clock)
                self._ready.set_result(None)
            case Committed():
                self._release(reply)
            case Failed():
                self._fail(Failure(reply.code, reply.message))

    def _release(self, reply: Committed) -> None:
        """Resolve the futures of the frames that are durable now."""
        first = self.size
        for _ in range(reply.frames):
            done = self._waiting.release(self.size)
            self.size += done.records
            self.last_ts = done.last_ts
        self.last_commit_seconds = reply.seconds
        self._options.observe(self.size - first, reply.seconds)

    def _lost(self) -> None:
        """The writer is gone; what it has not said, it will not say any more."""
        self._fail(_DIED)
        self._ended.set_result(None)

    def _fail(self, failure: Failure) -> None:
        """Take nothing any more, and tell everyone who waits."""
        self.failure = self.failure or failure
        if not self._ready.done():
            self._ready.set_exception(DataFolderError(failure.message, code=failure.code))
        self._outbox.clear()
        self._waiting.fail(failure.message)
