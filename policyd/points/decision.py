"""The decision point (PDP): admit, decide, record, answer.

INVARIANT: an answer leaves only after its record is durable. Whatever goes wrong before that is
an error for the whole request, never an allow and never a deny.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import structlog

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.ledger.decision_record import Request, decision_record
from policyd.ledger.ledger import Ledger
from policyd.model.call import Call
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Reason, Resolved
from policyd.model.errors import OutOfScope
from policyd.model.facts import Facts
from policyd.model.keys import Key
from policyd.model.labels import Label
from policyd.points.administration import PolicyInForce
from policyd.points.counters import Counters
from policyd.points.metrics import Metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision and the id of its durable record."""

    decision: Decision
    id: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request: the key, the address it came from, and its own id for it."""

    key: Key
    address: str
    request_id: str | None = None


class DecisionPoint:
    """Answers checks, each only after its record."""

    def __init__(
        self, policy: PolicyInForce, ledger: Ledger, metrics: Metrics, counters: Counters
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._metrics = metrics
        self._counters = counters

    async def evaluate(self, sender: Sender, call: Call) -> Recorded:
        """The decision on *call*, durably recorded.

        Raises:
            OutOfScope: the key may not speak for this subject.
            ClockBehind: see `Ledger.stamp`.
            LedgerUnavailable: the record could not be made durable.
        """
        self._admit(sender.key, call)
        started = time.perf_counter()
        made = self._ledger.stamp()
        in_force = self._policy.current
        facts, decision = self._decide(in_force.engine, call, made.at)
        request = Request(sender.address, sender.key.id, sender.request_id)
        leaf = decision_record(made, request, call, facts, decision, in_force.basis)
        await self._ledger.append([leaf])
        self._metrics.answered(decision, time.perf_counter() - started)
        return Recorded(decision, made.id)

    def _decide(self, engine: Engine, call: Call, now: datetime) -> tuple[Facts, Decision]:
        """The decision with the facts it rests on; a fault inside is a denial like any other.

        An allowed call is counted here, before its record is durable: of two calls at once the
        second must see the first.
        """
        facts = Facts(now)
        try:
            case = engine.open(call, now)
            facts = Facts(now, self._counters.used(case.buckets()), owner_state(case))
            decision = engine.judge(case, facts)
        except Exception:
            # Whatever the fault, nothing may be allowed by it, and the asker is owed an answer.
            log.exception("engine-error", snapshot=engine.snapshot.digest)
            return facts, _fault(engine, call)
        self._counters.add(decision.counted, case.clock)
        return facts, decision

    def _admit(self, key: Key, call: Call) -> None:
        """A key asks for what it is bound to; the subject is never taken from the body alone."""
        if not key.has_role("pep"):
            raise OutOfScope("this needs a key with the role pep")
        if not key.speaks_for(call.subject.id):
            raise OutOfScope(
                f"this key may not speak for `{call.subject.id[:160]}`;"
                " an admin can bind it to the integration or its unit",
                code="key-out-of-scope",
            )


def _fault(engine: Engine, call: Call) -> Decision:
    snapshot, what = engine.snapshot, CODES["engine-error"]
    owner = snapshot.destinations_owner
    contact = snapshot.owners[owner].contact
    reason = Reason(what.code, what.check, what.message, what.fix, contact, owner)
    worst = Label(len(snapshot.vocabulary.levels) - 1, snapshot.vocabulary.categories)
    system = call.resource.id.partition("/")[0]
    unknown = Resolved(None, (), None, None, system, worst, None, None, None)
    return Decision(
        allow=False, reasons=(reason,), more=0, obligations=(), resolved=unknown, valid_until=None
    )
