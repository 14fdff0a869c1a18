"""`policyd check`: may this call run? Asked of the server, or tried on policy files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.answer import read_answer, show
from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending, listed
from policyd.cli.output import say, say_json
from policyd.cli.server import DEFAULT_URL, Server, Unanswered, Url

_PATH = "/access/v1/evaluation"
_EXAMPLE = """\
policyd check plants/dock-slots send erp/delivery-notes --fields note_no,plate \\
  --to dock-booking/slots --method POST --can mask
policyd check plants/dock-slots send erp/delivery-notes --to dock-booking/slots \\
  --method POST --policies policies"""
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
    call = f"{subject} {action} {data}" + (f" at {to}" if to else "")
    if policies:
        return _try(policies, question, call, as_json=as_json)
    return _ask(url, question, call, as_json=as_json)


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """*value* without what was not said, so that the answer is about the call alone."""
    kept = {name: _said(each) if isinstance(each, dict) else each for name, each in value.items()}
    return {name: each for name, each in kept.items() if each not in (None, [], {})}


def _ask(url: str, question: dict[str, Any], call: str, *, as_json: bool) -> int:
    reply = Server.at(url).ask("POST", _PATH, question)
    answer = read_answer(reply.body)
    if reply.decision_id is None:
        raise Unanswered(
            "the answer does not say where it is recorded",
            code="answer-unreadable",
            hint="ask policyd itself: something between leaves out its X-Decision-ID",
        )
    if as_json:
        say_json(reply.body | {"decision_id": reply.decision_id})
    else:
        show(answer, call)
        say(f"  recorded as {reply.decision_id}")
    return FINE if answer.decision else FAILED


def _try(policies: Path, question: dict[str, Any], call: str, *, as_json: bool) -> int:
    from policyd.cli.dry_run import NOTE, would_answer

    tried = would_answer(policies, question)
    answer = read_answer(tried)
    if as_json:
        # Without a `decision`, so that no program takes it for one.
        would = "allow" if tried.pop("decision") else "deny"
        say_json({"dry_run": True, "would": would, "note": NOTE} | tried)
    else:
        show(answer, call, note=NOTE)
    return FINE if answer.decision else FAILED
