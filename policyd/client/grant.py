"""Grant: an allow at work, which sees to it that what it demands is done."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .answer import Answer
from .errors import Denied, NotFulfilled, Reason
from .hooks import Hooks, RequestsSession, guard_session, httpx_hooks
from .obligations import LOG_OUTCOME, Row, Treatment
from .place import Place, has_secret, place, without_query
from .question import Question

Ask = Callable[[Question], Answer | None]
"""Asks the server; None where the caller's written choice stands in for its answer."""

_DATA_LEAVES = frozenset({"send", "write"})


class Grant:
    """What a block holds while it may run. It connects nowhere but to ask about another place.

    Attributes:
        decision_ids: Of every decision that was asked for, the first one first.
        advice: Obligations that will be demanded one day, as `{id, type, properties}`.
        would_deny: Only a roll-out of policies let the call pass.
        unasked: The questions to which there was no answer, and the caller chose to run without.
        rows: How many rows were handed on; counted by `apply`, or set by the caller.
        bytes: Set by the caller, if it likes to report it.
    """

    def __init__(
        self, ask: Ask, question: Question, answer: Answer | None, secret: bytes | None
    ) -> None:
        self._ask = ask
        self._question = question
        self._obligations = frozenset(answer.obligations if answer else ())
        self._treatment = Treatment(self._obligations, question.fields, secret)
        self._covered: dict[Place, float] = {}  # until when, by the monotonic clock
        self._applied = False
        self._closed = False
        self.advice = answer.advice if answer else ()
        self.would_deny = bool(answer and answer.would_deny)
        self.decision_ids: list[str] = []
        self.unasked: list[Question] = []
        self.rows: int | None = None
        self.bytes: int | None = None
        self._keep(answer, question)

    def apply(self, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
        """The rows as they may go on: masked, tokenised, without dropped fields, not too many.

        May be called for one page after the other; a row-limit counts them all.

        Raises:
            Denied: a row has a field that the call did not name.
        """
        self._check_open()
        treated = self._treatment.apply(rows)
        self._applied = True
        self.rows = (self.rows or 0) + len(treated)
        return treated

    def check_url(self, url: str, method: str | None = None) -> None:
        """Nothing, if a request to *url* may be sent; asks the server if that is another place.

        Args:
            url: Where the next request goes, or where a redirect leads.
            method: Of HTTP; the one that the call named if it is not said.

        Raises:
            Denied: it may not, or rows that would leave have not been handed to `apply`.
        """
        self._check_open()
        if self._question.action in _DATA_LEAVES and self.must_apply:
            raise Denied([_NOT_APPLIED])
        if has_secret(url):
            raise Denied([_SECRET_IN_URL])
        method = method or self._question.method
        there, now = place(without_query(url), method), time.monotonic()
        if there and any(p.covers(there) and now < end for p, end in self._covered.items()):
            return
        again = replace(self._question, to=without_query(url), path=None, method=method)
        answer = self._ask(again)
        if answer and not self._obligations.issuperset(answer.obligations):
            raise Denied([_OTHER_DUTIES], answer.decision_id)
        self._keep(answer, again)

    def httpx_hooks(self) -> Hooks:
        """`event_hooks` for a client of httpx or httpx2: `check_url` on every hop."""
        return httpx_hooks(self.check_url)

    def guard_requests(self, session: RequestsSession) -> None:
        """Have a session of requests `check_url` on every hop; it ends with the block."""
        guard_session(session, self.check_url)

    @property
    def must_apply(self) -> bool:
        """Whether rows are still to be handed to `apply`."""
        return self._treatment.is_due and not self._applied

    def close(self) -> None:
        """End it; nothing more may be done with it."""
        self._closed = True

    def check_fulfilled(self) -> None:
        """Nothing, if all is done that was demanded of rows.

        Raises:
            NotFulfilled: rows were never handed to `apply`.
        """
        if self.must_apply:
            raise NotFulfilled([_NOT_APPLIED], self.decision_id)

    def check_reported(self, *, was_reported: bool) -> None:
        """Nothing, if the outcome was reported or need not be.

        Raises:
            NotFulfilled: the decision demands `log-outcome`.
        """
        if not was_reported and any(each.type == LOG_OUTCOME for each in self._obligations):
            raise NotFulfilled([_NOT_REPORTED], self.decision_id)

    @property
    def decision_id(self) -> str | None:
        """Of the first decision; None if there was none."""
        return self.decision_ids[0] if self.decision_ids else None

    def _keep(self, answer: Answer | None, asked: Question) -> None:
        if answer is None:
            self.unasked.append(asked)
            return
        if answer.decision_id:
            self.decision_ids.append(answer.decision_id)
        url = answer.destination or without_query(asked.to or "")
        there = place(url, asked.method)
        if there and (answer.destination or not asked.path):
            self._covered[there] = time.monotonic() + answer.holds_s

    def _check_open(self) -> None:
        if self._closed:
            raise Denied([_CLOSED], self.decision_id)


_NOT_APPLIED = Reason(
    "obligations-not-applied",
    "the decision demands that rows are changed, and none were handed in",
    "send what `grant.apply(rows)` returns; without rows hand in `[]`",
)
_NOT_REPORTED = Reason(
    "outcome-not-reported",
    "the decision demands a report of its outcome, and the server did not take it",
    "the call did run; tell whoever runs policyd",
)
_OTHER_DUTIES = Reason(
    "obligations-differ",
    "the other place demands duties that the rows were not treated for",
    "ask for a grant of its own with `to` set to the other place",
)
_SECRET_IN_URL = Reason(
    "endpoint-unreadable",
    "the URL has a user name or password before `@`",
    "send credentials in a header",
)
_CLOSED = Reason(
    "grant-closed", "the block that the grant was for has ended", "ask again for each call"
)
