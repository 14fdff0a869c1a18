"""`/v1/audit/records`: records of the log, with their exact bytes inside the answer."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator

from policyd.api.answer_schema import referring
from policyd.api.caller import Reader, Served, Watcher, sender
from policyd.ledger.view import Found
from policyd.points.audit import Listing
from policyd_audit.tree import leaf_hash

router = APIRouter(prefix="/v1/audit/records")
MOST = 200
RECEIPT = "text/plain; charset=utf-8"


_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def _written_out(text: object) -> object:
    """The text, if it is a time with its date, and not a number of seconds since some moment."""
    if isinstance(text, str) and not _RFC_3339.fullmatch(text):
        raise ValueError("write it like 2026-11-10T10:00:00Z")
    return text


def _utc(moment: datetime | None) -> datetime | None:
    """The time in UTC, for which it is taken if it names no zone."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("it is outside the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime | None, Query(), BeforeValidator(_written_out), AfterValidator(_utc)]
Cursor = Annotated[int | None, Query(ge=0, lt=2**53)]  # exact in every JSON reader (I-JSON)


class RecordEntry(msgspec.Struct):
    """A record as it was written, its place in the tree, and its leaf hash in hexadecimal."""

    index: int
    leaf_hash: str
    record: msgspec.Raw


class RecordPage(msgspec.Struct, omit_defaults=True):
    """Records of a tree of that size; there are more if `next_cursor` is there."""

    tree_size: int
    records: list[RecordEntry]
    next_cursor: int | None = None


def _answers(shape: str) -> dict[int | str, dict[str, Any]]:
    """The description of an answer that FastAPI does not make, and of the log being out."""
    content = {"application/json": {"schema": referring(shape)}}
    return {200: {"description": "What was found", "content": content}, 503: {}}


def listing(
    after: Moment = None,
    before: Moment = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    order: Literal["newest", "oldest"] = "newest",
) -> Listing:
    """What the query string asks for; a time without a zone is taken for UTC."""
    return Listing(limit, after, before, cursor, newest_first=order == "newest")


@router.get("", responses=_answers("RecordPage"))
async def records(
    request: Request, service: Served, by: Watcher, asked: Annotated[Listing, Depends(listing)]
) -> Response:
    """Records by time: from `after` on, before `before`; go on with `next_cursor`."""
    found = await service.audit.page(sender(request, by), asked)
    return _json(RecordPage(found.size, [_shown(each) for each in found.records], found.cursor))


@router.get(
    "/{record_id:path}/proof",
    response_class=Response,
    responses={200: {"content": {RECEIPT: {"schema": {"type": "string"}}}}, 404: {}},
)
async def proof(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """A receipt: proof that the record is in the signed log, and the record itself."""
    return Response(await service.audit.proof(sender(request, by), record_id), media_type=RECEIPT)


@router.get("/{record_id:path}", responses=_answers("RecordEntry") | {404: {}})
async def record(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """One record, with its place in the tree and its leaf hash."""
    return _json(_shown(await service.audit.record(sender(request, by), record_id)))


def _shown(found: Found) -> RecordEntry:
    return RecordEntry(found.seq, leaf_hash(found.leaf).hex(), msgspec.Raw(found.leaf))


def _json(body: msgspec.Struct) -> Response:
    """The record's bytes are copied in, not parsed and written again."""
    return Response(msgspec.json.encode(body), media_type="application/json")
