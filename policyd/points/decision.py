"""The decision point (PDP): admit, decide, record, answer.

INVARIANT: an answer leaves only after its record is durable. Whatever goes wrong before that is
an error for the whole request, never an allow and never a deny.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp
from policyd.model.call import Call
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Reason, Resolved
from policyd.model.errors import LedgerStalled, LedgerUnavailable, OutOfScope
from policyd.model.facts import Facts
from policyd.model.keys import Key
from policyd.model.labels import Label
from policyd.points.administration import PolicyInForce, Seen
from policyd.points.counters import Counters
from policyd.points.metrics import Metrics

T = TypeVar("T")
U = TypeVar("U")

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


class Ask(NamedTuple):
    """What one request asks: a call, or the calls of a batch up to the one that *stop* stops at."""

    sender: Sender
    items: Sequence[Item]
    stop: Stop = execute_all
    is_batch: bool = False


class Pending(NamedTuple):
    """What was decided and handed to the ledger; nobody may be told before it is settled.

    Attributes:
        decisions: Of one call, or of a batch in order up to the item that ended it.
        id: Of the record, or of the batch's records, `id/index` each.
        durable: Done when the ledger has said what became of the records.
        started: Reading of `perf_counter` when the request was taken up.
    """

    decisions: Sequence[Decision]
    id: str
    durable: asyncio.Future[int]
    started: float


@dataclass(slots=True)
class _Open:
    """An ask on its way: admitted with its stamp, then looked at, then written down."""

    ask: Ask
    stamp: Stamp
    looked: list[tuple[Facts, Decision]] = field(default_factory=list)
    answered: list[Decision] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)


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

    def begin(self, asks: Sequence[Ask]) -> list[Pending | Exception]:
        """Admit, decide and record what each of *asks* asks; for each, why that failed.

        Each step is taken for all of them before the next one: code that has just run runs again
        in less time. All steps are in one turn of the loop, as the ledger's order of time demands.

        One ask is admitted, recorded and committed as a whole: a call behind the stop is a record
        too, of a decision that was not made. It fails with `OutOfScope` if the key may not speak
        for one of the subjects, with `ClockBehind` (see `Ledger.stamp`), or with
        `LedgerUnavailable` if its records were not taken.
        """
        started, in_force = time.perf_counter(), self._policy.current
        admitted = _step(self._admit, asks)
        decided = _step(partial(self._decide_all, in_force.engine), admitted)
        recorded = _step(partial(self._record, in_force.basis), decided)
        pending = _step(partial(self._submit, started), recorded)
        if self._policy.watcher is not None:
            self._policy.watcher.saw(_seen(decided))
        return pending

    def settle(self, pending: Pending) -> None:
        """Make sure that the records are durable: the decisions may be told now.

        Raises:
            LedgerUnavailable: they are not, or nothing is known of them. After a LedgerStalled
                they may become durable yet, so what they count stays counted.
        """
        failure = pending.durable.exception()
        if failure is not None:
            if not isinstance(failure, LedgerStalled):
                self._take_back(pending.decisions)
            raise failure
        seconds = time.perf_counter() - pending.started
        for decision in pending.decisions:
            self._metrics.answered(decision, seconds)

    def _admit(self, ask: Ask) -> _Open:
        key = ask.sender.key
        _demand_pep(key)
        for each in ask.items:
            if each.is_whole:
                _demand_bound(key, each.call)
        return _Open(ask, self._ledger.stamp())

    def _decide_all(self, engine: Engine, open_: _Open) -> _Open:
        ask, answered = open_.ask, open_.answered
        for each in ask.items:
            stopped = bool(answered) and ask.stop(answered[-1])
            looked = self._look_at(engine, each, open_.stamp.at, stopped=stopped)
            open_.looked.append(looked)
            if not stopped:
                answered.append(looked[1])
        return open_

    def _record(self, basis: Basis, open_: _Open) -> _Open:
        ask, made = open_.ask, open_.stamp
        request = Request(ask.sender.address, ask.sender.key.id, ask.sender.request_id)
        try:
            for at, (item, (facts, decision)) in enumerate(
                zip(ask.items, open_.looked, strict=True)
            ):
                stamp = self._item(made, at) if ask.is_batch else made
                leaf = decision_record(stamp, request, item.call, facts, decision, basis)
                open_.leaves.append(leaf)
        except Exception:
            self._take_back(open_.answered)
            raise
        return open_

    def _submit(self, started: float, open_: _Open) -> Pending:
        try:
            durable = self._ledger.submit(open_.leaves, is_urgent=True)
        except LedgerUnavailable:
            self._take_back(open_.answered)
            raise
        return Pending(open_.answered, open_.stamp.id, durable, started)

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


def _step(step: Callable[[T], U], each_of: Iterable[T | Exception]) -> list[U | Exception]:
    """What *step* makes of each; where it fails, or something failed before, the failure."""
    made: list[U | Exception] = []
    for each in each_of:
        if isinstance(each, Exception):
            made.append(each)
            continue
        try:
            made.append(step(each))
        except Exception as error:  # noqa: BLE001 - a fault is told to its own asker, to nobody else
            made.append(error)
    return made


def _seen(decided: Iterable[_Open | Exception]) -> Iterator[Seen]:
    """What was decided, call by call."""
    for each in decided:
        if isinstance(each, Exception):
            continue
        ask, name = each.ask, each.stamp.id
        for at, (item, looked) in enumerate(zip(ask.items, each.looked, strict=True)):
            yield Seen(f"{name}/{at}" if ask.is_batch else name, item.call, *looked)


def _demand_pep(key: Key) -> None:
    if not key.has_role("pep"):
        raise OutOfScope("this needs a key with the role pep")


def _demand_bound(key: Key, call: Call) -> None:
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
