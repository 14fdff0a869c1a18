"""Exit codes: what a command says to the shell; the same for every command."""

from policyd.cli.server import Unanswered
from policyd.model.errors import ClockBehind, LedgerUnavailable, PolicydError

FINE = 0
FAILED = 1
USAGE = 2
UNDECIDED = 3
INTERRUPTED = 130
CLOSED_PIPE = 141


def exit_code(error: PolicydError) -> int:
    """The exit code of a command that ended with *error*."""
    is_undecided = isinstance(error, Unanswered | LedgerUnavailable | ClockBehind)
    return UNDECIDED if is_undecided else USAGE
