"""A call as it is written on the command line: the arguments and options of `check`, `explain`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.options import listed

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="The integration, as unit/name.")]
Action = Annotated[str, typer.Argument(metavar="ACTION", help="read, write, send or delete.")]
Dataset = Annotated[str, typer.Argument(metavar="DATA", help="The dataset, as system/dataset.")]
Fields = Annotated[
    list[str] | None, typer.Option(metavar="A,B,…", help="Fields that move; all if not given.")
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        "--endpoint",
        metavar="PLACE",
        help="The endpoint: a connection such as crm/api, or a URL.",
    ),
]
Below = Annotated[
    str | None, typer.Option("--path", metavar="PATH", help="A path below the endpoint.")
]
Method = Annotated[str | None, typer.Option(metavar="METHOD", help="The HTTP method.")]
Rows = Annotated[int | None, typer.Option(min=0, metavar="N", help="How many rows move.")]
Can = Annotated[
    list[str] | None,
    typer.Option(metavar="DUTY,…", help="Obligations you fulfil; else what the key says."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL,…", help="Labels of the data; they can only add."),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(metavar="DATA,…", help="Of a write: the datasets the data comes from."),
]
Policies = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Decide by these files; nothing is asked or recorded."),
]

_OPTIONS = {
    "context.endpoint": "--to",
    "context.path": "--path",
    "context.method": "--method",
    "in context.supported_obligations": "with --can",
    "resource.properties.fields": "--fields",
    "action.properties.rows": "--rows",
}
Question = dict[str, Any]
"""The body of an AuthZEN evaluation request."""


def question(  # noqa: PLR0913 - one parameter per option
    subject: str,
    action: str,
    data: str,
    *,
    fields: list[str] | None,
    to: str | None,
    path: str | None,
    method: str | None,
    rows: int | None,
    can: list[str] | None,
    labels: list[str] | None,
    sources: list[str] | None,
) -> Question:
    """The request that asks about this call; what was not said is left out."""
    return _said(
        {
            "subject": {"type": "integration", "id": subject},
            "action": {"name": action, "properties": {"rows": rows}},
            "resource": {
                "type": "dataset",
                "id": data,
                "properties": {"fields": listed(fields), "labels": listed(labels)},
            },
            "context": {
                "endpoint": to,
                "path": path,
                "method": method,
                "sources": listed(sources),
                "supported_obligations": listed(can),
            },
        }
    )


def in_options(text: str) -> str:
    """What is said of a request's members, by the options that they are written with.

    >>> in_options("send context.method with the call")
    'send --method with the call'
    """
    for member, option in _OPTIONS.items():
        text = text.replace(member, option)
    return text


def in_a_line(asked: Question) -> str:
    """The call in words: `sales/mailer send crm/contacts at newsletter/api`."""
    to = asked.get("context", {}).get("endpoint")
    at = f" at {to}" if to else ""
    return f"{asked['subject']['id']} {asked['action']['name']} {asked['resource']['id']}{at}"


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """*value* without what was not said, so that the answer is about the call alone."""
    kept = {name: _said(each) if isinstance(each, dict) else each for name, each in value.items()}
    return {name: each for name, each in kept.items() if each not in (None, [], {})}
