"""Checks: from the head and the body of a request to its answer, whatever carries them.

Source: OpenID AuthZEN Authorization API 1.0, sections 6, 7 and 10.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

import structlog

from policyd.api.batch import Batch, batch_body, read_batch
from policyd.api.headers import Headers, echo, request_id
from policyd.api.identity import FindKey, caller
from policyd.api.problems import INTERNAL, Problem, problem
from policyd.api.wire import Asked, Receipt, answer_body, read_call
from policyd.model.errors import CallMalformed, PolicydError
from policyd.points.decision import Ask, DecisionPoint, Item, Pending, Sender
from policyd.points.refusals import Refusals

P = ParamSpec("P")
T = TypeVar("T")
Header = tuple[bytes, bytes]
Prove = Callable[[int], Awaitable[tuple[str, bytes] | None]]
"""The receipt of the durable record at an index, and its leaf hash; None if it cannot be had."""

log = structlog.get_logger(__name__)
PATH = "/access/v1/evaluation"
BATCH_PATH = "/access/v1/evaluations"
PATHS = frozenset({PATH, BATCH_PATH})
JSON = (b"content-type", b"application/json")
_IN_FULL = ("author", "auditor", "admin")
_RECEIPT = "receipt"
_RECORDED_REFUSALS = range(400, 500)
TURN_BYTES = 32 * 1024
"""Bytes of bodies, about a hundred checks, from which on questions wait for the turn after."""

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


class Question(NamedTuple):
    """A whole request, admitted by its head; `release` is called with the answer, once."""

    head: Head
    sender: Sender
    body: bytes
    release: Callable[[Answer], None]


class Checks:
    """Answers checks in two steps: `admit`, and `put` with the body.

    Whatever happens there is an answer; nothing is raised.
    """

    def __init__(
        self,
        point: DecisionPoint,
        find_key: FindKey,
        refusals: Refusals,
        prove: Prove,
        *,
        max_body: int,
        max_depth: int,
    ) -> None:
        self.max_body = max_body
        self._point = point
        self._find_key = find_key
        self._refusals = refusals
        self._prove = prove
        self._proving: set[asyncio.Task[None]] = set()
        self._max_depth = max_depth
        self._waiting: deque[Question] = deque()

    def admit(self, head: Head) -> Sender | Answer:
        """Who asks, from the head alone; what it refuses is refused without its body."""
        return self._or_refusal(head, self._sender, head)

    def put(self, question: Question) -> None:
        """Take a question up in the next turn of the loop, with all that arrive in this one."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._take_turn)
        self._waiting.append(question)

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
        except Exception as error:  # noqa: BLE001 - the API's last resort, told and logged below
            return self._failure(head, error)

    def _failure(self, head: Head, error: Exception) -> Answer:
        """What is said of an error; of a fault of ours no more than that, and it allows nothing."""
        if isinstance(error, PolicydError):
            return self.refuse(head, problem(error))
        log.error("internal-error", path=head.path, exc_info=error)
        return self.refuse(head, INTERNAL)

    def _sender(self, head: Head) -> Sender:
        headers = head.headers
        named = request_id(headers)
        if head.method != "POST":
            raise CallMalformed("a check is sent with POST", code="method-not-allowed")
        key = caller(headers.get(b"authorization"), self._find_key)
        _demand_json(headers.get(b"content-type", b""))
        return Sender(key, head.address[:_MAX_ADDRESS], named)

    def _take_turn(self) -> None:
        """Read, decide and record what is waiting, up to a size: others wait for this turn."""
        size, questions = 0, []
        while self._waiting and size < TURN_BYTES:
            questions.append(self._waiting.popleft())
            size += len(questions[-1].body)
        soon = asyncio.get_running_loop().call_soon
        if self._waiting:
            soon(self._take_turn)
        read = [self._or_refusal(each.head, self._read, each) for each in questions]
        asked = []
        for question, found in zip(questions, read, strict=True):
            if isinstance(found, Answer):
                soon(question.release, found)
            else:
                asked.append((question, found))
        begun = self._begin([_ask(question.sender, each) for question, each in asked])
        for (question, each), pending in zip(asked, begun, strict=True):
            if isinstance(pending, Exception):
                soon(question.release, self._failure(question.head, pending))
            else:
                told = partial(self._settled, question, each, pending)
                pending.durable.add_done_callback(told)

    def _begin(self, asks: list[Ask]) -> Sequence[Pending | Exception]:
        try:
            return self._point.begin(asks)
        except Exception as error:  # noqa: BLE001 - each of them is owed an answer
            return [error] * len(asks)

    def _read(self, question: Question) -> Asked | Batch:
        read = read_batch if question.head.path == BATCH_PATH else read_call
        supports = question.sender.key.supported_obligations
        return read(question.body, max_depth=self._max_depth, key_supports=supports)

    def _settled(
        self, question: Question, asked: Asked | Batch, pending: Pending, _: asyncio.Future[int]
    ) -> None:
        """Answer, now that the ledger has said what became of the record."""
        if pending.durable.exception() is None and _wants_receipt(asked):
            task = asyncio.create_task(self._answer_with_receipts(question, asked, pending))
            self._proving.add(task)  # the loop alone would not keep it
            task.add_done_callback(self._proving.discard)
            return
        nothing: list[None] = [None] * len(pending.decisions)
        answer = self._or_refusal(question.head, self._answer, question, asked, pending, nothing)
        question.release(answer)

    async def _answer_with_receipts(
        self, question: Question, asked: Asked | Batch, pending: Pending
    ) -> None:
        first = pending.durable.result()
        each_of = [asked] if isinstance(asked, Asked) else [item.asked for item in asked.items]
        try:
            receipts = [
                await self._receipt(each, first + at)
                for at, each in enumerate(each_of[: len(pending.decisions)])
            ]
        except Exception as error:  # noqa: BLE001 - as in `_or_refusal`
            answer = self._failure(question.head, error)
        else:
            answer = self._or_refusal(
                question.head, self._answer, question, asked, pending, receipts
            )
        question.release(answer)

    async def _receipt(self, asked: Asked, index: int) -> Receipt | None:
        """The receipt of the record at *index*, if its sender asked for one and it can be had."""
        found = await self._prove(index) if _RECEIPT in asked.include else None
        if found is None:
            return None
        made, leaf_hash = found
        return Receipt(index, leaf_hash.hex(), made)

    def _answer(
        self,
        question: Question,
        asked: Asked | Batch,
        pending: Pending,
        receipts: Sequence[Receipt | None],
    ) -> Answer:
        self._point.settle(pending)
        in_full = question.sender.key.has_role(*_IN_FULL)
        if isinstance(asked, Asked):
            (decision,), (receipt,) = pending.decisions, receipts
            body = answer_body(decision, asked.include, receipt, in_full=in_full)
        else:
            body = batch_body(asked.items, pending.decisions, receipts, in_full=in_full)
        named = (b"x-decision-id", pending.id.encode())
        return _answered(question.head, 200, [JSON, named], body)

    def _key_id(self, head: Head) -> str:
        """The id of a good key, or empty: what an unknown key claims to be is not recorded."""
        try:
            return caller(head.headers.get(b"authorization"), self._find_key).id
        except PolicydError:
            return ""


def _wants_receipt(asked: Asked | Batch) -> bool:
    if isinstance(asked, Asked):
        return _RECEIPT in asked.include
    return any(_RECEIPT in each.asked.include for each in asked.items)


def _ask(sender: Sender, asked: Asked | Batch) -> Ask:
    if isinstance(asked, Asked):
        return Ask(sender, (Item(asked.call),))
    items = [Item(each.asked.call, each.error is None) for each in asked.items]
    return Ask(sender, items, asked.stop, is_batch=True)


def _answered(head: Head, status: int, headers: list[Header], body: bytes) -> Answer:
    headers += ((b"content-length", b"%d" % len(body)), *echo(head.headers))
    return Answer(status, headers, body)


def _demand_json(content_type: bytes) -> None:
    if content_type == b"application/json":
        return
    if content_type.partition(b";")[0].strip().lower() != b"application/json":
        raise CallMalformed("send the call with `Content-Type: application/json`")
