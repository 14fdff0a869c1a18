"""`policyd init`: a new data folder, with an empty log and the first admin key."""

import shlex
from typing import Annotated

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, Data, ending
from policyd.cli.output import remark, say, say_json

_CODES = "0 done, 2 there is something already, or it cannot be written"
_NEXT = """\

The admin key is shown this once: keep it where secrets are kept. Give the verifier key to the
auditors. Then start the server:
  policyd serve --data {data} --policies DIR
and, with the admin key in POLICYD_KEY, make a key for whoever asks:
  policyd keys create NAME --service --owner TEAM --role pep --unit UNIT"""


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    example = "policyd init --data policyd-data --holder maria"
    app.command("init", epilog=ending(example, _CODES))(init)


def init(
    *,
    data: Data = None,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the log, for ever: best a host and path of your own."
            "  [POLICYD_ORIGIN, or policyd.local/log]",
        ),
    ] = None,
    holder: Annotated[
        str, typer.Option(metavar="NAME", help="The person who gets the admin key.")
    ] = "admin",
    as_json: AsJson = False,
) -> int:
    """Make a data folder with an empty log, and print its first admin key."""
    from policyd.bootstrap import initialise
    from policyd.settings import read_settings

    settings = read_settings(data=data, origin=origin)
    made = initialise(settings.data, settings.origin, holder)
    if as_json:
        about = {"data": str(made.data), "origin": settings.origin, "holder": holder}
        say_json(about | {"key_id": made.key_id, "key": made.key, "vkey": made.vkey})
        return FINE
    say(f"data folder   {made.data}")
    say(f"verifier key  {made.vkey}")
    say(f"admin key     {made.key}", "bold")
    for line in _NEXT.format(data=shlex.quote(str(made.data))).split("\n"):
        remark(line)
    return FINE
