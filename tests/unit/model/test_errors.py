"""The error tree: stable codes, and findings that can be followed to their place."""

import pytest

from policyd.model import errors
from policyd.model.errors import PolicydError, PolicyInvalid
from policyd.model.findings import Finding

CODES = {
    "PolicydError": "internal-error",
    "CallRefused": "call-malformed",
    "CallMalformed": "call-malformed",
    "CallTooLarge": "call-too-large",
    "CallerRefused": "forbidden",
    "KeyUnknown": "unauthenticated",
    "OutOfScope": "forbidden",
    "NotFound": "not-found",
    "Conflict": "conflict",
    "Gone": "gone",
    "QuestionRefused": "question-refused",
    "SearchUnavailable": "search-unavailable",
    "PolicyUnread": "policy-unread",
    "LedgerUnavailable": "audit-unavailable",
    "LedgerStalled": "audit-unavailable",
    "ClockBehind": "clock-behind",
    "DataFolderError": "data-folder",
    "UsageError": "usage",
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_codes_are_stable(name: str, code: str) -> None:
    """Each error has the code that clients know it by, and the message it was given."""
    error = getattr(errors, name)("what is wrong")
    assert isinstance(error, PolicydError)
    assert (error.code, error.message, str(error)) == (code, "what is wrong", "what is wrong")
    assert getattr(errors, name)("x", code="other").code == "other"


def test_every_error_is_in_the_table() -> None:
    """No error is without its stable code."""
    leaves = {each.__name__ for each in vars(errors).values() if _is_error(each)}
    assert leaves == CODES.keys() | {"PolicyInvalid", "QueryRefused", "RecordsLost"}


def _is_error(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, PolicydError)


FINDING = Finding("units/hr/access.yaml", 3, 5, "bad-key", "there is no key `alow`")


@pytest.mark.parametrize(("number", "said"), [(1, "1 finding;"), (2, "2 findings;")])
def test_an_invalid_policy_has_its_findings(number: int, said: str) -> None:
    """The error carries every finding and says how many there are."""
    error = PolicyInvalid([FINDING] * number)
    assert error.findings == (FINDING,) * number
    assert error.code == "policy-invalid"
    assert said in str(error)


def test_lost_records_are_named() -> None:
    """The error carries which records are lost."""
    error = errors.RecordsLost("a copy would help", range(256, 512))
    assert (error.code, error.message, error.records) == (
        "segment-lost",
        "a copy would help",
        range(256, 512),
    )


def test_a_finding_can_be_followed() -> None:
    """It reads as file:line:column, which editors jump to, and sorts by place."""
    assert str(FINDING) == "units/hr/access.yaml:3:5: bad-key there is no key `alow`"
    assert min(FINDING, FINDING._replace(line=1)).line == 1


def test_a_refused_query_has_its_place() -> None:
    """The error says where in the text it shows, over at least one character."""
    told = errors.QueryRefused("x", column=5, length=0, expected=["`)`"], code="query-unbalanced")
    assert (told.column, told.length, told.expected) == (5, 1, ("`)`",))
    assert told.code == "query-unbalanced"
    assert errors.QueryRefused("x", column=1).code == "query-unreadable"
