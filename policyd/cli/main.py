"""The command `policyd`: its subcommands, and what every one of them does with an error."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated

import typer

from policyd import __version__
from policyd.cli import (
    audit,
    changes,
    check,
    demo_command,
    destinations,
    explain,
    init,
    keys,
    lint,
    notices,
    policy_tests,
    publish,
    review,
    serve,
)
from policyd.cli.exits import CLOSED_PIPE, INTERRUPTED, UNDECIDED, USAGE, exit_code
from policyd.cli.output import say, tell
from policyd.cli.server import ServerTrouble
from policyd.model.errors import PolicydError, UsageError

_MODULES = (
    *(init, serve, check, explain, destinations, lint, policy_tests, review),
    *(publish, changes, notices, keys, audit, demo_command),
)
_GROUPS = (["audit"], ["changes"], ["destinations"], ["keys"])  # of commands
app = typer.Typer(
    name="policyd",
    help="The place a company asks before data moves.",
    epilog="Example: policyd COMMAND --help",
    add_completion=False,
    rich_markup_mode=None,  # plain help can be read, piped and searched anywhere
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - how typer calls it
    if value:
        say(f"policyd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Check, before data moves, whether it may; see what was decided, and why."""


for module in _MODULES:
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code.

    Args:
        arguments: Those after the program's name; None takes the process's own.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name must not stop a command, only look odd
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments) or ["--help"])
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has enough; Python would complain when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except Exception:  # noqa: BLE001 - the last resort
        # Python's own exit code for a fault, 1, would mean that a check failed.
        traceback.print_exc()
        tell(PolicydError("this is a fault in policyd: nothing was decided; please report it"))
        return UNDECIDED


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, prog_name="policyd", standalone_mode=False)
        sys.stdout.flush()
    except PolicydError as error:
        tell(error, error.hint if isinstance(error, ServerTrouble) else "")
        return exit_code(error)
    except typer.TyperException as error:
        tell(UsageError(_plain(error.format_message())), f"{_command(error, arguments)} --help")
        return USAGE
    return code if isinstance(code, int) else 0


def _command(error: typer.TyperException, arguments: list[str]) -> str:
    """The command that was misused; typer does not always say which one that is."""
    context = getattr(error, "ctx", None)
    if context:
        return str(context.command_path)
    words = list(takewhile(lambda each: not each.startswith("-"), arguments))
    return " ".join(["policyd", *words[: 2 if words[:1] in _GROUPS else 1]])


def _plain(message: str) -> str:
    """Typer's message the way ours are written.

    >>> _plain("Missing argument 'DIR'.")
    'missing argument `DIR`'
    """
    return f"{message[:1].lower()}{message[1:]}".rstrip(".").replace("'", "`")
