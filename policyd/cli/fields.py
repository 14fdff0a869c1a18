"""`policyd audit fields`: what a query may ask about, without a server."""

from typing import Annotated

import typer

from policyd.cli.exits import FINE
from policyd.cli.layout import say_members, say_rows, say_text
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say_json
from policyd.model.errors import UsageError
from policyd.search.fields import FIELDS, Field, near_field

_EXAMPLE = """\
policyd audit fields
policyd audit fields outcome"""
_CODES = "0 shown, 2 there is no such field"


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the command."""
    audit.command("fields", epilog=ending(_EXAMPLE, _CODES))(fields)


def fields(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which; without it, list them.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Show the fields of the query language."""
    if name is None:
        if as_json:
            say_json({"fields": [_said(each) for each in FIELDS.values()]})
        else:
            say_rows(
                ("FIELD", "EXAMPLE", "ASKS FOR"),
                [(each.name, each.example, each.about) for each in FIELDS.values()],
            )
        return FINE
    if name not in FIELDS:
        meant = near_field(name)
        hint = f"did you mean `{meant}`?" if meant in FIELDS else "`policyd audit fields` has all"
        raise UsageError(f"there is no field `{name}`: {hint}", code="query-unknown-field")
    field = FIELDS[name]
    if as_json:
        say_json(_said(field))
        return FINE
    say_text(field.about)
    needs = " or ".join(field.roles) or "any key that may search"
    values = " ".join(field.words) or field.kind.value
    say_members([("example", field.example), ("values", values), ("needs", needs)])
    return FINE


def _said(field: Field) -> dict[str, object]:
    return {
        "name": field.name,
        "form": field.kind.value,
        "words": list(field.words),
        "about": field.about,
        "example": field.example,
        "roles": list(field.roles),
    }
