"""Pairing: decisions with what was reported of them afterwards."""

from policyd.ledger.stamp import timestamp
from policyd.search.asking import Pair, Pairing, PairingFound
from policyd.search.countable import COLUMNS
from policyd.search.database import Cut, Row
from policyd.search.log import Way
from policyd.search.sweep import Sweep

_TABLE = """
create or replace temp table pair(
 value varchar, allowed bigint, denied bigint, done bigint, failed bigint, missing bigint,
 despite bigint, last timestamp)
"""
_TAKE = """
insert into pair
select cast(decided.value as varchar),
       count(*) filter (decision = 'allow'), count(*) filter (decision = 'deny'),
       count(*) filter (outcomes.status = 'ok'), count(*) filter (outcomes.status = 'failed'),
       count(*) filter (decision = 'allow' and outcomes.status is null),
       count(*) filter (outcomes.status = 'ran-despite-deny'), max(ts)
from (select seq, ts, decision, {value} as value from {log} as log
      where kind = 'decision' and {condition}) as decided
left join outcomes on outcomes.decision_index = decided.seq
group by all
"""
_MOST = """
select value, sum(allowed)::bigint, sum(denied)::bigint, sum(done)::bigint, sum(failed)::bigint,
       sum(missing)::bigint, sum(despite)::bigint, max(last)
from pair group by value order by sum(allowed) + sum(denied) desc, value limit $most
"""


def pairs(sweep: Sweep, asked: Pairing) -> PairingFound:
    """What became of decisions, by the values of a field."""
    sweep.wants_outcomes()

    def statement(relation: str) -> str:
        return _TAKE.format(value=COLUMNS[asked.by], log=relation, condition=sweep.condition.text)

    sweep.once(_TABLE)
    sight = sweep.run(Way(sweep.records), statement)
    try:
        rows = sweep.once(_MOST, {"most": asked.most + 1})
    except Cut as cut:
        sight.cut, rows = cut.code, []
    found = tuple(_pair(each) for each in rows[: asked.most])
    return PairingFound(sight.seen(), found, len(rows) > asked.most)


def _pair(row: Row) -> Pair:
    value, allowed, denied, done, failed, missing, despite, last = row
    ended = timestamp(last) if last else ""
    return Pair(value, allowed, denied, done, failed, missing, despite, ended)
