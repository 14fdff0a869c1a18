"""Outcomes: what became of a call that was decided, said once by whoever asked for it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Required, TypedDict, Unpack

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.record import REPORTED_WITHIN
from policyd.ledger.stamp import Stamp, moment
from policyd.ledger.view import Found
from policyd.model.errors import Conflict, LedgerStalled, LedgerUnavailable, NotFound, OutOfScope
from policyd.points.decision import Sender
from policyd.points.metrics import Metrics
from policyd.points.once import Once

RAN_DESPITE_DENY = "ran-despite-deny"
RAN_UNASKED = "ran-unasked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said of one call; `error` names the kind of failure."""

    status: str  # ok or failed
    rows: int | None = None
    bytes: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class UnaskedCall:
    """A call that ran while there was no answer, by the PEP's written choice."""

    subject: str
    action: str
    data: str


class _Caller(msgspec.Struct):
    key: str


class _Decided(msgspec.Struct, tag_field="kind", tag="decision"):
    ts: str
    caller: _Caller
    decision: str


class _Parts(TypedDict, total=False):
    status: Required[str]
    decision: str
    index: int
    call: record.Unasked


_decided = msgspec.json.Decoder(_Decided).decode


class OutcomePoint:
    """Records outcomes: only from the key that got the decision, only once, and in time.

    Because of that bound, whatever was reported of a decision that may still be reported on is
    among the outcomes of the last `REPORTED_WITHIN`, which *once* knows of.
    """

    def __init__(self, reader: Reader, ledger: Ledger, metrics: Metrics, once: Once) -> None:
        self._reader = reader
        self._ledger = ledger
        self._metrics = metrics
        self._once = once

    async def report(self, by: Sender, decision_id: str, said: Outcome) -> tuple[str, str]:
        """The id of the durable record of what became of a decided call, and its status.

        Raises:
            NotFound: there is no such decision, or another key got it.
            Conflict: it has an outcome already, or is older than `REPORTED_WITHIN`.
            LedgerUnavailable: the log cannot be read, or the outcome not recorded.
        """
        found = await asyncio.to_thread(self._reader.record_by_id, decision_id)
        decided = _of_key(found, by.key.id)
        if found is None or decided is None:
            raise NotFound(
                f"this key got no decision `{decision_id}`; send the X-Decision-ID of one"
            )
        made = self._ledger.stamp()
        self._check_age(decided, made.at)
        if not self._once.take(found.seq, made.at):
            raise Conflict(
                f"the outcome of `{decision_id}` was reported before; it is said once",
                code="outcome-already-reported",
            )
        status = said.status if decided.decision == "allow" else RAN_DESPITE_DENY
        try:
            await self._append(
                _record(made, by, said, status=status, decision=decision_id, index=found.seq)
            )
        except LedgerStalled:
            raise  # it may be recorded yet
        except LedgerUnavailable:
            self._once.give_back(found.seq)
            raise
        return made.id, status

    async def report_unasked(self, by: Sender, call: UnaskedCall, said: Outcome) -> tuple[str, str]:
        """The id of the durable record of a call that ran without a decision, and its status.

        Raises:
            OutOfScope: the key may not speak for the call's subject.
            LedgerUnavailable: it could not be recorded.
        """
        if not (by.key.has_role("pep") and by.key.speaks_for(call.subject)):
            raise OutOfScope(
                f"this key may not speak for `{call.subject}`;"
                " an admin can bind it to the integration or its unit",
                code="key-out-of-scope",
            )
        made = self._ledger.stamp()
        ran = record.Unasked(subject=call.subject, action=call.action, dataset=call.data)
        await self._append(_record(made, by, said, status=RAN_UNASKED, call=ran))
        return made.id, RAN_UNASKED

    async def _append(self, outcome: record.Outcome) -> None:
        await self._ledger.append([record.encode(outcome)], is_urgent=True)
        self._metrics.outcomes.labels(outcome.status).inc()

    def _check_age(self, decided: _Decided, now: datetime) -> None:
        self._once.forget(now - REPORTED_WITHIN)
        if now - moment(decided.ts) > REPORTED_WITHIN:
            raise Conflict(
                f"the decision is of {decided.ts}; its outcome is taken for"
                f" {REPORTED_WITHIN // timedelta(hours=1)} hours",
                code="outcome-too-late",
            )


def _record(made: Stamp, by: Sender, said: Outcome, **parts: Unpack[_Parts]) -> record.Outcome:
    return record.Outcome(
        **record.stamped(made),
        caller=record.Caller(key=by.key.id, address=by.address),
        rows=said.rows,
        bytes=said.bytes,
        error=said.error,
        **parts,
    )


def _of_key(found: Found | None, key_id: str) -> _Decided | None:
    """The decision, if there is one and that key got it."""
    try:
        decided = _decided(found.leaf) if found else None
    except msgspec.ValidationError:  # a record of another kind
        return None
    return decided if decided and decided.caller.key == key_id else None
