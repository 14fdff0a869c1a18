"""`/v1/audit/records`: records of the log, with their exact bytes inside the answer."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from policyd_audit.tree import leaf_hash

from policyd.api.caller import Reader, Served, Watcher
from policyd.ledger.reader import Range
from policyd.points.audit import Entry

router = APIRouter(prefix="/v1/audit/records")
MOST = 200
Moment = Annotated[datetime | None, Query()]


class _Entry(msgspec.Struct):
    index: int
    leaf_hash: str
    record: msgspec.Raw


class _Page(msgspec.Struct, omit_defaults=True):
    tree_size: int
    records: list[_Entry]
    next_cursor: int | None = None


@router.get("")
async def page(
    service: Served,
    by: Watcher,
    after: Moment = None,
    before: Moment = None,
    cursor: Annotated[int | None, Query(ge=0)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    order: Literal["newest", "oldest"] = "newest",
) -> Response:
    """Records by time: at or after `after`, before `before`; go on with `next_cursor`."""
    asked = Range(_utc(after), _utc(before), cursor, limit, newest_first=order == "newest")
    found = await service.audit.page(by, asked)
    entries = [_shown(Entry(index, leaf)) for index, leaf in found.records]
    return _json(_Page(found.tree_size, entries, found.next_cursor))


@router.get("/{record_id:path}")
async def record(record_id: str, service: Served, by: Reader) -> Response:
    """One record, with its place in the tree and its leaf hash."""
    return _json(_shown(await service.audit.record(by, record_id)))


def _shown(entry: Entry) -> _Entry:
    return _Entry(entry.index, leaf_hash(entry.leaf).hex(), msgspec.Raw(entry.leaf))


def _json(body: msgspec.Struct) -> Response:
    """The record's bytes are copied in, not parsed and written again."""
    return Response(msgspec.json.encode(body), media_type="application/json")


def _utc(moment: datetime | None) -> datetime | None:
    """A time without a zone is taken for UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
