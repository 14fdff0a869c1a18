"""`POST /access/v1/evaluation` and `/evaluations`: the check API, on plain ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from policyd.api.checks import Answer, Checks, Head, Question
from policyd.api.headers import headers_of
from policyd.api.problems import problem
from policyd.model.errors import CallTooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Disconnected(Exception):
    """The client went away before its request was complete."""


class EvaluationEndpoint:
    """Carries checks over ASGI: works under any server."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; only a client that went away gets nothing."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        head = Head(scope["method"], scope["path"], headers_of(scope), address)
        try:
            status, headers, body = await self._answer(head, receive)
        except Disconnected:
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, head: Head, receive: Receive) -> Answer:
        sender = self._checks.admit(head)
        if isinstance(sender, Answer):
            return sender
        try:
            body = await read_body(receive, self._checks.max_body)
        except CallTooLarge as error:
            return self._checks.refuse(head, problem(error))
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._checks.put(Question(head, sender, body, partial(_tell, told)))
        return await told


def _tell(told: asyncio.Future[Answer], answer: Answer) -> None:
    if not told.done():  # a server that stops may have cancelled it
        told.set_result(answer)


async def read_body(receive: Receive, most: int) -> bytes:
    """The request's body.

    Raises:
        CallTooLarge: it is larger than *most* bytes; the rest is not read.
        Disconnected: the client went away.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > most:
            raise CallTooLarge(
                f"the body is larger than {most} bytes; send one call", code="body-too-large"
            )
    return b"".join(parts)
