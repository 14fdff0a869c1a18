"""`/v1/audit/records`: records of the log, with their exact bytes inside the answer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from policyd.api.answer_schema import referring
from policyd.api.caller import Reader, Served, sender
from policyd.api.parameters import WhichRecords, only
from policyd.model.errors import QuestionRefused
from policyd.points.audit import Listing
from policyd.points.cursors import LONGEST
from policyd.points.decision import Sender
from policyd.points.disclosed import Shown
from policyd.points.search import Asked
from policyd.points.service import Service
from policyd_audit.tree import leaf_hash

router = APIRouter(prefix="/v1/audit/records")
MOST = 200
RECEIPT = "text/plain; charset=utf-8"

_LARGEST = 2**53  # exact in every JSON reader (I-JSON)


class ErasureAct(msgspec.Struct):
    """The record that says who erased something, when and why."""

    index: int
    id: str
    ts: str


class RecordEntry(msgspec.Struct, omit_defaults=True):
    """A record as it was written, its place in the tree, and its leaf hash in hexadecimal.

    What is kept apart of it is `disclosed` to auditors, by its path, and `hidden` from others;
    what was `erased` of it is so by the acts named.
    """

    index: int
    leaf_hash: str
    record: msgspec.Raw
    disclosed: Mapping[str, Any] = {}
    hidden: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    erased_by: list[ErasureAct] = []


class Lost(msgspec.Struct):
    """Records from `first` to below `end` that belong here, but cannot be read."""

    first: int
    end: int


class RecordPage(msgspec.Struct, omit_defaults=True):
    """Records of a tree of that size; there are more if `next_cursor` is there.

    Of a search: `searched` is what was looked at, not all if it was `cut` for want of `time` or
    `memory`; `cursor` asks for this very page again, whatever the log has become; the first page
    has the `checkpoint` of that tree, by which it can be cited. Relative times count from `now`.
    """

    tree_size: int
    records: list[RecordEntry]
    next_cursor: int | str | None = None
    lost: list[Lost] = []
    searched: Lost | None = None
    cut: Literal["time", "memory"] | None = None
    now: str | None = None
    cursor: str | None = None
    checkpoint: str | None = None


def answers(shape: str) -> dict[int | str, dict[str, Any]]:
    """The description of an answer that FastAPI does not make, and of the log being out."""
    content = {"application/json": {"schema": referring(shape)}}
    return {200: {"description": "What was found", "content": content}, 503: {}}


class Paging(NamedTuple):
    """Which part of what was found is wanted."""

    limit: int
    cursor: str | None
    newest_first: bool


def paging(
    cursor: Annotated[str | None, Query(pattern=f"^[A-Za-z0-9_-]{{1,{LONGEST}}}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    order: Literal["newest", "oldest"] = "newest",
) -> Paging:
    """Which part of what was found the query string asks for."""
    return Paging(limit, cursor, order == "newest")


@router.get(
    "",
    responses=answers("RecordPage") | {422: {}},
    dependencies=[Depends(only("q", "after", "before", "cursor", "limit", "order"))],
)
async def records(
    request: Request,
    service: Served,
    by: Reader,
    asked: WhichRecords,
    part: Annotated[Paging, Depends(paging)],
) -> Response:
    """Records that a query finds, or all, by time: from `after` on, before `before`.

    Go on with `next_cursor`. With a query, all pages are about the log as it was at the first.
    Whoever is bound to units or integrations sees the decisions about these.
    """
    if asked.is_given or not by.reads_all:
        return as_json(await _searched(sender(request, by), service, asked, part))
    listed = Listing(
        part.limit, asked.after, asked.before, _number(part.cursor), newest_first=part.newest_first
    )
    found = await service.audit.page(sender(request, by), listed)
    lost = [Lost(each.start, each.stop) for each in found.lost]
    shown = [entry(each) for each in found.records]
    return as_json(RecordPage(found.size, shown, found.cursor, lost))


async def _searched(by: Sender, service: Service, asked: Asked, part: Paging) -> RecordPage:
    found = await service.search.page(
        by, asked, part.limit, part.cursor, newest_first=part.newest_first
    )
    return RecordPage(
        tree_size=found.size,
        records=[entry(each) for each in found.records],
        next_cursor=found.next_cursor,
        lost=[Lost(each.start, each.stop) for each in found.lost],
        searched=Lost(found.seen.first, found.seen.end),
        cut=found.seen.cut or None,  # type: ignore[arg-type]  # one of these words
        now=found.now,
        cursor=found.cursor,
        checkpoint=found.checkpoint,
    )


def _number(cursor: str | None) -> int | None:
    """The cursor of a page by time alone, which is a number.

    Raises:
        QuestionRefused: it is none.
    """
    if cursor is None:
        return None
    if not cursor.isdecimal() or int(cursor) >= _LARGEST:
        raise QuestionRefused(
            "the `cursor` is of another question: give the query it belongs to, or begin anew"
            " without it",
            code="cursor-of-another-query",
        )
    return int(cursor)


@router.get(
    "/{record_id:path}/proof",
    response_class=Response,
    responses={200: {"content": {RECEIPT: {"schema": {"type": "string"}}}}, 404: {}, 410: {}},
)
async def proof(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """A receipt: proof that the record is in the signed log, and the record itself."""
    return Response(await service.audit.proof(sender(request, by), record_id), media_type=RECEIPT)


@router.get("/{record_id:path}", responses=answers("RecordEntry") | {404: {}, 410: {}})
async def record(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """One record, with its place in the tree and its leaf hash."""
    return as_json(entry(await service.audit.record(sender(request, by), record_id)))


def entry(found: Shown) -> RecordEntry:
    """A record as an answer has it."""
    return RecordEntry(
        index=found.seq,
        leaf_hash=leaf_hash(found.leaf).hex(),
        record=msgspec.Raw(found.leaf),
        disclosed=found.disclosed,
        hidden=found.hidden,
        erased=found.erased,
        erased_by=[ErasureAct(*each) for each in found.acts],
    )


def as_json(body: msgspec.Struct) -> Response:
    """The record's bytes are copied in, not parsed and written again."""
    return Response(msgspec.json.encode(body), media_type="application/json")
