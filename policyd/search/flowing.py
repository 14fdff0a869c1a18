"""Flowing: which data goes from where to where, as the decisions have it.

    read     the dataset goes to the integration, where it runs
    write    each source the caller names goes to the dataset; without any, the integration does
    send     the dataset goes to the destination that lists the endpoint, else to the host

A system lives at the destination of its name: what was sent there goes on from its datasets.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from policyd.ledger.stamp import timestamp
from policyd.search.asking import Flow, Flows, FlowsFound, Ways
from policyd.search.database import Cut, Row
from policyd.search.log import Way
from policyd.search.sweep import Sweep

MOST_EDGES = 50_000
"""Flows that are followed at most, the busiest ones."""

DATASET, INTEGRATION = "dataset", "integration"

_MEASURES = """
count(*) filter (decision = 'allow') as allowed,
count(*) filter (decision = 'deny') as denied,
coalesce(sum(rows) filter (decision = 'allow'), 0)::bigint as rows,
coalesce(sum(bytes) filter (decision = 'allow'), 0)::bigint as bytes,
min(ts) as first, max(ts) as last, max(seq) as example
"""
# First by what records have, which is quick; what that means is said of the few that come out.
_ALIKE = """
select action, {data} as data, level, categories, destination is not null as is_listed,
       if(action = 'write' and len(sources) > 0, array_to_string(sources, ' '), null) as origins,
       coalesce(if(action = 'send', coalesce(destination, host), subject), '') as other,
       {measures}
from {log} as log
where kind = 'decision' and action in ('read', 'write', 'send') and {condition}
group by all
"""
_ENDS = """
select if(action = 'write' and origin is null, 'integration', '{kind}'),
       case when action <> 'write' then data when origin is null then other else {origin} end,
       case when action = 'write' then '{kind}' when action = 'read' then 'integration'
            when is_listed then 'destination' else 'host' end,
       if(action = 'write', data, other),
       level, categories, allowed, denied, rows, bytes, first, last, example
from (select *, unnest(coalesce(string_split(origins, ' '), [null])) as origin from ({alike}))
"""
_OF_DATASETS = {"kind": "dataset", "data": "dataset", "origin": "origin"}
_OF_SYSTEMS = {
    "kind": "system",
    "data": "coalesce(system, '')",
    "origin": "split_part(origin, '/', 1)",
}
_TABLE = """
create or replace temp table flow(
 source_kind varchar, source varchar, target_kind varchar, target varchar,
 level varchar, categories varchar[],
 allowed bigint, denied bigint, rows bigint, bytes bigint,
 first timestamp, last timestamp, example bigint)
"""
_KEY = "source_kind, source, target_kind, target, level, categories"
_TAKE = "insert into flow {ends}"
_BUSIEST = f"""
select {_KEY}, sum(allowed)::bigint, sum(denied)::bigint, sum(rows)::bigint, sum(bytes)::bigint,
       min(first), max(last), max(example)
from flow group by {_KEY}
order by sum(allowed) + sum(denied) desc, {_KEY} limit $most
"""  # noqa: S608 - our own words


class _Node(NamedTuple):
    kind: str
    name: str


def flows(sweep: Sweep, asked: Flows) -> FlowsFound:
    """The busiest flows; or those that lead from a dataset, or to it, step by step."""
    ways = asked.ways
    words = _OF_DATASETS if ways.dataset else _OF_SYSTEMS

    def statement(relation: str) -> str:
        alike = _ALIKE.format(
            data=words["data"], measures=_MEASURES, log=relation, condition=sweep.condition.text
        )
        return _TAKE.format(ends=_ENDS.format(alike=alike, **words))

    sweep.once(_TABLE)
    sight = sweep.run(Way(sweep.records), statement)
    most = MOST_EDGES if ways.dataset else ways.most
    try:
        rows = sweep.once(_BUSIEST, {"most": most + 1})
    except Cut as cut:
        sight.cut, rows = cut.code, []
    found = [_flow(each) for each in rows[:most]]
    more = len(rows) > most
    if ways.dataset:
        found = _walk(found, ways)
        more = more or len(found) > ways.most
    return FlowsFound(sight.seen(), tuple(found[: ways.most]), more)


def _flow(row: Row) -> Flow:
    level, categories, allowed, denied, rows, volume, first, last, example = row[4:]
    return Flow(
        source=(row[0], row[1]),
        target=(row[2], row[3]),
        level=level,
        categories=tuple(categories or ()),
        allowed=allowed,
        denied=denied,
        rows=rows,
        bytes=volume,
        first=_written(first),
        last=_written(last),
        example=example,
    )


def _written(moment: datetime | None) -> str:
    return timestamp(moment) if moment else ""


def _walk(found: Iterable[Flow], ways: Ways) -> list[Flow]:
    """The flows by which data has got on from the dataset, or to it, each at its first step.

    What was denied has not got anywhere, but is told of at the step where it would have left.
    """
    left = list(found)
    reached = {_Node(DATASET, ways.dataset or "")}
    walked: list[Flow] = []
    for step in range(1, ways.depth + 1):
        here = [each for each in left if _is_in(_near(each, ways), reached)]
        if not here:
            break
        left = [each for each in left if not _is_in(_near(each, ways), reached)]
        walked += [replace(each, step=step) for each in here]
        reached |= {_far(each, ways) for each in here if each.allowed}
    return walked


def _near(flow: Flow, ways: Ways) -> _Node:
    return _Node(*(flow.target if ways.upstream else flow.source))


def _far(flow: Flow, ways: Ways) -> _Node:
    return _Node(*(flow.source if ways.upstream else flow.target))


def _is_in(node: _Node, reached: set[_Node]) -> bool:
    """Whether data that got to one of *reached* may be at *node*.

    What was sent to a system may be in any of its datasets, and the other way round.
    """
    if node in reached:
        return True
    system = node.name.partition("/")[0]
    if node.kind == DATASET:
        return _Node("destination", system) in reached
    if node.kind == "destination":
        return any(
            each.kind == DATASET and each.name.partition("/")[0] == system for each in reached
        )
    return False
