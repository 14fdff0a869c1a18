"""`policyd audit run`: saved queries on exported records, with DuckDB in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.cells import csv_row, safe
from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say, say_json, say_table
from policyd.cli.server import DEFAULT_URL, Server, Url
from policyd.model.errors import PolicydError, UsageError

_EXAMPLE = """\
policyd audit run
policyd audit run who-read-the-log --from january --set after=2026-01-15
policyd audit run new-flows --cache ~/policyd-archive"""
_CODES = "0 done, 1 done, but rows were left out, 2 refused, 3 no answer from the server"
_MOST = 10_000
_DIGEST, _TOLD = "sha256:", 12
_TO_THE_SECOND = len("2026-01-01T00:00:00")

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the command."""
    audit.command("run", epilog=ending(_EXAMPLE, _CODES))(run)


def run(  # noqa: PLR0913 - one parameter per option
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which; without it, list them.")
    ] = None,
    *,
    folder: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="An export, or an archive.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="First bring this archive up to date from the server."),
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Rows at most.")] = _MOST,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Answer a saved question from exported Parquet files."""
    from policyd.search.saved import given, saved_queries, saved_query

    if as_json and as_csv:
        raise UsageError("`--json` and `--csv` are two forms of one answer: choose one")

    if name is None:
        return _list(list(saved_queries().values()), as_json=as_json)
    query = saved_query(name)
    variables = given(query, values or [])
    where = _where(folder, cache, url)
    asked = {"sql": query.sql, "folder": str(where), "variables": variables, "most": most}
    found = _ask(asked)
    if as_json:
        said = {"query": name, "columns": found["columns"], "more": found["more"]}
        say_json(said | {"rows": _objects(found)})
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(query.question, found)
    if found["more"]:
        remark(f"LEFT OUT  there are more than {most:,} rows: take a range, or --most", "bold red")
    return FAILED if found["more"] else FINE


def _list(queries: Sequence[Any], *, as_json: bool) -> int:
    if as_json:
        named = ("name", "title", "question", "serves", "parameters")
        say_json({"queries": [{name: getattr(each, name) for name in named} for each in queries]})
        return FINE
    say_table(("NAME", "ANSWERS"), [(each.name, each.question) for each in queries])
    return FINE


def _where(folder: Path | None, cache: Path | None, url: str) -> Path:
    """The folder with the files; an archive is brought up to date before."""
    if (folder is None) == (cache is None):
        raise UsageError(
            "say where the records are: --from DIR, or --cache DIR to have them brought there",
            code="records-not-named",
        )
    if cache is not None:
        from policyd.cli.archive import extend

        extend(cache, Server.at(url))
    where = (cache or folder or Path()).absolute()
    if not any(where.glob("**/*.parquet")):
        raise UsageError(
            f"there are no Parquet files in `{where}`: make some with"
            " `policyd audit export --form parquet`",
            code="no-parquet-files",
        )
    return where


def _ask(asked: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "policyd.search.saved_database"]
    done = subprocess.run(  # noqa: S603 - this very program
        command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=False
    )
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise PolicydError(
            f"the process that runs the query has ended with {done.returncode}: nothing is known",
            code="query-died",
        ) from None
    if "code" in said:
        raise UsageError(f"{_way_out(said['code'])}: {said['message']}", code=said["code"])
    return said


def _way_out(code: str) -> str:
    return {
        "parameter-invalid": "a value of --set cannot be read",
        "memory-full": "the query takes more memory than there is; take a range with --set",
    }.get(code, "the files are not those of an export of this release; export them again")


def _objects(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def _print_csv(found: dict[str, Any]) -> None:
    rows = ([safe(_text(cell)) for cell in row] for row in found["rows"])
    for row in (found["columns"], *rows):
        sys.stdout.write(csv_row(row))


def _print_table(question: str, found: dict[str, Any]) -> None:
    say(question, "bold")
    if not found["rows"]:
        say("Nothing, in these records.")
        return
    head = [each.replace("_", " ").upper() for each in found["columns"]]
    say_table(head, ([_short(_text(cell)) for cell in row] for row in found["rows"]))


def _text(value: object) -> str:
    """A value in one cell.

    >>> _text(["a", None, "b"]), _text(None), _text(True)
    ('a;b', '', 'yes')
    """
    if isinstance(value, list):
        return ";".join(_text(each) for each in value if each is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _short(text: str) -> str:
    """A time without its microseconds, a digest by its beginning: a table is for reading.

    >>> _short("2026-03-01T12:00:00.000001Z"), _short("sha256:" + 32 * "5a")
    ('2026-03-01T12:00:00Z', 'sha256:5a5a5a5a5a5a…')
    """
    if text.startswith(_DIGEST) and len(text) > len(_DIGEST) + _TOLD:
        return f"{text[: len(_DIGEST) + _TOLD]}…"
    is_time = text.endswith("Z") and text[10:11] == "T" and text[:4].isdecimal()
    return f"{text[:_TO_THE_SECOND]}Z" if is_time else text
