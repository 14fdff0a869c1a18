"""Errors as problem+json: each class of the error tree has its status and a stable code."""

import json
import re
from collections.abc import Iterator

import pytest

from policyd.api.problems import Problem, problem
from policyd.ledger.record import RecordTooLarge
from policyd.ledger.store import LedgerMoved
from policyd.model import errors
from policyd.model.findings import Finding
from policyd.review.reviewing import BaseInvalid

KEBAB = re.compile(r"[a-z]+(-[a-z]+)*")
FINDING = Finding("policyd.yaml", 1, 1, "unknown-key", "no such key")

EXPECTED: list[tuple[errors.PolicydError, int, str]] = [
    (errors.CallMalformed("said"), 400, "call-malformed"),
    (errors.CallTooLarge("said"), 400, "call-too-large"),
    (errors.CallTooLarge("said", code="body-too-large"), 413, "body-too-large"),
    (errors.CallMalformed("said", code="method-not-allowed"), 405, "method-not-allowed"),
    (errors.KeyUnknown("said"), 401, "unauthenticated"),
    (errors.OutOfScope("said"), 403, "forbidden"),
    (errors.OutOfScope("said", code="key-out-of-scope"), 403, "key-out-of-scope"),
    (errors.NotFound("said"), 404, "not-found"),
    (errors.RecordsLost("said", range(2)), 410, "segment-lost"),
    (errors.Conflict("said"), 409, "conflict"),
    (errors.Gone("said"), 410, "gone"),
    (errors.QueryRefused("said", column=5, length=3, expected=["`)`"]), 422, "query-unreadable"),
    (
        errors.QueryRefused("said", column=1, code="query-field-forbidden"),
        403,
        "query-field-forbidden",
    ),
    (errors.QuestionRefused("said"), 422, "question-refused"),
    (errors.SearchUnavailable("said"), 503, "search-unavailable"),
    (errors.PolicyInvalid([FINDING]), 409, "policy-invalid"),
    (BaseInvalid("base", [FINDING]), 409, "base-invalid"),
    (errors.PolicyUnread("said"), 503, "policy-unread"),
    (errors.LedgerUnavailable("said"), 503, "audit-unavailable"),
    (errors.LedgerStalled("said"), 503, "audit-unavailable"),
    (LedgerMoved("said"), 503, "ledger-moved"),
    (RecordTooLarge("said"), 503, "audit-unavailable"),
    (errors.ClockBehind("said"), 503, "clock-behind"),
    (errors.DataFolderError("said"), 503, "data-folder"),
    (errors.UsageError("said"), 400, "usage"),
    (errors.PolicydError("said"), 500, "internal-error"),
]


_ELSEWHERE = (".cli.", ".ledger.parquet", ".ledger.sealing", ".search.database")
"""Modules of programs and processes that answer no HTTP, loaded here if other tests need them."""


def leaves(kind: type[errors.PolicydError]) -> Iterator[type[errors.PolicydError]]:
    """The classes below *kind* that have none below, as far as the server's packages go."""
    below = [
        each
        for each in kind.__subclasses__()
        if not any(part in each.__module__ for part in _ELSEWHERE)
    ]
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def test_every_error_has_a_problem() -> None:
    """No leaf of the error tree is missing from the table of this test."""
    tested = {type(error) for error, _, _ in EXPECTED}
    assert set(leaves(errors.PolicydError)) <= tested


@pytest.mark.parametrize(("error", "status", "code"), EXPECTED, ids=repr)
def test_an_error_is_told(error: errors.PolicydError, status: int, code: str) -> None:
    """Its problem has a status, the error's own code and message, and the members of RFC 9457."""
    told = problem(error)
    body = json.loads(told.body())
    assert body == {
        "type": f"urn:policyd:problem:{code}",
        "title": told.title,
        "status": status,
        "code": code,
        "detail": error.message,
        **told.more,
    }
    assert KEBAB.fullmatch(code)
    assert (b"content-type", b"application/problem+json") in told.headers()


def test_a_query_is_told_where_it_is_wrong() -> None:
    """The problem of a query has its column, over how many characters, and what was expected."""
    error = errors.QueryRefused("said", column=5, length=3, expected=["`)`"])
    body = json.loads(problem(error).body())
    assert (body["column"], body["length"], body["expected"]) == (5, 3, ["`)`"])


@pytest.mark.parametrize(("status", "name"), [(401, b"www-authenticate"), (503, b"retry-after")])
def test_some_statuses_ask_for_something(status: int, name: bytes) -> None:
    """401 says how to present a key, 503 when to come back; others neither."""
    for each in (400, 401, 403, 500, 503):
        names = {header for header, _ in Problem(each, "t", "c", "d").headers()}
        assert (name in names) == (each == status)
