"""`policyd check`: may this call run? Asked of the server, or tried on policy files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.answer import show
from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending, listed
from policyd.cli.output import say_json
from policyd.cli.server import DEFAULT_URL, Server, Unanswered, Url

_PATH = "/access/v1/evaluation"
_EXAMPLE = """\
policyd check sales/newsletter-sync send crm/contacts --fields name,email --to newsletter/api
policyd check sales/newsletter-sync read crm/contacts --to crm/api --policies policies"""
_CODES = "0 allow, 1 deny, 2 the question cannot be asked, 3 could not decide: do not go on"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("check", epilog=ending(_EXAMPLE, _CODES))(check)


def check(  # noqa: PLR0913 - one parameter per option
    subject: Annotated[str, typer.Argument(help="The integration, as unit/name.")],
    action: Annotated[str, typer.Argument(help="read, write, send or delete.")],
    data: Annotated[str, typer.Argument(help="The dataset, as system/dataset.")],
    *,
    fields: Annotated[
        list[str] | None, typer.Option(metavar="A,B,…", help="Fields that move; all if not given.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            "--endpoint",
            metavar="PLACE",
            help="The endpoint: a connection such as crm/api, or a URL.",
        ),
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="A path below the endpoint.")
    ] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="The HTTP method.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="How many rows move.")
    ] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(metavar="DUTY,…", help="Obligations you fulfil; else what the key says."),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL,…", help="Labels of the data; they can only add."),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Decide by these files; nothing is asked or recorded."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Ask whether a call may run. The server records the question and its answer."""
    question = _said(
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
                "supported_obligations": listed(can),
                "policyd": {"include": ["reasons", "valid-until"]},
            },
        }
    )
    answer = _tried(policies, question) if policies else _asked(url, question)
    if as_json:
        say_json(answer)
    else:
        show(answer, f"{subject} {action} {data}" + (f" at {to}" if to else ""))
    return FINE if answer.get("decision") is True or answer.get("would") == "allow" else FAILED


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """*value* without what was not said, so that the answer is about the call alone."""
    kept = {name: _said(each) if isinstance(each, dict) else each for name, each in value.items()}
    return {name: each for name, each in kept.items() if each not in (None, [], {})}


def _asked(url: str, question: dict[str, Any]) -> dict[str, Any]:
    answer = Server.at(url).ask("POST", _PATH, question)
    if not isinstance(answer.body.get("decision"), bool):
        raise Unanswered(
            f"{url} gave no decision", code="not-policyd", hint="correct --url or POLICYD_URL"
        )
    return answer.body | {"decision_id": answer.decision_id}


def _tried(policies: Path, question: dict[str, Any]) -> dict[str, Any]:
    from policyd.cli.dry_run import would

    return would(policies, question)
