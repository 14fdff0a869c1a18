"""`policyd destinations`: what a URL becomes, and which listed destination takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say_json
from policyd.cli.server import DEFAULT_URL, Server, Url
from policyd.model.errors import CallMalformed

_PATH = "/v1/destinations/match"
_EXAMPLE = """\
policyd destinations match crm/api --path contacts --method POST
policyd destinations match https://eu1.crm-cloud.example/v3/ --policies policies"""
_CODES = "0 an entry takes it, 1 none does, 2 the question cannot be asked, 3 no answer"


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    destinations = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    destinations.callback()(_destinations)
    destinations.command("match", epilog=ending(_EXAMPLE, _CODES))(match)
    app.add_typer(
        destinations,
        name="destinations",
        help="Try a URL on the listed destinations.",
        epilog=ending("policyd destinations match --help", _CODES),
    )


def _destinations() -> None:
    """Keep `match` a command of its own: a typer with one command has no name for it."""


def match(  # noqa: PLR0913 - one parameter per option
    place: Annotated[
        str, typer.Argument(metavar="URL", help="An absolute URL, or a connection such as crm/api.")
    ],
    *,
    path: Annotated[str | None, typer.Option(metavar="PATH", help="A path below it.")] = None,
    method: Annotated[
        str | None, typer.Option(metavar="METHOD", help="The HTTP method; else any.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="UNIT/NAME", help="The integration; else any.")
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Look in these files; nothing is asked or recorded."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Show what a URL becomes, which entry takes it and which nearly do."""
    said = {"endpoint": place, "path": path, "method": method, "subject": subject}
    asked = {name: each for name, each in said.items() if each is not None}
    _check_text(asked)
    if policies:
        return _try(policies, asked, as_json=as_json)
    body = Server.at(url).ask("GET", f"{_PATH}?{urlencode(asked)}").body
    return _tell(body, as_json=as_json)


def _check_text(asked: Mapping[str, str]) -> None:
    """Nothing, if all of it is text, which an argument of other bytes is not.

    Raises:
        CallMalformed: a part is not.
    """
    for name, each in asked.items():
        try:
            each.encode()
        except UnicodeEncodeError:
            raise CallMalformed(f"`{name}` is not UTF-8") from None


def _try(policies: Path, asked: dict[str, str], *, as_json: bool) -> int:
    from policyd.cli.dry_run import NOTE, would_match

    tried = would_match(policies, asked)
    return _tell({"dry_run": True, "note": NOTE} | tried, NOTE, as_json=as_json)


def _tell(body: dict[str, Any], note: str = "", *, as_json: bool) -> int:
    from policyd.cli.match import read_match, show

    found = read_match(body)
    if as_json:
        say_json(body)
    else:
        show(found, note=note)
    return FINE if found.destination else FAILED
