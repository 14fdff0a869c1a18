"""Errors as RFC 9457 problem+json: one table from error class to status."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from policyd.model import errors

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """An HTTP error: its status, its stable code, and what to do.

    `more` has members of this error alone, such as the column of a query where it shows.
    """

    status: int
    title: str
    code: str
    detail: str
    more: Mapping[str, object] = field(default_factory=dict)

    def body(self) -> bytes:
        """The problem+json document."""
        return msgspec.json.encode(
            {
                "type": f"urn:policyd:problem:{self.code}",
                "title": self.title,
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                **self.more,
            }
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Content type, and what the status asks for: a challenge, or when to come back."""
        extra = {
            401: [(b"www-authenticate", b'Bearer realm="policyd", Basic realm="policyd"')],
            503: [(b"retry-after", str(RETRY_AFTER_S).encode())],
        }
        return [(b"content-type", CONTENT_TYPE), *extra.get(self.status, [])]


# The first class that fits decides.
STATUS: tuple[tuple[type[errors.PolicydError], int, str], ...] = (
    (errors.CallRefused, 400, "The request cannot be judged"),
    (errors.UsageError, 400, "The request cannot be carried out"),
    (errors.KeyUnknown, 401, "A key is needed"),
    (errors.CallerRefused, 403, "This key may not do that"),
    (errors.RecordsLost, 410, "These records are lost"),
    (errors.NotFound, 404, "There is no such thing"),
    (errors.QueryRefused, 422, "The query cannot be read"),
    (errors.QuestionRefused, 422, "The question does not hang together"),
    (errors.SearchUnavailable, 503, "The log cannot be searched now"),
    (errors.Gone, 410, "It was there once"),
    (errors.Conflict, 409, "It cannot be done as things stand"),
    (errors.PolicyInvalid, 409, "The policy tree has findings"),
    (errors.PolicyUnread, 503, "The policies could not be read"),
    (errors.LedgerUnavailable, 503, "No record, no answer"),
    (errors.ClockBehind, 503, "The clock is behind the log"),
    (errors.DataFolderError, 503, "The data folder cannot be used"),
    (errors.PolicydError, 500, "Something went wrong"),
)


def problem(error: errors.PolicydError) -> Problem:
    """The problem that tells of *error*."""
    status, title = next(
        (status, title) for kind, status, title in STATUS if isinstance(error, kind)
    )
    if error.code in _OWN_STATUS:
        status = _OWN_STATUS[error.code]
    return Problem(status, title, error.code, error.message, _more(error))


def _more(error: errors.PolicydError) -> Mapping[str, object]:
    if isinstance(error, errors.QueryRefused):
        return {"column": error.column, "length": error.length, "expected": list(error.expected)}
    return {}


_OWN_STATUS = {"body-too-large": 413, "method-not-allowed": 405, "query-field-forbidden": 403}

INTERNAL = Problem(
    500,
    "Something went wrong",
    "internal-error",
    "the request could not be handled; nothing was allowed; see the server's log",
)
