"""Webhook: the log, record by record, to another system, as it grows; each at least once.

Batches of CloudEvents are posted in the order of the log, one at a time, signed as Standard
Webhooks 1.0.0 has it. The outbox moves on only after an answer of 2xx, so after any crash a batch
comes again rather than not at all; `id` and `source` of an event tell that it did. Nothing waits
for it: whoever does not take its batches falls behind, and that is told.

What is kept apart of records is never sent.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx2
import structlog

from policyd.forms import cloudevents
from policyd.forms.entry import Entry
from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Page, Reader
from policyd.model.errors import PolicydError
from policyd.points.outbox import Outbox

log = structlog.get_logger(__name__)
BATCH = 100
"""Records in one request, at most."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Hook(NamedTuple):
    """Where records are sent, and the secret that requests are signed with."""

    url: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks at the log, for one request, and until it is tried again.

    What fails is tried again after `first_s`, then after twice as long, up to `most_s`.
    """

    look_s: float = 1.0
    patience_s: float = 15.0
    first_s: float = 1.0
    most_s: float = 300.0

    def delay_s(self, failures: int) -> float:
        """Seconds at most until the next try, after so many failures before this one."""
        return min(self.most_s, self.first_s * 2.0 ** min(failures, 32))


class Source(NamedTuple):
    """The log that is sent: its name, who writes it, and who reads it."""

    origin: str
    ledger: Ledger
    reader: Reader


class _Batch(NamedTuple):
    """Events up to before record *end*, as one body."""

    first: int
    end: int
    body: bytes

    @property
    def id(self) -> str:
        """The same however often it is sent; another one, if what is sent differs."""
        return f"{self.first}-{self.end}-{hashlib.sha256(self.body).hexdigest()[:32]}"


class Webhook:
    """Sends the log to one receiver; a context manager that closes its connections.

    Args:
        hook: The receiver.
        source: The log.
        outbox: How far it has got.
        draw: A random number from 0 to 1, so that many senders do not come back at once.

    Attributes:
        trouble: Why the receiver does not take what it is sent; None while it does.
    """

    def __init__(
        self,
        hook: Hook,
        source: Source,
        outbox: Outbox,
        draw: Callable[[], float],
        pace: Pace = Pace(),
    ) -> None:
        self.trouble: PolicydError | None = None
        self._hook = hook
        self._source = source
        self._outbox = outbox
        self._draw = draw
        self._pace = pace
        is_near = urlsplit(hook.url).hostname in _LOOPBACK
        self._client = httpx2.AsyncClient(timeout=None, trust_env=not is_near)

    async def __aenter__(self) -> Self:
        """The webhook, whose connections end with the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

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
        place = urlsplit(self._hook.url)
        # The rest of a URL may be a secret.
        target = f"{place.scheme}://{place.hostname}" + (f":{place.port}" if place.port else "")
        stamped = record.stamped(ledger.stamp())
        said = record.Admin(**stamped, act="webhook-started", target=target, by="settings")
        await ledger.append([record.encode(said)])

    async def run(self) -> None:
        """Send what is new, until cancelled; what goes wrong is told and tried again."""
        failures = 0
        while True:
            try:
                while batch := await self._next():
                    await self._send(batch)
                    await asyncio.to_thread(self._outbox.advance, batch.end)
                    self._say_trouble(None)
                    failures = 0
                wait_s = self._pace.look_s
            except (PolicydError, OSError, httpx2.HTTPError, TimeoutError) as error:
                self._say_trouble(error)
                wait_s = self._pace.delay_s(failures) * (0.5 + self._draw() / 2)
                failures += 1
            await asyncio.sleep(wait_s)

    async def _next(self) -> _Batch | None:
        """What comes next; None if the receiver has all there is."""
        if not self.lag:
            return None
        return await asyncio.to_thread(self._read)

    def _read(self) -> _Batch | None:
        first, reader = self._outbox.next, self._source.reader
        cursor = first - 1 if first else None
        page = reader.page(limit=BATCH, cursor=cursor, newest_first=False)
        end = page.size if page.cursor is None else page.cursor + 1
        events = list(_events(self._source.origin, first, end, page))
        return _Batch(first, end, cloudevents.batch(events)) if events else None

    async def _send(self, batch: _Batch) -> None:
        """Post a batch.

        Raises:
            PolicydError: the receiver does not take it.
            HTTPError: it cannot be reached.
            TimeoutError: it does not answer in time.
        """
        at = self._source.ledger.stamp().at
        headers = signature(self._hook.key, batch.id, at, batch.body)
        headers["Content-Type"] = cloudevents.BATCH
        async with (
            asyncio.timeout(self._pace.patience_s),
            self._client.stream(
                "POST", self._hook.url, content=batch.body, headers=headers
            ) as answer,
        ):
            if not answer.is_success:  # what it says beyond that is not read
                raise PolicydError(f"it answers {answer.status_code}", code="webhook-refused")

    def _say_trouble(self, error: Exception | None) -> None:
        """Keep what keeps the receiver from taking more; told once, and once it is over."""
        if error is None:
            if self.trouble:
                log.info("webhook-goes-on", lag=self.lag)
            self.trouble = None
            return
        said = str(error) or f"no answer within {self._pace.patience_s:g} s"
        code = error.code if isinstance(error, PolicydError) else "webhook-unreachable"
        if self.trouble is None or self.trouble.code != code:
            log.warning(code, why=said, lag=self.lag)
        self.trouble = PolicydError(
            f"the webhook has not taken {self.lag} records: {said};"
            " they are sent when it does, see its host's log",
            code=code,
        )


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


def signature(key: bytes, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a body sent at that time (Standard Webhooks 1.0.0, symmetric)."""
    seconds = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.digest(key, signed, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


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
