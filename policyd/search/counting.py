"""Counting: how many records have which value, at large and over time."""

from datetime import UTC, datetime
from itertools import chain
from itertools import count as counting_from

from policyd.ledger.stamp import timestamp
from policyd.search.asking import (
    Bucket,
    Facet,
    Facets,
    FacetsFound,
    Histogram,
    HistogramFound,
)
from policyd.search.condition import check_rights
from policyd.search.countable import COLUMNS
from policyd.search.database import Cut, Deadline, Row
from policyd.search.fields import LISTS
from policyd.search.log import Way
from policyd.search.sweep import Sight, Sweep

MOST_SERIES = 12
"""Values of a histogram that are counted by themselves; the rest are counted together."""

_WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400)
_DAY = 86_400

_COUNTED = "create or replace temp table counted(value varchar, records bigint)"
_TAKE = "insert into counted select value, count(*) from {log} group by all"
_TOP = (
    "select value, sum(records)::bigint as records from counted where value is not null"
    " group by value order by records desc, value limit $most"
)
_REST = (
    "select count(distinct value), coalesce(sum(records), 0)::bigint,"
    " coalesce(sum(records) filter (value is null), 0)::bigint from counted"
)


def facets(sweep: Sweep, asked: Facets) -> FacetsFound:
    """The most frequent values of some fields; each gets its share of the time that is left.

    Raises:
        QueryRefused: a field is one that the asker may not ask about.
    """
    for field in asked.fields:
        check_rights(field, asked.scope.roles)
    made: list[Facet] = []
    for at, field in enumerate(asked.fields):
        until = sweep.deadline.part(1 / (len(asked.fields) - at + 1))
        made.append(_facet(sweep, field, asked.most, until))
    counted = [each for each in made if COLUMNS[each.field] not in LISTS]
    if not counted:  # a record with several values counts for each of them
        counted = [_facet(sweep, "kind", 1, sweep.deadline)]
    whole = max(counted, key=lambda each: each.seen.end - each.seen.first)
    records = whole.without + whole.rest + sum(count for _, count in whole.counts)
    return FacetsFound(whole.seen, records, tuple(made))


def _facet(sweep: Sweep, field: str, most: int, until: Deadline) -> Facet:
    name = COLUMNS[field]
    value = f"cast({name} as varchar)"
    if name in LISTS:
        # Mostly there is one value at most, and nothing to be told apart.
        value = (
            f"unnest(case when len({name}) > 1 then list_distinct({name})"
            f" when len({name}) = 1 then {name} else [null] end)"
        )

    def statement(relation: str) -> str:
        rows = f"(select {value} as value from {relation} as log where {sweep.condition.text})"
        return _TAKE.format(log=rows)

    sweep.once(_COUNTED)
    sight = sweep.run(Way(sweep.records, until=until), statement)
    try:
        counts = sweep.once(_TOP, {"most": most})
        ((values, records, without),) = sweep.once(_REST)
    except Cut as cut:
        sight.cut, counts, values, records, without = cut.code, [], 0, 0, 0
    shown = sum(count for _, count in counts)
    return Facet(
        field=field,
        counts=tuple(counts),
        others=max(0, values - len(counts)),
        rest=max(0, records - without - shown),
        without=without,
        seen=sight.seen(),
    )


def histogram(sweep: Sweep, asked: Histogram) -> HistogramFound:
    """Records over time, from the first that was found to the last."""
    ends: list[Row] = []

    def bounds(relation: str) -> str:
        return f"select min(ts), max(ts) from {relation} as log where {sweep.condition.text}"

    def take_ends(rows: list[Row]) -> bool:
        ends.extend(each for each in rows if each[0] is not None)
        return False

    sight = sweep.run(
        Way(sweep.records, until=sweep.deadline.part(0.5)),
        bounds,
        take_ends,
    )
    if not ends:
        return HistogramFound(sight.seen(), 0, ())
    first, last = min(each[0] for each in ends), max(each[1] for each in ends)
    seconds = _width(first, last, asked.buckets)
    counted, sight = _over_time(sweep, asked, seconds, sight.records)
    return HistogramFound(sight.seen(), seconds, counted)


def _over_time(
    sweep: Sweep, asked: Histogram, seconds: int, records: range
) -> tuple[tuple[Bucket, ...], Sight]:
    value = f"cast({COLUMNS[asked.by]} as varchar)" if asked.by else "cast(null as varchar)"
    counts: dict[int, dict[str | None, int]] = {}

    def statement(relation: str) -> str:
        return (
            f"select epoch_us(ts) // 1000000 // {seconds} * {seconds}, {value}, count(*)"
            f" from {relation} as log where ts is not null and {sweep.condition.text} group by all"
        )

    def take(rows: list[Row]) -> bool:
        for start, said, count in rows:
            bucket = counts.setdefault(start, {})
            bucket[said] = bucket.get(said, 0) + count
        return False

    sight = sweep.run(Way(records), statement, take)
    shown = _series(counts)
    return tuple(_bucket(start, counts[start], shown) for start in sorted(counts)), sight


def _series(counts: dict[int, dict[str | None, int]]) -> set[str | None]:
    """The values that are counted by themselves: those that most records have."""
    totals: dict[str | None, int] = {}
    for bucket in counts.values():
        for said, count in bucket.items():
            totals[said] = totals.get(said, 0) + count
    ranked = sorted(totals, key=lambda said: (-totals[said], said or ""))
    return set(ranked[:MOST_SERIES])


def _bucket(start: int, counts: dict[str | None, int], shown: set[str | None]) -> Bucket:
    listed = sorted((each for each in counts.items() if each[0] in shown), key=_by_name)
    moment = timestamp(datetime.fromtimestamp(start, UTC))
    return Bucket(moment, sum(counts.values()), tuple(listed))


def _by_name(count: tuple[str | None, int]) -> str:
    return count[0] or ""


def _width(first: datetime, last: datetime, buckets: int) -> int:
    """Seconds of a bucket: a length that people know, so that there are at most so many."""
    start, end = _seconds(first), _seconds(last)
    days = (days * _DAY for days in counting_from(2))
    # It ends: at the latest one bucket has all time since 1970.
    return next(each for each in chain(_WIDTHS, days) if end // each - start // each + 1 <= buckets)


def _seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
