"""`/v1/audit/tail`: records as they are written, for who asks again and again."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from policyd.api.caller import Served, Watcher, sender
from policyd.api.parameters import QueryText, only
from policyd.api.records import MOST, Lost, RecordEntry, answers, as_json, entry
from policyd.points.tail import Since

router = APIRouter(prefix="/v1/audit/tail")
_LARGEST = 2**53  # exact in every JSON reader (I-JSON)


class RecordNews(msgspec.Struct, omit_defaults=True):
    """Records that came since, of a tree of that size.

    Go on with `cursor`: at once if there is `more`, otherwise after a second.
    """

    tree_size: int
    records: list[RecordEntry]
    cursor: int
    more: bool = False
    lost: list[Lost] = []


def since(
    q: QueryText = None,
    cursor: Annotated[
        int | None,
        Query(ge=-1, lt=_LARGEST, description="Of the answer before; without it, from now on"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> Since:
    """What the query string asks for."""
    return Since(cursor, limit, q)


@router.get(
    "",
    responses=answers("RecordNews") | {409: {}, 422: {}},
    dependencies=[Depends(only("q", "cursor", "limit"))],
)
async def news(
    request: Request, service: Served, by: Watcher, asked: Annotated[Since, Depends(since)]
) -> Response:
    """Records behind `cursor`, oldest first; each is given again until its number is the cursor.

    It is recorded who watches, and each page that has something: see `ask` of `query` records.
    """
    found = await service.tail.news(sender(request, by), asked)
    return as_json(
        RecordNews(
            tree_size=found.size,
            records=[entry(each) for each in found.records],
            cursor=found.cursor,
            more=found.more,
            lost=[Lost(each.start, each.stop) for each in found.lost],
        )
    )
