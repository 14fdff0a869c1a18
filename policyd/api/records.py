"""`/v1/audit/records`: records of the log, with their exact bytes inside the answer."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator

from policyd.api.caller import Reader, Served, Watcher, sender
from policyd.ledger.view import Found
from policyd.points.audit import Listing
from policyd_audit.tree import leaf_hash

router = APIRouter(prefix="/v1/audit/records")
MOST = 200
RECEIPT = "text/plain; charset=utf-8"


def _utc(moment: datetime | None) -> datetime | None:
    """The time in UTC, for which it is taken if it names no zone."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("it is outside the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime | None, Query(), AfterValidator(_utc)]
Cursor = Annotated[int | None, Query(ge=0, lt=2**53)]  # exact in every JSON reader (I-JSON)


class _Entry(msgspec.Struct):
    index: int
    leaf_hash: str
    record: msgspec.Raw


class _Lost(msgspec.Struct):
    first: int
    end: int


class _Page(msgspec.Struct, omit_defaults=True):
    tree_size: int
    records: list[_Entry]
    next_cursor: int | None = None
    lost: list[_Lost] = []  # stretches that belong here, but cannot be read


def listing(
    after: Moment = None,
    before: Moment = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    order: Literal["newest", "oldest"] = "newest",
) -> Listing:
    """What the query string asks for; a time without a zone is taken for UTC."""
    return Listing(limit, after, before, cursor, newest_first=order == "newest")


@router.get("")
async def page(
    request: Request, service: Served, by: Watcher, asked: Annotated[Listing, Depends(listing)]
) -> Response:
    """Records by time: from `after` on, before `before`; go on with `next_cursor`."""
    found = await service.audit.page(sender(request, by), asked)
    lost = [_Lost(each.start, each.stop) for each in found.lost]
    return _json(_Page(found.size, [_shown(each) for each in found.records], found.cursor, lost))


@router.get(
    "/{record_id:path}/proof",
    response_class=Response,
    responses={200: {"content": {RECEIPT: {"schema": {"type": "string"}}}}},
)
async def proof(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """A receipt: proof that the record is in the signed log, and the record itself."""
    return Response(await service.audit.proof(sender(request, by), record_id), media_type=RECEIPT)


@router.get("/{record_id:path}")
async def record(record_id: str, request: Request, service: Served, by: Reader) -> Response:
    """One record, with its place in the tree and its leaf hash."""
    return _json(_shown(await service.audit.record(sender(request, by), record_id)))


def _shown(found: Found) -> _Entry:
    return _Entry(found.seq, leaf_hash(found.leaf).hex(), msgspec.Raw(found.leaf))


def _json(body: msgspec.Struct) -> Response:
    """The record's bytes are copied in, not parsed and written again."""
    return Response(msgspec.json.encode(body), media_type="application/json")
