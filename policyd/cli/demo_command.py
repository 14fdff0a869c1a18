"""`policyd demo`: real calls played against a server of its own."""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import notes


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("demo", epilog=notes("policyd demo --once"))(demo)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit at the end of the play.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to serve on.")] = 8321,
    policies: Annotated[Path, typer.Option(help="The sample company.")] = Path("policies"),
) -> int:
    """Start a server on a temporary folder, play calls against it, and forge its log."""
    from policyd.cli.demo import demo as play

    return play(once=once, port=port, policies=policies)
