"""`policyd changes`: what is proposed, and what becomes of it."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json, say_table
from policyd.cli.publish import Why
from policyd.cli.reply import having
from policyd.cli.review_lines import change_lines, review_lines, waits_for
from policyd.cli.server import DEFAULT_URL, Server, Url
from policyd.cli.waiting import done

_PATH = "/v1/policies/changes"
_CODES = "0 done, 2 refused, 3 no answer"

ChangeId = Annotated[str, typer.Argument(metavar="ID", help="As `policyd changes list` shows it.")]


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    changes = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    changes.command("list", epilog=ending("policyd changes list --all", _CODES))(list_)
    changes.command("show", epilog=ending("policyd changes show k3yk3yk3yk", _CODES))(show)
    approve_ = "policyd changes approve k3yk3yk3yk"
    changes.command("approve", epilog=ending(approve_, _CODES))(approve)
    refuse_ = 'policyd changes refuse k3yk3yk3yk --reason "the flow is still used"'
    changes.command("refuse", epilog=ending(refuse_, _CODES))(refuse)
    withdraw_ = 'policyd changes withdraw k3yk3yk3yk --reason "not needed"'
    changes.command("withdraw", epilog=ending(withdraw_, _CODES))(withdraw)
    publish_ = "policyd changes publish k3yk3yk3yk"
    changes.command("publish", epilog=ending(publish_, _CODES))(publish)
    app.add_typer(
        changes,
        name="changes",
        help="Changes of policy: list, show, approve, refuse, publish.",
        epilog=ending("policyd changes list", _CODES),
    )


def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is at its end.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """List the changes that may come into force, newest first."""
    path = f"{_PATH}?state={'all' if every else 'open'}"
    found = having(("changes",), Server.at(url).ask("GET", path).body)
    if as_json:
        say_json(found)
        return FINE
    rows = [
        (
            each["id"],
            each["state"],
            each["lane"] or "-",
            each["authors"][0],
            waits_for(each) or "-",
            each["title"],
        )
        for each in found["changes"]
    ]
    say_table(("ID", "STATE", "LANE", "FROM", "WAITS FOR", "TITLE"), rows)
    return FINE


def show(change_id: ChangeId, *, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """Show a change with what its review found."""
    return _told(_get(Server.at(url), change_id), as_json=as_json)


def approve(
    change_id: ChangeId,
    *,
    seen: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Only if its review still has this digest."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Approve a change for your key's owner; shows what you approve."""
    server = Server.at(url)
    change = _get(server, change_id)
    asked = {"decision": seen or change["decision"] or f"sha256:{'0' * 64}"}
    answer = server.ask("POST", f"{_PATH}/{quote(change_id, safe='')}/approvals", asked)
    return _told(answer.body, as_json=as_json)


def refuse(
    change_id: ChangeId, *, reason: Why, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> int:
    """Refuse a change for good."""
    path = f"{_PATH}/{quote(change_id, safe='')}/refusal"
    return _told(Server.at(url).ask("POST", path, {"why": reason}).body, as_json=as_json)


def withdraw(
    change_id: ChangeId, *, reason: Why, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> int:
    """Take a change of your own back."""
    path = f"{_PATH}/{quote(change_id, safe='')}/withdrawal"
    return _told(Server.at(url).ask("POST", path, {"why": reason}).body, as_json=as_json)


def publish(  # noqa: PLR0913 - one parameter per option
    change_id: ChangeId,
    *,
    minutes: Annotated[
        int | None,
        typer.Option("--shadow-minutes", metavar="N", help="First decide beside, so long."),
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option("--shadow-calls", metavar="N", help="First decide so many calls beside."),
    ] = None,
    emergency: Annotated[
        int | None,
        typer.Option(metavar="HOURS", help="Before it is approved; say why with --reason."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; it is recorded for ever.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Put an approved change in force; after a shadow, if asked to.

    Interrupted, the command alone ends; the server goes on.
    """
    server = Server.at(url)
    shadow = {"minutes": minutes, "calls": calls}
    asked: dict[str, Any] = {"why": reason} if reason else {}
    if minutes is not None or calls is not None:
        asked["shadow"] = {name: each for name, each in shadow.items() if each is not None}
    if emergency is not None:
        asked["emergency"] = {"hours": emergency}
    path = f"{_PATH}/{quote(change_id, safe='')}/publication"
    done(server, server.ask("POST", path, asked).body)
    return _told(_get(server, change_id), as_json=as_json)


def _get(server: Server, change_id: str) -> dict[str, Any]:
    path = f"{_PATH}/{quote(change_id, safe='')}"
    return having(("id", "state", "decision"), server.ask("GET", path).body)


def _told(change: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        say_json(change)
        return FINE
    if change.get("review"):
        for line in review_lines(change["review"]):
            say(line)
    for line in change_lines(change):
        say(line)
    return FINE
