"""`policyd keys`: make, list and revoke keys on a running server."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, ending, listed
from policyd.cli.output import remark, say, say_json, say_table
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url

_PATH = "/v1/keys"
_CODES = "0 done, 2 refused (no admin's key, or no such key), 3 no answer"
_CREATE = """\
policyd keys create pay-run --service --owner hr-data --role pep --integration hr/pay-run
policyd keys create kim --role builder --unit hr"""


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    keys = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    keys.command("create", epilog=ending(_CREATE, _CODES))(create)
    keys.command("list", epilog=ending("policyd keys list", _CODES))(list_)
    keys.command("revoke", epilog=ending("policyd keys revoke k3yk3yk3", _CODES))(revoke)
    app.add_typer(
        keys,
        name="keys",
        help="Make, list and revoke keys; POLICYD_KEY holds an admin's.",
        epilog=ending("policyd keys create --help", _CODES),
    )


def create(  # noqa: PLR0913 - one parameter per option
    holder: Annotated[str, typer.Argument(help="The person or service that gets the key.")],
    *,
    role: Annotated[
        list[str],
        typer.Option(metavar="ROLE", help="pep, builder, author, approver, auditor or admin."),
    ],
    service: Annotated[bool, typer.Option("--service", help="The holder is a service.")] = False,
    owner: Annotated[
        str | None, typer.Option(metavar="TEAM", help="Who answers for the service.")
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="UNIT",
            help="A unit that the key may speak for; an auditor's then reads of it alone.",
        ),
    ] = None,
    integration: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT/NAME", help="An integration that the key may speak for."),
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(metavar="DUTY,…", help="Obligations that the holder fulfils."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Make a key. It is shown once. Options that take a name may be given several times."""
    wanted = {
        "holder": holder,
        "kind": "service" if service else "person",
        "owner": owner,
        "roles": listed(role),
        "units": listed(unit),
        "integrations": listed(integration),
        "supported_obligations": listed(can),
    }
    made = having(("id", "key"), Server.at(url).ask("POST", _PATH, wanted).body)
    if as_json:
        say_json(made)
        return FINE
    say(str(made["key"]), "bold")
    for each in made.get("unknown", ()):
        remark(f"Note: the policy in force has no {each}; the key is good for it once it does.")
    remark(f"The key {made['id']} is shown this once: keep it where secrets are kept.")
    return FINE


def list_(*, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """List every key, revoked ones too; never a secret."""
    found = having(("keys",), Server.at(url).ask("GET", _PATH).body)
    if as_json:
        say_json(found)
    else:
        head = ("ID", "HOLDER", "KIND", "OWNER", "ROLES", "SPEAKS FOR", "STATE")
        say_table(head, [_row(key) for key in found["keys"]])
    return FINE


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `policyd keys list` shows it.")],
    *,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Revoke a key, from now on."""
    answer = Server.at(url).ask("DELETE", f"{_PATH}/{quote(key_id, safe='')}")
    revoked = having(("id", "holder", "revoked_at"), answer.body)
    if as_json:
        say_json(revoked)
    else:
        say(f"{revoked['id']} of {revoked['holder']}: revoked {revoked['revoked_at']}")
    return FINE


def _row(key: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(key["id"]),
        str(key["holder"]),
        str(key["kind"]),
        str(key["owner"] or "-"),
        " ".join(key["roles"]),
        " ".join([*key["units"], *key["integrations"]]) or "-",
        f"revoked {key['revoked_at']}" if key["revoked_at"] else "live",
    )
