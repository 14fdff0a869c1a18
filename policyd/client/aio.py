"""The client for asyncio: the plain one, with its waiting done in threads."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, Unpack

from .grant import Grant
from .hooks import Hooks, async_httpx_hooks
from .obligations import Row
from .question import CallParts, Question
from .sync import Policyd


class AsyncGrant:
    """A `Grant` whose questions do not hold up the event loop."""

    def __init__(self, grant: Grant) -> None:
        """Wrap *grant*, whose attributes are at hand as `grant`."""
        self.grant = grant

    @property
    def decision_id(self) -> str | None:
        """Of the first decision; None if there was none."""
        return self.grant.decision_id

    def apply(self, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
        """As `Grant.apply`."""
        return self.grant.apply(rows)

    async def check_url(self, url: str, method: str | None = None) -> None:
        """As `Grant.check_url`."""
        await asyncio.to_thread(self.grant.check_url, url, method)

    def httpx_hooks(self) -> Hooks:
        """`event_hooks` for an async client of httpx or httpx2."""
        return async_httpx_hooks(self.check_url)


class AsyncPolicyd:
    """Asks one policyd server before calls run; `Policyd` says what it takes."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 2.0,
        on_unavailable: Literal["deny", "allow"] = "deny",
        tokenise_with: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policyd = Policyd(
            url,
            key,
            timeout=timeout,
            on_unavailable=on_unavailable,
            tokenise_with=tokenise_with,
            tls=tls,
        )

    @asynccontextmanager
    async def allow(
        self, *, subject: str, action: str, data: str, **parts: Unpack[CallParts]
    ) -> AsyncIterator[AsyncGrant]:
        """As `Policyd.allow`; a block that is cancelled is reported as failed."""
        question = Question(subject=subject, action=action, data=data, **parts)
        grant = await asyncio.to_thread(self._policyd.open, question)
        try:
            yield AsyncGrant(grant)
        except BaseException as error:
            await asyncio.to_thread(self._policyd.fail, grant, error)
            raise
        await asyncio.to_thread(self._policyd.finish, grant)
