"""`policyd init`: a new data folder, with an empty log and the first admin key."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FINE, notes
from policyd.cli.output import say, say_json

_NEXT = """
the admin key is not kept and cannot be shown again: put it into your secret store, and give the
verifier key to the auditors. Then
  policyd serve --data {data} --policies DIR
and, with the admin key in POLICYD_KEY,
  policyd keys create NAME --role pep --service --owner OWNER --unit UNIT"""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("init", epilog=notes("policyd init --data policyd-data --holder maria"))(init)


def init(
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="The folder to make. [env: POLICYD_DATA; default: policyd-data]"),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            help="The log's name, best a host and path of your own."
            " [env: POLICYD_ORIGIN; default: policyd.local/log]"
        ),
    ] = None,
    holder: Annotated[str, typer.Option(help="The person the admin key is for.")] = "admin",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Make a data folder with an empty log, and print its first admin key, this once."""
    from policyd.bootstrap import initialise
    from policyd.settings import read_settings

    settings = read_settings(data=data, origin=origin)
    made = initialise(settings.data, settings.origin, holder)
    if as_json:
        names = {"data": str(made.data), "origin": settings.origin, "holder": holder}
        say_json(names | {"key_id": made.key_id, "key": made.key, "vkey": made.vkey})
        return FINE
    say(f"data folder   {made.data}")
    say(f"verifier key  {made.vkey}")
    say(f"admin key     {made.key}", "bold")
    for line in _NEXT.format(data=shlex.quote(str(made.data))).split("\n"):
        say(line)
    return FINE
