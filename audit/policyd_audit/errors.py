"""The error tree of the auditor's side.

VerificationError
├── Unreadable      the file cannot be opened or read now; says nothing about the evidence
├── Malformed       a file, record, tile, note or key that is not in its format
├── Contradiction   well-formed parts that do not agree with each other
├── SignatureError  a checkpoint that the given key did not sign
└── NoSuchRecord    the ledger has no record of that number or id

The verifier collects these as findings; everything else raises them.
"""

Fact = int | str

_SHOWN = 80


class VerificationError(Exception):
    """Evidence that does not hold, with a stable `code` and the place it was found.

    Args:
        code: Kebab-case and stable; scripts may rely on it.
        message: For people; names the record, tile, line or file.
        facts: The place again, for scripts: `record`, `id`, `tile`, `position`, …
    """

    def __init__(self, code: str, message: str, **facts: Fact) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts


class Unreadable(VerificationError):
    """The file cannot be opened or read now, so nothing could be decided."""


class Malformed(VerificationError):
    """A file, record, tile, note or key that is not in its format."""


class Contradiction(VerificationError):
    """Well-formed parts of the evidence that do not agree with each other."""


class SignatureError(VerificationError):
    """A checkpoint that the given key did not sign."""


class NoSuchRecord(VerificationError):
    """The ledger has no record of that number or id."""


def shown(text: str) -> str:
    r"""Return *text* quoted for a message: on one line, ASCII, not long.

    >>> shown("a\nb")
    '`a\\nb`'
    """
    kept = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f"`{ascii(kept)[1:-1]}`"
