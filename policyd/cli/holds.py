"""`policyd audit hold`: place, list and release legal holds on a running server."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json, say_table
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url

_PATH = "/v1/audit/holds"
_CODES = "0 done, 2 refused (the key's role, or no such hold), 3 no answer"
_ADD = 'policyd audit hold add case-17 --unit sales --reason "order of the court of 3 May"'
_RELEASE = 'policyd audit hold release case-17 --reason "the case is closed"'

HoldName = Annotated[str, typer.Argument(metavar="NAME", help="Lower-case words and hyphens.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded for ever.")]


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the commands."""
    hold = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    hold.command("add", epilog=ending(_ADD, _CODES))(add)
    hold.command("list", epilog=ending("policyd audit hold list", _CODES))(list_)
    hold.command("release", epilog=ending(_RELEASE, _CODES))(release)
    audit.add_typer(
        hold,
        name="hold",
        help="Legal holds: what is under one is neither erased nor pruned.",
        epilog=ending("policyd audit hold list", _CODES),
    )


def add(  # noqa: PLR0913 - one parameter per option
    name: HoldName,
    *,
    reason: Reason,
    subject: Annotated[
        str | None, typer.Option(metavar="TYPE:ID", help="On records about somebody.")
    ] = None,
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="On a unit's calls.")] = None,
    first: Annotated[int | None, typer.Option(metavar="N", help="From this record on.")] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="So many records, from the first on.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Place a hold; it is on the records that fit all that is said."""
    said = {"subject": subject, "unit": unit, "first": first, "count": count}
    asked = {"name": name, "reason": reason} | {
        each: value for each, value in said.items() if value is not None
    }
    return _told(Server.at(url).ask("POST", _PATH, asked).body, "placed", as_json=as_json)


def list_(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """List every hold, released ones too."""
    found = having(("holds",), Server.at(url).ask("GET", _PATH).body)
    if as_json:
        say_json(found)
    else:
        say_table(("NAME", "ON", "PLACED", "BY", "STATE", "REASON"), map(_row, found["holds"]))
    return FINE


def release(
    name: HoldName, *, reason: Reason, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> int:
    """Release a hold; it takes an auditor's key."""
    path = f"{_PATH}/{quote(name, safe='')}?reason={quote(reason, safe='')}"
    answer = Server.at(url).ask("DELETE", path)
    return _told(answer.body, "released", as_json=as_json)


def _told(body: dict[str, Any], verb: str, *, as_json: bool) -> int:
    hold = having(("name", "scope", "index"), body)
    if as_json:
        say_json(hold)
    else:
        say(f"{verb}  {hold['name']}, on {_scope(hold['scope'])}")
    return FINE


def _row(hold: Mapping[str, Any]) -> tuple[str, ...]:
    state = "held" if hold["released"] is None else f"released by record {hold['released']}"
    on = _scope(hold["scope"])
    return (str(hold["name"]), on, str(hold["placed_at"]), str(hold["by"]), state, hold["reason"])


def _scope(scope: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in scope.items())
