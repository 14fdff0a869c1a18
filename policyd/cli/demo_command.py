"""`policyd demo`: real calls played against a server of its own."""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.findings import check_folder
from policyd.cli.options import ending

_CODES = "0 all went by the script, 1 it did not, 2 it could not start, 130 stopped with Ctrl-C"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("demo", epilog=ending("policyd demo --once", _CODES))(demo)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit at the end of the play.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to serve on.")] = 8321,
    policies: Annotated[Path, typer.Option(metavar="DIR", help="The sample company.")] = Path(
        "policies"
    ),
) -> int:
    """Start a server, play calls against it, and forge its log."""
    from policyd.cli.demo import demo as play

    check_folder(policies)
    return play(once=once, port=port, policies=policies)
