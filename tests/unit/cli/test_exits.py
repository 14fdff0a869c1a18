"""Exit codes."""

import pytest

from policyd.cli.exits import UNDECIDED, USAGE, exit_code
from policyd.cli.server import Refused, Unanswered
from policyd.model.errors import (
    CallMalformed,
    ClockBehind,
    DataFolderError,
    LedgerUnavailable,
    PolicydError,
    PolicyInvalid,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), USAGE),
        (DataFolderError("x"), USAGE),
        (PolicyInvalid(()), USAGE),
        (CallMalformed("x"), USAGE),
        (Refused("x", code="forbidden"), USAGE),
        (Unanswered("x", code="server-unreachable"), UNDECIDED),
        (LedgerUnavailable("x"), UNDECIDED),
        (ClockBehind("x"), UNDECIDED),
    ],
)
def test_an_error_is_never_a_denial(error: PolicydError, code: int) -> None:
    """Mistakes end with 2 and missing answers with 3; 0 and 1 are left for answers."""
    assert exit_code(error) == code
