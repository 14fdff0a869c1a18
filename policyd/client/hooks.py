"""Hooks that check every request of an HTTP library, redirects included.

Duck-typed: no library is imported. httpx and httpx2 call event hooks on every hop, which they do
not do with `auth=`; requests sends every hop through the adapter that is mounted for its URL.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Check = Callable[[str, str], None]
CheckSoon = Callable[[str, str], Awaitable[None]]


class HttpxRequest(Protocol):
    """What a hook needs of a request of httpx or httpx2."""

    @property
    def method(self) -> str:
        """Of HTTP."""
        ...

    @property
    def url(self) -> Any:  # noqa: ANN401 - of httpx, or of httpx2
        """Where it goes; its text is the URL."""
        ...


Hooks = dict[str, list[Callable[..., Any]]]


def httpx_hooks(check: Check) -> Hooks:
    """`event_hooks` for a client."""

    def checked(request: HttpxRequest) -> None:
        check(_url(request), request.method)

    return {"request": [checked]}


def async_httpx_hooks(check: CheckSoon) -> Hooks:
    """`event_hooks` for an async client."""

    async def checked(request: HttpxRequest) -> None:
        await check(_url(request), request.method)

    return {"request": [checked]}


def _url(request: HttpxRequest) -> str:
    """With the host in ASCII and without a fragment, as it goes on its way."""
    return str(request.url)


class RequestsSession(Protocol):
    """What is needed of a session of requests."""

    adapters: Any

    def mount(self, prefix: str, adapter: Any) -> None:  # noqa: ANN401 - an adapter of requests
        """Use *adapter* for URLs that start with *prefix*."""
        ...


class GuardedAdapter:
    """An adapter of requests that checks each request before another one sends it."""

    def __init__(self, inner: Any, check: Check) -> None:  # noqa: ANN401 - an adapter of requests
        self._inner = inner
        self._check = check

    def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - types of requests
        """The response to *request*, if it may be sent."""
        self._check(request.url, request.method)
        return self._inner.send(request, **options)

    def close(self) -> None:
        """Close the inner one."""
        self._inner.close()


def guard_session(session: RequestsSession, check: Check) -> None:
    """Put a guard before every adapter of *session*."""
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, GuardedAdapter(adapter, check))
