"""Explaining: why a call would be allowed or denied, to those who may know, on the record.

An explanation decides nothing: it is recorded as a query, and no limit counts it.
"""

import asyncio
from datetime import datetime

from policyd.engine.explain import explain
from policyd.engine.owners import owner_state
from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.model.call import Call
from policyd.model.errors import OutOfScope
from policyd.model.explanation import Explanation
from policyd.model.facts import Facts
from policyd.points.administration import InForce, PolicyInForce
from policyd.points.counters import Counters
from policyd.points.decision import Sender

WATCHERS = ("author", "auditor", "admin")
"""Roles that may ask about any call, unless bound; a builder about its own integrations only."""


class ExplainPoint:
    """Explains calls by the policy in force and the present counters."""

    def __init__(self, policy: PolicyInForce, ledger: Ledger, counters: Counters) -> None:
        self._policy = policy
        self._ledger = ledger
        self._counters = counters

    async def explain(self, by: Sender, call: Call) -> Explanation:
        """How the decision on *call* would come about now.

        Raises:
            OutOfScope: the key is bound, as a builder's is, and the call is not one of its own.
            ClockBehind: see `Ledger.stamp`.
            LedgerUnavailable: the explanation could not be recorded, so it is not given.
        """
        may_ask = by.key.reads_all or by.key.has_role("author")
        if not may_ask and not by.key.speaks_for(call.subject.id):
            raise OutOfScope(
                f"this key may not ask about `{call.subject.id[:160]}`;"
                " an admin can bind it to the integration or its unit",
                code="key-out-of-scope",
            )
        now = self._ledger.stamp().at
        # It looks at every rule for near ones, which checks should not have to wait for.
        explained = await asyncio.to_thread(self._explain, self._policy.current, call, now)
        caller = record.Caller(key=by.key.id, address=by.address)
        stamped = record.stamped(self._ledger.stamp())
        query = record.Query(**stamped, caller=caller, text=question(call), rows=0)
        await self._ledger.append([record.encode(query)], is_urgent=True)
        return explained

    def _explain(self, in_force: InForce, call: Call, now: datetime) -> Explanation:
        case = in_force.engine.open(call, now)
        facts = Facts(now, self._counters.used(case.buckets()), owner_state(case))
        return explain(in_force.engine, case, facts)


def question(call: Call) -> str:
    """What was asked, for the record of the asking.

    >>> from policyd.model.call import Entity
    >>> question(Call(Entity("integration", "a/b"), "read", Entity("dataset", "c/d")))
    'explain subject:a/b action:read data:c/d'
    """
    said = {
        "subject": call.subject.id,
        "action": call.action,
        "data": call.resource.id,
        "fields": ",".join(call.fields),
        "labels": ",".join(call.labels),
        "endpoint": call.endpoint,
        "path": call.path,
        "method": call.method,
        "sources": ",".join(call.sources),
        "rows": call.rows,
    }
    return " ".join(["explain", *(f"{word}:{value}" for word, value in said.items() if value)])
