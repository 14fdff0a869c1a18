"""A bare ASGI application: reads a call into typed values and writes it back, no more."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec


class Entity(msgspec.Struct):
    """A subject or a resource."""

    type: str
    id: str


class Action(msgspec.Struct):
    """What is to be done."""

    name: str


class Call(msgspec.Struct):
    """The body of a check."""

    subject: Entity
    action: Action
    resource: Entity
    context: dict[str, Any]


_decode = msgspec.json.Decoder(Call).decode
_encode = msgspec.json.Encoder().encode


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer a POST with what it said."""
    assert scope["type"] == "http"
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    said = _encode(_decode(body))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(said)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})
