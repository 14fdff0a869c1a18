"""`policyd modes`: what enforcing a check or rule would have stopped, from the record."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say, say_json, say_table
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url
from policyd.model.errors import UsageError

_FIELDS = ("integration", "unit", "rule", "action", "dataset")
_SIZE = 100
_EXAMPLE = """\
policyd modes readiness unit
policyd modes readiness guardrail:payroll-stays-home --days 30"""
_CODES = "0 nothing would have been stopped, 1 some calls would, 2 refused, 3 no answer"


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    modes = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    modes.callback()(lambda: None)  # with one command alone, typer would leave out its name
    modes.command("readiness", epilog=ending(_EXAMPLE, _CODES))(readiness)
    app.add_typer(
        modes,
        name="modes",
        help="Modes: what `warn` and `observe` let pass.",
        epilog=ending("policyd modes readiness unit", _CODES),
    )


def readiness(
    what: Annotated[
        str, typer.Argument(metavar="CHECK|RULE", help="A check, or a rule as records name it.")
    ],
    *,
    days: Annotated[int, typer.Option(metavar="N", help="Of the last so many.")] = 30,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Say which calls a mode alone let pass: enforcing stops them.

    It is not said that nobody else would be: only what was asked in this time is on record.
    """
    query = urlencode({"q": question(what, days), "fields": ",".join(_FIELDS), "size": str(_SIZE)})
    body = Server.at(url).ask("GET", f"/v1/audit/facets?{query}").body
    found = having(("records", "facets"), body)
    if as_json:
        say_json(found)
    else:
        _tell(what, days, found)
    return FAILED if found["records"] else FINE


def question(what: str, days: int) -> str:
    """The query for allowed calls that a mode has let pass; a rule has a `:` in its name.

    Raises:
        UsageError: it can be neither a check nor a rule.
    """
    if not what or not what.isprintable() or set(what) & set('"\\*'):
        raise UsageError(f"`{what[:80]}` is no check and no rule", code="check-unknown")
    field = "rule" if ":" in what else "check"
    return f'decision:allow (mode:warn OR mode:observe) {field}:"{what}" after:-{days}d'


def _tell(what: str, days: int, found: dict[str, Any]) -> None:
    count = found["records"]
    if not count:
        say(f"`{what}` would have stopped nothing that was asked in the last {days} days")
        return
    say(f"`{what}` would have stopped {count:,} calls of the last {days} days", "bold")
    for facet in found["facets"]:
        rows = [(str(each["value"]), f"{each['records']:,}") for each in facet["counts"]]
        if rows:
            say_table((str(facet["field"]).upper(), "CALLS"), rows)
    if any(facet.get("other_values") for facet in found["facets"]):
        remark(f"Of each, the {_SIZE} most frequent are told.")
