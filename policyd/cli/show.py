"""`policyd audit show`: one record, what is kept apart of it, and what came of it."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from policyd.cli.exits import FINE
from policyd.cli.layout import say_members, say_text
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say_json
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url
from policyd.model.errors import NotFound

_CODES = "0 shown, 2 there is no such record or this key may not see it, 3 no answer"
_EXAMPLE = """\
policyd audit show 0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33 --outcome
policyd audit show 65536"""
_RECORDS = "/v1/audit/records"


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the command."""
    audit.command("show", epilog=ending(_EXAMPLE, _CODES))(show)


def show(
    record_id: Annotated[
        str, typer.Argument(metavar="ID", help="As X-Decision-ID has it, or a record's number.")
    ],
    *,
    outcome: Annotated[
        bool, typer.Option("--outcome", help="Also look for what came of a decision.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Show one record, and what is kept apart of it or was erased."""
    server = Server.at(url)
    body = _record(server, record_id)
    came = _outcome(server, body["record"]) if outcome else None
    if as_json:
        say_json(body if came is None else body | {"outcome": came})
        return FINE
    record = body["record"]
    say_text(f"record {body['index']}  {record.get('kind')}  {record.get('ts')}", "bold")
    say_members(list(_members(record)))
    for line in _apart(body):
        say_text(line)
    if came is not None:
        say_text(f"outcome    {_told(came)}", "bold")
    return FINE


def _record(server: Server, record_id: str) -> dict[str, Any]:
    """The record of an id, or at a number.

    Raises:
        NotFound: the log has no such number, or this key may not see it.
    """
    members = ("index", "leaf_hash", "record")
    if not record_id.isdecimal():
        path = f"{_RECORDS}/{quote(record_id, safe='/')}"
        return having(members, server.ask("GET", path).body)
    found = _found(server, f"index:{record_id}")
    if not found:
        raise NotFound(f"there is no record {record_id} that this key may see")
    return having(members, found[0])


def _found(server: Server, query: str) -> list[dict[str, Any]]:
    asked = urlencode({"q": query, "limit": 1})
    body = having(("records",), server.ask("GET", f"{_RECORDS}?{asked}").body)
    return list(body["records"])


def _outcome(server: Server, record: Mapping[str, Any]) -> dict[str, Any]:
    """What was reported of a decision; of what this key may not see, only that it was."""
    if record["kind"] != "decision":
        return {"reported": False}
    its = f'id:"{record["id"]}"'
    if _found(server, f"{its} kind:decision -outcome:*"):
        return {"reported": False}
    found = _found(server, f"{its} kind:outcome")
    return {"reported": True} | ({"entry": found[0]} if found else {})


def _told(came: Mapping[str, Any]) -> str:
    if not came["reported"]:
        return "none is reported"
    if "entry" not in came:
        return "one is reported; its record is for auditors"
    record = came["entry"]["record"]
    amounts = (f"{record[each]:,} {each}" for each in ("rows", "bytes") if each in record)
    said = ", ".join([record["status"], *filter(None, [record.get("error")]), *amounts])
    return f"{said}: record {came['entry']['index']} of {record['ts']}"


def _members(value: object, path: str = "") -> Iterable[tuple[str, str]]:
    """Every member of a record with its path, in order; a list's objects are numbered."""
    if isinstance(value, dict) and value:
        for name, each in sorted(value.items()):
            yield from _members(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            yield f"{path}[{number}]", _plain(each)
    elif isinstance(value, list):
        yield path, " ".join(map(_plain, value)) or "none"
    else:
        yield path, _plain(value)


def _apart(body: dict[str, Any]) -> list[str]:
    """What is said of the values that are kept apart of the record."""
    lines = [
        f"disclosed  {path}: {_plain(value)}" for path, value in body.get("disclosed", {}).items()
    ]
    if body.get("hidden"):
        lines.append(f"hidden     {', '.join(body['hidden'])}: for auditors")
    if body.get("erased"):
        by = ", ".join(f"record {act['index']} of {act['ts']}" for act in body.get("erased_by", ()))
        lines.append(f"erased     {', '.join(body['erased'])}: by {by}")
    return lines


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
