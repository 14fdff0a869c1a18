"""The whole error tree.

PolicydError
├── CallRefused            the request cannot be judged; nothing was decided
│   ├── CallMalformed      not one well-formed AuthZEN request
│   └── CallTooLarge       beyond a documented bound
├── CallerRefused          who asks may not ask this
│   ├── KeyUnknown         no key, or one that is unknown or revoked
│   └── OutOfScope         a good key, but not for this
├── NotFound               no such thing, or not for this caller
│   └── RecordsLost        they were there: the file that has them is damaged or missing
├── QueryRefused           a question about the log that cannot be read
├── QuestionRefused        one that can be read, but does not go together: a cursor of another one
├── SearchUnavailable      the log could not be searched now
├── Gone                   it was there, and was removed on purpose
├── Conflict               it was done before, or comes too late
├── PolicyInvalid          a policy tree with findings; the old one stays in force
├── PolicyUnread           the process that reads policy ended or hung; the old one stays in force
├── LedgerUnavailable      the record could not be made durable; so there is no answer
├── ClockBehind            the machine's clock is behind the last committed record
├── DataFolderError        the data folder cannot be used
└── UsageError             a command or setting that cannot be carried out

A denial is not an error: it is a `Decision`.
"""

from collections.abc import Sequence

from policyd.model.findings import Finding


class PolicydError(Exception):
    """Something that kept policyd from answering, with a stable `code` and the way out."""

    code = "internal-error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class CallRefused(PolicydError):
    """The request cannot be judged; nothing was decided."""

    code = "call-malformed"


class CallMalformed(CallRefused):
    """Not one well-formed AuthZEN request."""


class CallTooLarge(CallRefused):
    """The request is beyond a documented bound."""

    code = "call-too-large"


class CallerRefused(PolicydError):
    """Who asks may not ask this."""

    code = "forbidden"


class KeyUnknown(CallerRefused):
    """No key was sent, or one that is unknown or revoked."""

    code = "unauthenticated"


class OutOfScope(CallerRefused):
    """A good key, but not for this role, unit or integration."""


class NotFound(PolicydError):
    """There is no such thing, or this caller may not know of it."""

    code = "not-found"


class RecordsLost(NotFound):
    """Records that the log has, but whose file is damaged or missing; the way out is a copy."""

    code = "segment-lost"

    def __init__(self, message: str, records: range) -> None:
        super().__init__(message)
        self.records = records


class QueryRefused(PolicydError):
    """A question about the log that cannot be read, and where in it that shows.

    Attributes:
        column: Where it shows, counted from 1.
        length: Over how many characters, at least 1.
        expected: What could stand there instead, as it is written or in words.
    """

    code = "query-unreadable"

    def __init__(
        self,
        message: str,
        *,
        column: int,
        length: int = 1,
        expected: Sequence[str] = (),
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.column = column
        self.length = max(length, 1)
        self.expected = tuple(expected)


class QuestionRefused(PolicydError):
    """A question about the log whose parts do not go together."""

    code = "question-refused"


class SearchUnavailable(PolicydError):
    """The log could not be searched: too many ask, or the process that does it has ended."""

    code = "search-unavailable"


class Gone(PolicydError):
    """It was there, and was removed on purpose; there is a record of that."""

    code = "gone"


class Conflict(PolicydError):
    """It cannot be done as things stand: it was done before, or comes too late."""

    code = "conflict"


class PolicyInvalid(PolicydError):
    """A policy tree with findings; whatever was in force before stays so."""

    code = "policy-invalid"

    def __init__(self, findings: Sequence[Finding]) -> None:
        plural = "finding" if len(findings) == 1 else "findings"
        super().__init__(f"the policy tree has {len(findings)} {plural}; run `policyd lint` on it")
        self.findings = tuple(findings)


class PolicyUnread(PolicydError):
    """The process that reads policy did not say what is in it; the old policy stays in force."""

    code = "policy-unread"


class LedgerUnavailable(PolicydError):
    """The record could not be made durable, so nothing may be answered."""

    code = "audit-unavailable"


class LedgerStalled(LedgerUnavailable):
    """The record is not durable yet, and may still become so: it stands for no answer."""


class ClockBehind(PolicydError):
    """The machine's clock is behind the last committed record."""

    code = "clock-behind"


class DataFolderError(PolicydError):
    """The data folder is missing, taken, damaged or cannot be written."""

    code = "data-folder"


class UsageError(PolicydError):
    """A command or a setting that cannot be carried out."""

    code = "usage"
