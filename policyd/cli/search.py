"""`policyd audit search`, `facets`, `histogram`, `flows`, `pairing`: questions about the log."""

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from policyd.cli import found
from policyd.cli.exits import FAILED, FINE
from policyd.cli.export_forms import csv_of, csv_rows
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say_json
from policyd.cli.pointing import point
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Refused, Server, Url
from policyd.model.errors import UsageError

_CODES = (
    "0 answered, 1 answered from a part of the log only (said on stderr), 2 refused, 3 no answer"
)
_SEARCH = """\
policyd audit search 'decision:deny unit:sales after:-7d'
policyd audit search --csv 'label>=confidential -host:*.acme.example' >records.csv"""
_FACETS = "policyd audit facets --fields unit,reason 'decision:deny after:-30d'"
_HISTOGRAM = "policyd audit histogram --by decision 'after:-7d'"
_FLOWS = """\
policyd audit flows 'label>=confidential'
policyd audit flows --dataset crm/customers --direction down --depth 3"""
_PAIRING = "policyd audit pairing --by integration 'after:-7d'"

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="QUERY", help="In quotes; see `policyd audit fields`. Else everything."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV that is safe in spreadsheets.")]


class By(StrEnum):
    """What a histogram's bars are of."""

    DECISION = "decision"
    LABEL = "label"
    UNIT = "unit"


class PairBy(StrEnum):
    """Whose decisions are paired with their outcomes."""

    INTEGRATION = "integration"
    UNIT = "unit"
    SYSTEM = "system"
    DATASET = "dataset"
    DESTINATION = "destination"


class Direction(StrEnum):
    """Which way a dataset's flows are followed."""

    UP = "up"
    DOWN = "down"


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the commands."""
    audit.command("search", epilog=ending(_SEARCH, _CODES))(search)
    audit.command("facets", epilog=ending(_FACETS, _CODES))(facets)
    audit.command("histogram", epilog=ending(_HISTOGRAM, _CODES))(histogram)
    audit.command("flows", epilog=ending(_FLOWS, _CODES))(flows)
    audit.command("pairing", epilog=ending(_PAIRING, _CODES))(pairing)


def search(  # noqa: PLR0913 - one parameter per option
    words: Words = None,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Records at once.")] = 20,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on where an answer ended.")
    ] = None,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest first.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Find records, the newest first."""
    query = _query(words, as_json=as_json, as_csv=as_csv)
    order = "oldest" if oldest else "newest"
    asked = {"q": query, "limit": limit, "order": order, "cursor": cursor}
    body = _ask(url, "records", asked, ("records", "tree_size"))
    if as_json:
        say_json(body)
    elif as_csv:
        _write(csv_of((each["index"], each["record"]) for each in body["records"]))
    else:
        found.say_records(body["records"])
        if not body["records"]:
            remark("no records" if cursor is None else "no more records")
    code = _tell_left_out(body)
    if body.get("next_cursor"):
        options = f" --limit {limit}" + (" --oldest" if oldest else "")
        options += f" --url {shlex.quote(url)}" if url != DEFAULT_URL else ""
        remark(
            f"more: policyd audit search{options} --cursor {body['next_cursor']}"
            f" -- {shlex.quote(query)}"
        )
    return code


def facets(
    words: Words = None,
    *,
    fields: Annotated[
        str | None, typer.Option(metavar="FIELD,…", help="Which fields; else the usual eight.")
    ] = None,
    size: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Values of a field.")
    ] = 10,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Count the values that the fields of the records found have."""
    query = _query(words, as_json=as_json, as_csv=as_csv)
    asked = {"q": query, "fields": fields, "size": size}
    body = _ask(url, "facets", asked, ("records", "facets"))
    if not _said(body, "facets", as_json=as_json, as_csv=as_csv):
        found.say_facets(body)
    return _tell_left_out(body, *body["facets"])


def histogram(
    words: Words = None,
    *,
    by: Annotated[By | None, typer.Option(help="Tell these apart.")] = None,
    buckets: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Lines at most.")] = 30,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Count the records found over time."""
    query = _query(words, as_json=as_json, as_csv=as_csv)
    asked = {"q": query, "by": by, "buckets": buckets}
    body = _ask(url, "histogram", asked, ("seconds", "buckets"))
    if not _said(body, "histogram", as_json=as_json, as_csv=as_csv):
        found.say_histogram(body, by)
        if not body["buckets"]:
            remark("no records")
    return _tell_left_out(body)


def flows(  # noqa: PLR0913 - one parameter per option
    words: Words = None,
    *,
    dataset: Annotated[
        str | None, typer.Option(metavar="SYSTEM/DATASET", help="Follow this one's data.")
    ] = None,
    direction: Annotated[
        Direction | None, typer.Option(help="Up to where it comes from, or down; else down.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=10, help="Steps from the dataset; else 3.")
    ] = None,
    size: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Flows at most.")] = 100,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Show which data went from which system to which place."""
    query = _query(words, as_json=as_json, as_csv=as_csv)
    asked = {"q": query, "dataset": dataset, "direction": direction, "depth": depth, "size": size}
    body = _ask(url, "flows", asked, ("flows", "truncated"))
    if not _said(body, "flows", as_json=as_json, as_csv=as_csv):
        found.say_flows(body)
        if not body["flows"]:
            remark("no flows")
    _tell_truncated(body, size)
    return _tell_left_out(body)


def pairing(
    words: Words = None,
    *,
    by: Annotated[PairBy, typer.Option(help="Whose decisions.")] = PairBy.INTEGRATION,
    size: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Values at most.")] = 50,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Show what became of calls: done, failed, or never told."""
    query = _query(words, as_json=as_json, as_csv=as_csv)
    asked = {"q": query, "by": by, "size": size}
    body = _ask(url, "pairing", asked, ("pairs", "truncated"))
    if not _said(body, "pairing", as_json=as_json, as_csv=as_csv):
        found.say_pairs(body, by)
        if not body["pairs"]:
            remark("no decisions")
    _tell_truncated(body, size)
    return _tell_left_out(body)


def _query(words: Sequence[str] | None, *, as_json: bool, as_csv: bool) -> str:
    """The query that was given, in one word or several.

    Raises:
        UsageError: it is no text, or the answer is wanted in two forms.
    """
    if as_json and as_csv:
        raise UsageError("`--json` and `--csv` are two forms of one answer: choose one")
    query = " ".join(words or ())
    try:
        query.encode()
    except UnicodeEncodeError:
        raise UsageError("the query is not UTF-8") from None
    return query


def _ask(url: str, name: str, asked: Mapping[str, Any], members: Iterable[str]) -> dict[str, Any]:
    """The answer to a question; where the query is wrong, that place is pointed at first."""
    said = urlencode({name: each for name, each in asked.items() if each is not None})
    try:
        body = Server.at(url).ask("GET", f"/v1/audit/{name}?{said}").body
    except Refused as error:
        if error.place:
            point(str(asked["q"]), *error.place)
        raise
    return having(members, body)


def _said(body: Mapping[str, Any], name: str, *, as_json: bool, as_csv: bool) -> bool:
    """Whether the answer was printed for a program."""
    if as_json:
        say_json(body)
    elif as_csv:
        _write(csv_rows(*found.cells(body, name)))
    return as_json or as_csv


def _write(text: str) -> None:
    """Print lines that have their own ends."""
    sys.stdout.write(text)


def _tell_truncated(body: Mapping[str, Any], size: int) -> None:
    if body["truncated"]:
        remark(f"there are more than these {size:,}: narrow the query, or ask for more by --size")


def _root(body: Mapping[str, Any]) -> str:
    """The root hash of the log the answer is about, by which it can be cited."""
    lines = str(body.get("checkpoint", "")).split("\n")
    return f", root {lines[_ROOT_LINE]}" if len(lines) > _ROOT_LINE else ""


_ROOT_LINE = 2  # of a checkpoint, after its origin and size


def _tell_left_out(body: Mapping[str, Any], *parts: Mapping[str, Any]) -> int:
    """Say on stderr what the answer is about and what is not in it; the exit code."""
    remark(f"as of {body['tree_size']:,} records{_root(body)}")
    for each in body.get("lost", ()):
        remark(
            f"lost: records {each['first']} to {each['end'] - 1} cannot be read, so they are not"
            " in this; put a good copy of their segment back",
            "yellow",
        )
    for each in (body, *parts):
        if each.get("cut"):
            seen = each["searched"]
            what = f"`{each['field']}`" if "field" in each else "the answer"
            remark(
                f"partial: {what} is only of records {seen['first']} to {seen['end'] - 1}; there"
                f" was no {each['cut']} for more: narrow the query, such as by after:-7d",
                "yellow",
            )
    is_whole = not any(each.get("cut") for each in (body, *parts)) and not body.get("lost")
    return FINE if is_whole else FAILED
