"""`policyd notices`: what waits for somebody, or is about to end."""

from typing import Annotated

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say_json, say_table
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url

_CODES = "0 done, 2 refused, 3 no answer"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("notices", epilog=ending("policyd notices --days 30", _CODES))(notices)


def notices(
    *,
    days: Annotated[int, typer.Option(metavar="N", help="Of what ends: within so many.")] = 14,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """List what waits for somebody, and what is about to end."""
    found = having(("notices",), Server.at(url).ask("GET", f"/v1/notices?days={days}").body)
    if as_json:
        say_json(found)
        return FINE
    rows = [
        (each["until"][:19] or "-", each["code"], each["owner"] or "-", each["message"])
        for each in found["notices"]
    ]
    say_table(("UNTIL", "WHAT", "FOR", "MESSAGE"), rows)
    return FINE
