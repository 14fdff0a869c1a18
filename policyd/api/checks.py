"""Checks: from the head and the body of a request to its answer, whatever carries them.

Source: OpenID AuthZEN Authorization API 1.0, sections 6, 7 and 10.
"""

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import structlog

from policyd.api.batch import Batch, batch_body, read_batch
from policyd.api.headers import Headers, echo, request_id
from policyd.api.identity import FindKey, caller
from policyd.api.problems import INTERNAL, Problem, problem
from policyd.api.wire import Asked, answer_body, read_call
from policyd.model.errors import CallMalformed, PolicydError
from policyd.points.decision import DecisionPoint, Item, Pending, Sender
from policyd.points.refusals import Refusals

P = ParamSpec("P")
T = TypeVar("T")
Header = tuple[bytes, bytes]

log = structlog.get_logger(__name__)
PATH = "/access/v1/evaluation"
BATCH_PATH = "/access/v1/evaluations"
PATHS = frozenset({PATH, BATCH_PATH})
JSON = (b"content-type", b"application/json")
_IN_FULL = ("author", "auditor", "admin")
_RECORDED_REFUSALS = range(400, 500)
_MAX_ADDRESS = 64  # a proxy passes on what it is sent


class Head(NamedTuple):
    """What a request says before its body."""

    method: str
    path: str
    headers: Headers
    address: str


class Answer(NamedTuple):
    """An HTTP response, with the headers that depend on the request and on what was decided."""

    status: int
    headers: list[Header]
    body: bytes


class Asking(NamedTuple):
    """A check whose answer waits for `pending.durable`."""

    pending: Pending
    asked: Asked | Batch
    in_full: bool


class Checks:
    """Answers checks in three steps: `admit`, `begin` with the body, and `answer` when durable.

    Each step may end with the answer, a refusal; no step raises.
    """

    def __init__(
        self,
        point: DecisionPoint,
        find_key: FindKey,
        refusals: Refusals,
        *,
        max_body: int,
        max_depth: int,
    ) -> None:
        self.max_body = max_body
        self._point = point
        self._find_key = find_key
        self._refusals = refusals
        self._max_depth = max_depth

    def admit(self, head: Head) -> Sender | Answer:
        """Who asks, from the head alone; what it refuses is refused without its body."""
        return self._or_refusal(head, self._sender, head)

    def begin(self, head: Head, sender: Sender, body: bytes) -> Asking | Answer:
        """The check in *body*, decided and on its way to the log."""
        return self._or_refusal(head, self._begin, head.path, sender, body)

    def answer(self, head: Head, asking: Asking) -> Answer:
        """The answer to a check whose `pending.durable` is done."""
        return self._or_refusal(head, self._answer, head, asking)

    def refuse(self, head: Head, told: Problem) -> Answer:
        """The answer that tells of a problem, which is counted."""
        if told.status in _RECORDED_REFUSALS:
            self._refusals.note(told.code, self._key_id(head), head.address[:_MAX_ADDRESS])
        allow = [(b"allow", b"POST")] if told.status == 405 else []  # noqa: PLR2004 - RFC 9110, 15.5.6
        return _answered(head, told.status, [*told.headers(), *allow], told.body())

    def _or_refusal(
        self, head: Head, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | Answer:
        try:
            return step(*args, **kwargs)
        except PolicydError as error:
            return self.refuse(head, problem(error))
        except Exception:
            # The API's last resort: a fault of ours is told as one, and nothing is allowed by it.
            log.exception("internal-error", path=head.path)
            return self.refuse(head, INTERNAL)

    def _sender(self, head: Head) -> Sender:
        headers = head.headers
        named = request_id(headers)
        if head.method != "POST":
            raise CallMalformed("a check is sent with POST", code="method-not-allowed")
        key = caller(headers.get(b"authorization"), self._find_key)
        _demand_json(headers.get(b"content-type", b""))
        return Sender(key, head.address[:_MAX_ADDRESS], named)

    def _begin(self, path: str, sender: Sender, body: bytes) -> Asking:
        key = sender.key
        read = read_batch if path == BATCH_PATH else read_call
        asked = read(body, max_depth=self._max_depth, key_supports=key.supported_obligations)
        if isinstance(asked, Asked):
            pending = self._point.begin(sender, asked.call)
        else:
            items = [Item(each.asked.call, each.error is None) for each in asked.items]
            pending = self._point.begin_all(sender, items, asked.stop)
        return Asking(pending, asked, key.has_role(*_IN_FULL))

    def _answer(self, head: Head, asking: Asking) -> Answer:
        pending, asked, in_full = asking
        self._point.settle(pending)
        if isinstance(asked, Asked):
            body = answer_body(pending.decisions[0], asked.include, in_full=in_full)
        else:
            body = batch_body(asked.items, pending.decisions, in_full=in_full)
        return _answered(head, 200, [JSON, (b"x-decision-id", pending.id.encode())], body)

    def _key_id(self, head: Head) -> str:
        """The id of a good key, or empty: what an unknown key claims to be is not recorded."""
        try:
            return caller(head.headers.get(b"authorization"), self._find_key).id
        except PolicydError:
            return ""


def _answered(head: Head, status: int, headers: list[Header], body: bytes) -> Answer:
    headers += ((b"content-length", b"%d" % len(body)), *echo(head.headers))
    return Answer(status, headers, body)


def _demand_json(content_type: bytes) -> None:
    if content_type == b"application/json":
        return
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise CallMalformed("send the call with `Content-Type: application/json`")
