"""`POST /access/v1/evaluation`: the check API, on plain ASGI.

Source: OpenID AuthZEN Authorization API 1.0, sections 6 and 10.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from policyd.api.batch import batch_body, read_batch
from policyd.api.headers import Headers, echo, headers_of, request_id
from policyd.api.identity import FindKey, caller
from policyd.api.problems import INTERNAL, Problem, problem
from policyd.api.wire import Asked, answer_body, read_call
from policyd.model.errors import CallMalformed, CallTooLarge, PolicydError
from policyd.points.decision import DecisionPoint, Item, Sender
from policyd.points.refusals import Refusals

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

log = structlog.get_logger(__name__)
PATH = "/access/v1/evaluation"
BATCH_PATH = "/access/v1/evaluations"
PATHS = frozenset({PATH, BATCH_PATH})
JSON = (b"content-type", b"application/json")
_IN_FULL = ("author", "auditor", "admin")
_RECORDED_REFUSALS = range(400, 500)


class Disconnected(Exception):
    """The client went away before its request was complete."""


class EvaluationEndpoint:
    """Answers one check: parse, ask the decision point, render."""

    def __init__(
        self,
        point: DecisionPoint,
        find_key: FindKey,
        refusals: Refusals,
        *,
        max_body: int,
        max_depth: int,
    ) -> None:
        self._point = point
        self._find_key = find_key
        self._refusals = refusals
        self._max_body = max_body
        self._max_depth = max_depth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; only a client that went away gets nothing."""
        headers = headers_of(scope)
        try:
            status, body, extra = await self._answer(scope, headers, receive)
        except Disconnected:
            return
        except PolicydError as error:
            status, body, extra = self._refuse(scope, headers, problem(error))
        except Exception:
            # The API's last resort: a fault of ours is told as one, and nothing is allowed by it.
            log.exception("internal-error", path=scope["path"])
            status, body, extra = self._refuse(scope, headers, INTERNAL)
        length = (b"content-length", str(len(body)).encode())
        start = {"type": "http.response.start", "status": status}
        await send(start | {"headers": [*extra, length, *echo(headers)]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive
    ) -> tuple[int, bytes, list[Header]]:
        named = request_id(headers)
        if scope["method"] != "POST":
            raise CallMalformed("a check is sent with POST", code="method-not-allowed")
        key = caller(headers.get(b"authorization"), self._find_key)
        _demand_json(headers.get(b"content-type", b""))
        sender = Sender(key, _address(scope), named)
        body = await read_body(receive, self._max_body)
        read = read_batch if scope["path"] == BATCH_PATH else read_call
        asked = read(body, max_depth=self._max_depth, key_supports=key.supported_obligations)
        in_full = key.has_role(*_IN_FULL)
        if isinstance(asked, Asked):
            recorded = await self._point.evaluate(sender, asked.call)
            body = answer_body(recorded.decision, asked.include, in_full=in_full)
            return 200, body, [JSON, (b"x-decision-id", recorded.id.encode())]
        items = [Item(each.asked.call, is_whole=each.error is None) for each in asked.items]
        batch = await self._point.evaluate_all(sender, items, asked.stop)
        body = batch_body(asked.items, batch.decisions, in_full=in_full)
        return 200, body, [JSON, (b"x-decision-id", batch.id.encode())]

    def _refuse(
        self, scope: Scope, headers: Headers, told: Problem
    ) -> tuple[int, bytes, list[Header]]:
        if told.status in _RECORDED_REFUSALS:
            self._refusals.note(told.code, self._key_id(headers), _address(scope))
        allow = [(b"allow", b"POST")] if told.status == 405 else []  # noqa: PLR2004 - RFC 9110, 15.5.6
        return told.status, told.body(), [*told.headers(), *allow]

    def _key_id(self, headers: Headers) -> str:
        """The id of a good key, or empty: what an unknown key claims to be is not recorded."""
        try:
            return caller(headers.get(b"authorization"), self._find_key).id
        except PolicydError:
            return ""


def _demand_json(content_type: bytes) -> None:
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise CallMalformed("send the call with `Content-Type: application/json`")


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0])[:64] if client else ""  # a proxy passes on what it is sent


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
