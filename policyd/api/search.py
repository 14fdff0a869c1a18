"""`/v1/audit/facets`, `histogram`, `flows`, `pairing`: many records at a glance, counted."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from policyd.api.answer_schema import referring
from policyd.api.caller import Reader, Served, sender
from policyd.api.parameters import WhichRecords, only
from policyd.model.errors import QuestionRefused
from policyd.points.search import Whole
from policyd.search import asking
from policyd.search.countable import COUNTABLE

router = APIRouter(prefix="/v1/audit")
MOST = 1000
_WHICH = ("q", "after", "before")
_FIELD = "|".join(COUNTABLE)
_FIELDS = f"^({_FIELD})(,({_FIELD})){{0,11}}$"
_USUAL = "decision,unit,integration,action,system,destination,label,reason"


class Stretch(msgspec.Struct):
    """Records from `first` to below `end`."""

    first: int
    end: int


class _Answer(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What was counted in: a log of that size, as its checkpoint says, with times as of `now`.

    `searched` is what was looked at; if it was `cut`, for want of `time` or `memory`, that is not
    all. Records in a `lost` stretch could not be read.
    """

    tree_size: int
    checkpoint: str
    now: str
    searched: Stretch
    lost: list[Stretch] = []
    cut: Literal["time", "memory"] | None = None


class ValueCount(msgspec.Struct):
    """So many records have that value, or none of the field if it is null."""

    value: str | None
    records: int


class FacetCounts(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The most frequent values of a field, how many other values there are, records without one.

    A record with several values counts for each. `cut` and `searched` are as in the whole answer,
    since a field that takes too long is given up by itself.
    """

    field: str
    counts: list[ValueCount]
    other_values: int
    without: int
    truncated: bool
    searched: Stretch
    cut: Literal["time", "memory"] | None = None


class FacetsAnswer(_Answer, kw_only=True):
    """How many records were found, and what they say."""

    records: int
    facets: list[FacetCounts]


class BucketCount(msgspec.Struct):
    """The records from `start` on for as long as a bucket is; rare values only in the sum."""

    start: str
    records: int
    counts: list[ValueCount]


class HistogramAnswer(_Answer, kw_only=True):
    """Records over time, in buckets of so many seconds; those without records are left out."""

    seconds: int
    buckets: list[BucketCount]


class FlowEnd(msgspec.Struct):
    """Where data is: a system, a dataset, an integration, a listed destination or a bare host."""

    kind: Literal["system", "dataset", "integration", "destination", "host"]
    name: str


class FlowCount(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Decisions on one way of data; rows and bytes are what callers said of allowed ones.

    `example` is the number of the newest record, `step` counts from the dataset asked about.
    """

    source: FlowEnd
    target: FlowEnd
    level: str | None
    categories: list[str]
    allowed: int
    denied: int
    rows: int
    bytes: int
    first: str
    last: str
    example: int
    step: int = 0


class FlowsAnswer(_Answer, kw_only=True):
    """Flows, the busiest first, or step by step from a dataset; `truncated` if there are more."""

    flows: list[FlowCount]
    truncated: bool


class PairCount(msgspec.Struct, kw_only=True):
    """Decisions with one value of the field, and what was reported of them.

    Of those allowed, `missing` have no report: they never ran, or nobody said.
    """

    value: str | None
    allowed: int
    denied: int
    done: int
    failed: int
    missing: int
    ran_despite_deny: int
    last: str


class PairingAnswer(_Answer, kw_only=True):
    """What became of decisions, most frequent values first; `truncated` if there are more."""

    pairs: list[PairCount]
    truncated: bool


SHAPES = (FacetsAnswer, HistogramAnswer, FlowsAnswer, PairingAnswer)
"""What these endpoints answer with."""


def _answers(shape: type[_Answer]) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": referring(shape.__name__)}}
    return {200: {"description": "What was counted", "content": content}, 422: {}, 503: {}}


Size = Annotated[int, Query(ge=1, le=MOST)]


@router.get(
    "/facets",
    responses=_answers(FacetsAnswer),
    dependencies=[Depends(only(*_WHICH, "fields", "size"))],
)
async def facets(
    request: Request,
    service: Served,
    by: Reader,
    asked: WhichRecords,
    fields: Annotated[str, Query(pattern=_FIELDS)] = _USUAL,
    size: Size = 10,
) -> Response:
    """The most frequent values of some fields, with commas between, among the records found."""
    names = tuple(dict.fromkeys(fields.split(",")))
    whole = await service.search.facets(sender(request, by), asked, names, size)
    found = whole.found
    return _json(
        FacetsAnswer(
            **_about(whole), records=found.records, facets=[_facet(each) for each in found.facets]
        )
    )


@router.get(
    "/histogram",
    responses=_answers(HistogramAnswer),
    dependencies=[Depends(only(*_WHICH, "buckets", "by"))],
)
async def histogram(
    request: Request,
    service: Served,
    key: Reader,
    asked: WhichRecords,
    buckets: Annotated[int, Query(ge=1, le=200)] = 60,
    by: Literal["decision", "label", "unit"] | None = None,
) -> Response:
    """How many of the records found there are over time, and by the values of a field."""
    whole = await service.search.histogram(sender(request, key), asked, buckets, by)
    found = whole.found
    made = [
        BucketCount(each.start, each.records, _values(each.counts) if by else [])
        for each in found.buckets
    ]
    return _json(HistogramAnswer(**_about(whole), seconds=found.seconds, buckets=made))


@router.get(
    "/flows",
    responses=_answers(FlowsAnswer),
    dependencies=[Depends(only(*_WHICH, "dataset", "direction", "depth", "size"))],
)
async def flows(
    request: Request, service: Served, by: Reader, asked: WhichRecords, ways: "WhichWays"
) -> Response:
    """Which data goes from which system to which place; or from a dataset on, or up to it."""
    whole = await service.search.flows(sender(request, by), asked, ways)
    found = whole.found
    made = [_flow(each) for each in found.flows]
    return _json(FlowsAnswer(**_about(whole), flows=made, truncated=found.more))


@router.get(
    "/pairing",
    responses=_answers(PairingAnswer),
    dependencies=[Depends(only(*_WHICH, "by", "size"))],
)
async def pairing(
    request: Request,
    service: Served,
    key: Reader,
    asked: WhichRecords,
    by: Literal["integration", "unit", "system", "dataset", "destination"] = "integration",
    size: Size = 50,
) -> Response:
    """What became of decisions: done, failed, never reported on, ran although denied."""
    whole = await service.search.pairing(sender(request, key), asked, by, size)
    found = whole.found
    made = [
        PairCount(**{name: getattr(each, name) for name in each.__struct_fields__})
        for each in found.pairs
    ]
    return _json(PairingAnswer(**_about(whole), pairs=made, truncated=found.more))


def ways(
    size: Size = 100,
    dataset: Annotated[str | None, Query(pattern="^[^/]{1,60}/[^/]{1,60}$")] = None,
    direction: Literal["up", "down"] | None = None,
    depth: Annotated[int | None, Query(ge=1, le=10)] = None,
) -> asking.Ways:
    """Which flows are asked for.

    Raises:
        QuestionRefused: a direction from nowhere.
    """
    if dataset is None and (direction or depth):
        raise QuestionRefused(
            "`direction` and `depth` go with a `dataset`: name the one to begin at",
            code="dataset-missing",
        )
    return asking.Ways(size, dataset, upstream=direction == "up", depth=depth or 3)


WhichWays = Annotated[asking.Ways, Depends(ways)]


def _about(whole: Whole[asking.Count]) -> dict[str, Any]:
    seen = whole.found.seen
    return {
        "tree_size": whole.size,
        "checkpoint": whole.checkpoint,
        "now": whole.now,
        "searched": Stretch(seen.first, seen.end),
        "lost": [Stretch(*each) for each in seen.lost],
        "cut": seen.cut or None,
    }


def _facet(found: asking.Facet) -> FacetCounts:
    return FacetCounts(
        field=found.field,
        counts=_values(found.counts),
        other_values=found.others,
        without=found.without,
        truncated=bool(found.others),
        searched=Stretch(found.seen.first, found.seen.end),
        cut=found.seen.cut or None,  # type: ignore[arg-type]  # one of these words
    )


def _values(counts: tuple[tuple[str | None, int], ...]) -> list[ValueCount]:
    return [ValueCount(*each) for each in counts]


def _flow(found: asking.Flow) -> FlowCount:
    said = {name: getattr(found, name) for name in found.__struct_fields__}
    said |= {"source": FlowEnd(*found.source), "target": FlowEnd(*found.target)}  # type: ignore[arg-type]
    return FlowCount(**said | {"categories": list(found.categories)})


def _json(body: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
