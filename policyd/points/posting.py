"""Posting: signed bodies to one receiver, each until it is taken.

They are signed as Standard Webhooks 1.0.0 has it. What fails is told once and tried again, less and
less often; nothing waits for it.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx2
import structlog

from policyd.model.errors import PolicydError

log = structlog.get_logger(__name__)

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Hook(NamedTuple):
    """Where something is sent, and the secret that requests are signed with."""

    url: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks for what is new, for one request, and until it is tried again.

    What fails is tried again after `first_s`, then after twice as long, up to `most_s`.
    """

    look_s: float = 1.0
    patience_s: float = 15.0
    first_s: float = 1.0
    most_s: float = 300.0

    def delay_s(self, failures: int) -> float:
        """Seconds at most until the next try, after so many failures before this one."""
        return min(self.most_s, self.first_s * 2.0 ** min(failures, 32))


USUAL = Pace()
"""For what is sent as it comes."""


class Body(NamedTuple):
    """What is posted; `head` is of the id, the rest of which is of the content."""

    head: str
    content_type: str
    data: bytes

    @property
    def id(self) -> str:
        """The same however often it is sent; another one, if what is sent differs."""
        return f"{self.head}-{hashlib.sha256(self.data).hexdigest()[:32]}"


class Posting:
    """The way to one receiver; a context manager that closes its connections.

    Args:
        name: What posts, as it is told.
        hook: The receiver.
        draw: A random number from 0 to 1, so that many senders do not come back at once.
        pace: How fast.

    Attributes:
        trouble: Why the receiver does not take what it is sent; None while it does.
    """

    def __init__(self, name: str, hook: Hook, draw: Callable[[], float], pace: Pace) -> None:
        self.trouble: PolicydError | None = None
        self._name = name
        self._hook = hook
        self._draw = draw
        self._pace = pace
        self._failures = 0
        is_near = urlsplit(hook.url).hostname in _LOOPBACK
        self._client = httpx2.AsyncClient(timeout=None, trust_env=not is_near)

    async def __aenter__(self) -> Self:
        """The way there, whose connections end with the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def place(self) -> str:
        """Scheme, host and port of the receiver; the rest of its URL may be a secret."""
        place = urlsplit(self._hook.url)
        return f"{place.scheme}://{place.hostname}" + (f":{place.port}" if place.port else "")

    async def run(self, look: Callable[[], Awaitable[None]], left: Callable[[], str]) -> None:
        """Have what is new looked for and posted, until cancelled.

        Args:
            look: Looks, and posts what there is; what goes wrong is told, and it looks again.
            left: Tells what the receiver has not taken, as `3 records`.
        """
        while True:
            try:
                await look()
                wait_s = self._pace.look_s
            except (PolicydError, OSError, httpx2.HTTPError, TimeoutError) as error:
                self._say_trouble(error, left())
                wait_s = self._pace.delay_s(self._failures) * (0.5 + self._draw() / 2)
                self._failures += 1
            await asyncio.sleep(wait_s)

    async def post(self, body: Body, at: datetime) -> None:
        """Post a body at that time.

        Raises:
            PolicydError: the receiver does not take it.
            HTTPError: it cannot be reached.
            TimeoutError: it does not answer in time.
        """
        headers = signature(self._hook.key, body.id, at, body.data)
        headers["Content-Type"] = body.content_type
        async with (
            asyncio.timeout(self._pace.patience_s),
            self._client.stream(
                "POST", self._hook.url, content=body.data, headers=headers
            ) as answer,
        ):
            if not answer.is_success:  # what it says beyond that is not read
                raise PolicydError(f"it answers {answer.status_code}", code="webhook-refused")

    def go_on(self, left: str) -> None:
        """Say that the receiver has taken something, and that *left* is left."""
        if self.trouble:
            log.info("webhook-goes-on", webhook=self._name, left=left)
        self.trouble = None
        self._failures = 0

    def _say_trouble(self, error: Exception, left: str) -> None:
        """Keep what keeps the receiver from taking more; told once, and once it is over."""
        said = str(error) or f"no answer within {self._pace.patience_s:g} s"
        code = error.code if isinstance(error, PolicydError) else "webhook-unreachable"
        if self.trouble is None or self.trouble.code != code:
            log.warning(code, webhook=self._name, why=said, left=left)
        self.trouble = PolicydError(
            f"{self._name} has not taken {left}: {said};"
            " they are sent when it does, see its host's log",
            code=code,
        )


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
