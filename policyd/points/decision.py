"""The decision point (PDP): admit, decide, record, answer.

INVARIANT: an answer leaves only after its record is durable. Whatever goes wrong before that is
an error for the whole request, never an allow and never a deny.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.ledger.decision_record import Request, decision_record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp
from policyd.model.call import Call
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Reason, Resolved
from policyd.model.errors import OutOfScope, PolicydError
from policyd.model.facts import Facts
from policyd.model.keys import Key
from policyd.model.labels import Label
from policyd.points.administration import PolicyInForce
from policyd.points.counters import Counters
from policyd.points.metrics import Metrics

log = structlog.get_logger(__name__)


class Item(NamedTuple):
    """A call of a batch; one that is not whole could not be read, and is denied."""

    call: Call
    is_whole: bool = True


Stop = Callable[[Decision], bool]
"""Whether a decision ends its batch."""


def execute_all(_: Decision) -> bool:
    """Every item is evaluated."""
    return False


class Sender(NamedTuple):
    """Who sent a request: the key, the address it came from, and its own id for it."""

    key: Key
    address: str
    request_id: str | None = None


class Pending(NamedTuple):
    """What was decided and handed to the ledger; nobody may be told before it is settled.

    Attributes:
        decisions: Of one call, or of a batch in order up to the item that ended it.
        id: Of the record, or of the batch's records, `id/index` each.
        durable: Done when the ledger has said what became of the records.
        started: Reading of `perf_counter` when the call was taken up.
    """

    decisions: Sequence[Decision]
    id: str
    durable: asyncio.Future[int]
    started: float


class DecisionPoint:
    """Answers checks, each only after its record.

    In two steps, so that whoever waits in between may be a coroutine or a callback: `begin`, and
    once `Pending.durable` is done, `settle`.
    """

    def __init__(
        self, policy: PolicyInForce, ledger: Ledger, metrics: Metrics, counters: Counters
    ) -> None:
        self._policy = policy
        self._ledger = ledger
        self._metrics = metrics
        self._counters = counters

    def begin(self, sender: Sender, call: Call) -> Pending:
        """Admit *call*, decide on it, and hand its record over; raises as `begin_all`."""
        return self._begin(sender, (Item(call),), execute_all, is_batch=False)

    def begin_all(self, sender: Sender, asked: Sequence[Item], stop: Stop) -> Pending:
        """Do that for the items *asked*, in order, up to the one that *stop* stops at.

        They are admitted, recorded and committed as a whole: a call behind the stop is a record
        too, of a decision that was not made.

        Raises:
            OutOfScope: the key may not speak for one of the subjects.
            ClockBehind: see `Ledger.stamp`.
            LedgerUnavailable: the records were not taken.
        """
        return self._begin(sender, asked, stop, is_batch=True)

    def settle(self, pending: Pending) -> None:
        """Make sure that the records are durable: the decisions may be told now.

        Raises:
            LedgerUnavailable: they are not, or nothing is known of them.
        """
        failure = pending.durable.exception()
        if failure is not None:
            self._take_back(pending.decisions)
            raise failure
        seconds = time.perf_counter() - pending.started
        for decision in pending.decisions:
            self._metrics.answered(decision, seconds)

    def _begin(
        self, sender: Sender, asked: Sequence[Item], stop: Stop, *, is_batch: bool
    ) -> Pending:
        """Decide and submit in one turn of the loop, as the ledger's order of time demands."""
        _demand_pep(sender.key)
        for each in asked:
            if each.is_whole:
                _admit(sender.key, each.call)
        started = time.perf_counter()
        made, in_force = self._ledger.stamp(), self._policy.current
        engine, basis = in_force.engine, in_force.basis
        request = Request(sender.address, sender.key.id, sender.request_id)
        leaves: list[bytes] = []
        answered: list[Decision] = []
        try:
            for index, each in enumerate(asked):
                stopped = bool(answered) and stop(answered[-1])
                facts, decision = self._look_at(engine, each, made.at, stopped=stopped)
                if not stopped:
                    answered.append(decision)
                stamp = self._item(made, index) if is_batch else made
                leaves.append(decision_record(stamp, request, each.call, facts, decision, basis))
            return Pending(answered, made.id, self._ledger.submit(leaves), started)
        except PolicydError:
            # Whether an item had no record or all of them no room: none of it was answered.
            self._take_back(answered)
            raise

    def _take_back(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            self._counters.take_back(decision.counted)

    def _look_at(
        self, engine: Engine, item: Item, now: datetime, *, stopped: bool
    ) -> tuple[Facts, Decision]:
        """The decision on one item; one that is broken, or behind the stop, is denied unseen."""
        if stopped:
            return Facts(now), _undecided(engine, item.call, "not-evaluated")
        if not item.is_whole:
            return Facts(now), _undecided(engine, item.call, "item-malformed")
        return self._decide(engine, item.call, now)

    def _item(self, made: Stamp, index: int) -> Stamp:
        """The stamp of one item: of the batch's moment, with a nonce of its own."""
        return Stamp(made.at, made.ts, f"{made.id}/{index}", self._ledger.stamp().nonce)

    def _decide(self, engine: Engine, call: Call, now: datetime) -> tuple[Facts, Decision]:
        """The decision with the facts it rests on; a fault inside is a denial like any other.

        An allowed call is counted here, before its record is durable: of two calls at once the
        second must see the first.
        """
        facts: Facts | None = None
        try:
            case = engine.open(call, now)
            facts = Facts(now, self._counters.used(case.buckets()), owner_state(case))
            decision = engine.judge(case, facts)
        except Exception:
            # Whatever the fault, nothing may be allowed by it, and the asker is owed an answer.
            log.exception("engine-error", snapshot=engine.snapshot.digest)
            return facts or Facts(now), _undecided(engine, call, "engine-error")
        self._counters.add(decision.counted, case.clock)
        return facts, decision


def _demand_pep(key: Key) -> None:
    if not key.has_role("pep"):
        raise OutOfScope("this needs a key with the role pep")


def _admit(key: Key, call: Call) -> None:
    """A key asks for what it is bound to; the subject is never taken from the body alone."""
    if not key.speaks_for(call.subject.id):
        raise OutOfScope(
            f"this key may not speak for `{call.subject.id[:160]}`;"
            " an admin can bind it to the integration or its unit",
            code="key-out-of-scope",
        )


def _undecided(engine: Engine, call: Call, code: str) -> Decision:
    """A denial for which nothing was looked up."""
    snapshot, what = engine.snapshot, CODES[code]
    owner = snapshot.destinations_owner
    contact = snapshot.owners[owner].contact
    reason = Reason(what.code, what.check, what.message, what.fix, contact, owner)
    worst = Label(len(snapshot.vocabulary.levels) - 1, snapshot.vocabulary.categories)
    system = call.resource.id.partition("/")[0]
    unknown = Resolved(None, (), None, None, system, worst, None, None, None)
    return Decision(
        allow=False, reasons=(reason,), more=0, obligations=(), resolved=unknown, valid_until=None
    )
