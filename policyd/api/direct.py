"""Checks straight from uvicorn's parser: no task, no scope and no event for each of them.

Only ordinary checks go this way: one POST with a good key and a short body of known length, on a
connection that waits for nothing else. Whatever is out of the ordinary is left to uvicorn and the
ASGI application, which also gives every answer this one gives, byte for byte.
"""

import asyncio
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from policyd.api.checks import PATHS, Answer, Checks, Head, Question
from policyd.api.headers import REQUEST_ID, headers_of
from policyd.points.decision import Sender

_PATHS = {path.encode(): path for path in PATHS}


class _Exchange(RequestResponseCycle):
    """A check in the place of uvicorn's cycle of one request, of which it has what is asked for.

    Attributes:
        response_complete: Until then, uvicorn lets requests that follow wait.
        keep_alive: Whether the connection stays open; uvicorn takes it back to shut down.
    """

    message_event = asyncio.Event()  # nobody waits for it
    sender: Sender

    def __init__(self, head: Head, *, keep_alive: bool) -> None:
        self.head = head
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.response_complete = False


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a short way for checks."""

    def __init__(
        self,
        checks: Checks,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Carry *checks*, and all else as uvicorn's protocol does."""
        super().__init__(config, server_state, app_state, _loop)
        self._checks = checks

    def on_headers_complete(self) -> None:
        """Take a check, if it is an ordinary one."""
        path = _PATHS.get(self.url)
        if path is None or not self._is_ordinary():
            super().on_headers_complete()
            return
        address = str(self.client[0]) if self.client else ""
        head = Head("POST", path, headers_of(self.scope), address)
        if not self._is_short(head):
            super().on_headers_complete()
            return
        exchange = _Exchange(head, keep_alive=self.parser.should_keep_alive())
        self.cycle = exchange
        sender = self._checks.admit(head)
        if isinstance(sender, Answer):
            self._release(exchange, sender)
        else:
            exchange.sender = sender

    def on_message_complete(self) -> None:
        """Begin the check, now that its body is there."""
        exchange = self.cycle
        if not isinstance(exchange, _Exchange):
            super().on_message_complete()
        elif not exchange.response_complete:
            release = partial(self._release, exchange)
            body = bytes(exchange.body)
            self._checks.put(Question(exchange.head, exchange.sender, body, release))

    def _is_ordinary(self) -> bool:
        """Whether a request for a check is a plain POST, and the connection waits for nothing."""
        return (
            self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)  # type: ignore[redundant-expr]  # None at first
            and not self.flow.write_paused
        )

    def _is_short(self, head: Head) -> bool:
        """Whether the body has a length that is told and that no flow control needs to see."""
        length = head.headers.get(b"content-length", b"")
        named = head.headers.get(REQUEST_ID, b"").decode("latin-1")
        return (
            length.isdigit()
            and int(length) <= min(HIGH_WATER_LIMIT, self._checks.max_body)
            and named.isprintable()  # uvicorn has its own answer to what cannot be sent back
        )

    def _release(self, exchange: _Exchange, answer: Answer) -> None:
        exchange.response_complete = True
        if self.transport.is_closing():
            return
        parts = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n" if exchange.keep_alive else b"connection: close\r\n\r\n", answer.body)
        self.transport.write(b"".join(parts))
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()
