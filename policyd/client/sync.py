"""The client for plain code."""

import logging
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Unpack

from .answer import Answer, read_answer
from .errors import Denied, NotFulfilled, Unavailable
from .grant import Grant
from .obligations import SHORTEST_SECRET, SUPPORTED, TOKENISE
from .question import CallParts, Question
from .transport import Transport

log = logging.getLogger(__name__)
EVALUATION, OUTCOMES = "/access/v1/evaluation", "/v1/outcomes"


class Policyd:
    """Asks one policyd server before calls run. It may be shared by threads.

    Args:
        url: Of the server.
        key: An API key with the role pep.
        timeout: Seconds for one answer, attempts to get it included.
        on_unavailable: What to do without an answer: `deny`, or `allow`, which is your written
            choice to run unasked; it is logged as a warning, and told to the server at the end
            if that is back by then.
        tokenise_with: Secret of at least 16 bytes by which `tokenise` is done; with another one
            the tokens are others. Without it, what needs tokens is denied.
        tls: Context for https; the usual one if it is not said.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 2.0,
        on_unavailable: Literal["deny", "allow"] = "deny",
        tokenise_with: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if on_unavailable not in {"deny", "allow"}:
            raise ValueError("`on_unavailable` is `deny` or `allow`")
        if tokenise_with is not None and not _is_secret(tokenise_with):
            raise ValueError(f"`tokenise_with` takes at least {SHORTEST_SECRET} bytes, no text")
        self._transport = Transport(url, key, timeout=timeout, tls=tls)
        self._runs_unasked = on_unavailable == "allow"
        self._secret = tokenise_with
        self._supported = (*SUPPORTED, *([TOKENISE] if tokenise_with else ()))

    @contextmanager
    def allow(
        self, *, subject: str, action: str, data: str, **parts: Unpack[CallParts]
    ) -> Iterator[Grant]:
        """A block that runs only if the call may run; its outcome is reported at its end.

        The parts of the call are those of `Question`.

        Raises:
            Denied: it may not run, or there is no answer.
            NotFulfilled: the block ended without doing what the decision demanded.
        """
        grant = self.open(Question(subject=subject, action=action, data=data, **parts))
        try:
            yield grant
        except BaseException as error:
            self.fail(grant, error)
            raise
        self.finish(grant)

    def open(self, question: Question) -> Grant:
        """A grant, to be ended with `finish` or `fail`; `allow` sees to that by itself."""
        return Grant(self._ask, question, self._ask(question), self._secret)

    def fail(self, grant: Grant, error: BaseException) -> None:
        """End a grant because of *error*, of which only the kind is told; raises nothing."""
        grant.close()
        self._report(grant, type(error).__name__)

    def finish(self, grant: Grant) -> None:
        """End a grant whose block is done.

        Raises:
            NotFulfilled: not all was done that the decision demands.
        """
        grant.close()
        try:
            grant.check_fulfilled()
        except NotFulfilled as error:
            self._report(grant, error.code)
            raise
        grant.check_reported(was_reported=self._report(grant, None))

    def _ask(self, question: Question) -> Answer | None:
        body = question.body(self._supported)
        try:
            response = self._transport.post(EVALUATION, body, secrets.token_hex(16))
        except Unavailable as error:
            if not self._runs_unasked:
                raise
            log.warning("%s runs without a decision: %s", question.subject, error.message)
            return None
        return read_answer(response.body, response.headers, self._supported)

    def _report(self, grant: Grant, error: str | None) -> bool:
        """Whether every decision of *grant* has its outcome now."""
        said: dict[str, Any] = {"status": "failed" if error else "ok", "error": error}
        said |= {"rows": grant.rows, "bytes": grant.bytes}
        said = {name: value for name, value in said.items() if value is not None}
        calls: list[dict[str, Any]] = [{"decision_id": each} for each in grant.decision_ids]
        calls += [{"unasked": _described(each)} for each in grant.unasked]
        missed = [each for each in calls if not self._report_one(said | each)]
        return not missed

    def _report_one(self, said: dict[str, Any]) -> bool:
        try:
            self._transport.post(OUTCOMES, said, secrets.token_hex(16))
        except Denied as error:
            if error.code == "outcome-already-reported":
                return True
            call = said.get("decision_id", "a call without a decision")
            log.warning("outcome of %s not reported: %s", call, error.message)
            return False
        return True


def _is_secret(value: object) -> bool:
    return isinstance(value, bytes) and len(value) >= SHORTEST_SECRET


def _described(question: Question) -> dict[str, str]:
    return {"subject": question.subject, "action": question.action, "data": question.data}
