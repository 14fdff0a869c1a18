"""`policyd explain`: how the decision on a call would come about, check by check."""

from pathlib import Path

import typer

from policyd.cli import question as q
from policyd.cli.exits import FINE
from policyd.cli.explanation import lines, read_explanation
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json
from policyd.cli.server import DEFAULT_URL, Server, Url

_PATH = "/v1/explain"
_EXAMPLE = """\
policyd explain plants/dock-slots send erp/delivery-notes --fields note_no,plate \\
  --to dock-booking/slots --method POST
policyd explain plants/dock-slots send erp/delivery-notes --to dock-booking/slots \\
  --method POST --policies policies"""
_CODES = (
    "0 explained, whatever it would be; 2 the question cannot be asked, 3 no explanation."
    " To have a call decided and recorded use `policyd check`"
)


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("explain", epilog=ending(_EXAMPLE, _CODES))(explain)


def explain(  # noqa: PLR0913 - one parameter per option
    subject: q.Subject,
    action: q.Action,
    data: q.Dataset,
    *,
    fields: q.Fields = None,
    to: q.To = None,
    path: q.Below = None,
    method: q.Method = None,
    rows: q.Rows = None,
    can: q.Can = None,
    labels: q.Labels = None,
    sources: q.Sources = None,
    policies: q.Policies = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Show every check of a call, its rule, and what is near."""
    asked = q.question(
        *(subject, action, data),
        fields=fields,
        to=to,
        path=path,
        method=method,
        rows=rows,
        can=can,
        labels=labels,
        sources=sources,
    )
    if policies:
        return _try(policies, asked, as_json=as_json)
    reply = Server.at(url).ask("POST", _PATH, asked)
    _show(reply.body, "the question is recorded; nothing was decided", as_json=as_json)
    return FINE


def _try(policies: Path, asked: q.Question, *, as_json: bool) -> int:
    from policyd.cli.dry_run import NOTE, would_explain

    explained = {"dry_run": True, "note": NOTE} | would_explain(policies, asked)
    _show(explained, NOTE, as_json=as_json)
    return FINE


def _show(explained: q.Question, note: str, *, as_json: bool) -> None:
    explanation = read_explanation(explained)
    if as_json:
        say_json(explained)
        return
    for text, style in lines(explanation, note):
        say(text, style)
