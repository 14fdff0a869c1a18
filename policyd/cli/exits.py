"""Exit codes: what a command says to the shell; the same for every command."""

from policyd.cli.server import Unanswered
from policyd.model.errors import ClockBehind, LedgerUnavailable, PolicydError

FINE = 0
FAILED = 1
USAGE = 2
UNDECIDED = 3
INTERRUPTED = 130
CLOSED_PIPE = 141

_MEANINGS = "Exit codes: 0 fine, 1 the check failed, 2 usage or configuration, 3 could not decide."


def exit_code(error: PolicydError) -> int:
    """The exit code of a command that ended with *error*."""
    is_undecided = isinstance(error, Unanswered | LedgerUnavailable | ClockBehind)
    return UNDECIDED if is_undecided else USAGE


def notes(*examples: str) -> str:
    """The end of a command's help: examples as they are typed, and the exit codes."""
    head = "Example:" if len(examples) == 1 else "Examples:"
    lines = "\n".join(f"  {each}" for each in examples)
    return f"\b\n{head}\n{lines}\n\n{_MEANINGS}"  # \b: typer leaves the paragraph as it is
