"""`policyd destinations`: what a URL becomes, and which listed destination it reaches."""

from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.findings import check_folder, told_in
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json

_EXAMPLE = "policyd destinations match https://crm.example/v3 --policies policies"
_CODES = "0 a destination lists it, 1 none does or it is refused, 2 there is no such folder"


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    destinations = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    destinations.callback()(_destinations)
    destinations.command("match", epilog=ending(_EXAMPLE, _CODES))(match)
    app.add_typer(
        destinations,
        name="destinations",
        help="Try a URL on the listed destinations of policy files.",
        epilog=ending("policyd destinations match --help", _CODES),
    )


def _destinations() -> None:
    """Keep `match` a command of its own: a typer with one command has no name for it."""


def match(
    url: Annotated[str, typer.Argument(metavar="URL", help="An absolute URL.")],
    *,
    policies: Annotated[
        Path, typer.Option(metavar="DIR", help="Look in these files; nothing is recorded.")
    ],
    as_json: AsJson = False,
) -> int:
    """Show what a URL becomes, or why it is refused, which entry lists it and which nearly do."""
    found = _look(policies, url)
    if as_json:
        say_json(found)
    else:
        _show(found)
    return FINE if found.get("destination") else FAILED


def _look(policies: Path, url: str) -> dict[str, Any]:
    from policyd.engine.destination import DestinationTable, UrlRefused, canonical
    from policyd.engine.nearness import near
    from policyd.policy.load import load

    check_folder(policies)
    with told_in(policies):
        listed = load(policies).destinations
    try:
        plain = canonical(url)
    except UrlRefused as refused:
        return {"refused": refused.problem}
    place = DestinationTable(listed).find(plain)
    return {
        "url": str(plain),
        "destination": place.name if place else None,
        "zone": place.zone if place else None,
        "methods": sorted(place.methods) if place else [],
        "who": sorted(place.who) if place else [],
        "near": [
            {"destination": each.destination.name, "fails": list(each.fails)}
            for each in near(listed.values(), plain)
        ],
    }


def _show(found: dict[str, Any]) -> None:
    if "refused" in found:
        say(f"refused: {found['refused']}", "red")
        return
    say(found["url"], "bold")
    if found["destination"]:
        say(f"  listed as {found['destination']}, in the zone {found['zone']}", "green")
    else:
        say("  no destination lists it", "red")
    for word, names in (("for the methods", found["methods"]), ("for", found["who"])):
        if names:
            say(f"  only {word} {', '.join(names)}")
    for each in found["near"]:
        say(f"  near: {each['destination']}, but for its {', '.join(each['fails'])}")
