"""`policyd check`: may this call run? Asked of the server, or tried on policy files."""

from pathlib import Path

import typer

from policyd.cli import question as q
from policyd.cli.answer import read_answer, show
from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json
from policyd.cli.server import DEFAULT_URL, Server, Unanswered, Url

_PATH = "/access/v1/evaluation"
_WANTED = {"policyd": {"include": ["reasons", "valid-until"]}}
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
    """Ask whether a call may run. The server records the question and its answer."""
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
    asked["context"] = asked.get("context", {}) | _WANTED
    if policies:
        return _try(policies, asked, as_json=as_json)
    return _ask(url, asked, as_json=as_json)


def _ask(url: str, asked: q.Question, *, as_json: bool) -> int:
    reply = Server.at(url).ask("POST", _PATH, asked)
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
        show(answer, q.in_a_line(asked))
        say(f"  recorded as {reply.decision_id}")
    return FINE if answer.decision else FAILED


def _try(policies: Path, asked: q.Question, *, as_json: bool) -> int:
    from policyd.cli.dry_run import NOTE, would_answer

    tried = would_answer(policies, asked)
    answer = read_answer(tried)
    if as_json:
        # Without a `decision`, so that no program takes it for one.
        would = "allow" if tried.pop("decision") else "deny"
        say_json({"dry_run": True, "would": would, "note": NOTE} | tried)
    else:
        show(answer, q.in_a_line(asked), note=NOTE)
    return FINE if answer.decision else FAILED
