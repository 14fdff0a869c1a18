"""Saved queries: questions that auditors ask again and again, as plain SQL for DuckDB.

Each is a file of `audit/queries` that needs neither policyd nor a server: DuckDB's own command line
runs it over a folder of exported Parquet files. Its head says what it is about:

    -- title: Who read the log
    -- question: Who searched the log or took records away?
    -- serves: PCI DSS 10.2.1.3
    -- parameter after: none older than this time

Where the folder is, and what its parameters are, it takes from variables of DuckDB.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import policyd_audit
from policyd.model.errors import UsageError

LOG = "log"
"""The variable with the folder."""

_HEAD = re.compile(r"-- (title|question|serves|parameter ([a-z]+)): (\S.*)")


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One of them: its name, what its head says, and the whole text."""

    name: str
    title: str
    question: str
    serves: str
    parameters: Mapping[str, str]
    sql: str


def saved_queries() -> dict[str, SavedQuery]:
    """All of them, by name."""
    return {each.stem: _read(each) for each in sorted(_folder().glob("*.sql"))}


def saved_query(name: str) -> SavedQuery:
    """The one of that name.

    Raises:
        UsageError: there is none.
    """
    known = saved_queries()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        meant = f"did you mean `{near[0]}`?" if near else "`policyd audit run` lists them"
        raise UsageError(f"no saved query is called `{name[:80]}`: {meant}", code="query-not-saved")
    return known[name]


def given(query: SavedQuery, said: Iterator[str] | list[str]) -> dict[str, str]:
    """The values that are *said* for the parameters of a query, each as `name=value`.

    Raises:
        UsageError: one is not of that form, or the query has no such parameter.
    """
    values = {}
    for each in said:
        name, is_said, value = each.partition("=")
        if not is_said or name not in query.parameters:
            names = ", ".join(query.parameters)
            raise UsageError(
                f"`{each[:80]}` sets no parameter of `{query.name}`: write name=value, with one"
                f" of {names}",
                code="parameter-unknown",
            )
        values[name] = value
    return values


def _folder() -> Path:
    """Where the files are: beside the auditors' package, or, where that is installed, in it."""
    package = Path(policyd_audit.__file__).parent
    installed = package / "queries"
    return installed if installed.is_dir() else package.parent / "queries"


def _read(path: Path) -> SavedQuery:
    sql = path.read_text("utf-8")
    head: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for line in sql.partition("\n\n")[0].splitlines():
        said = _HEAD.fullmatch(line)
        if said is None:
            raise ValueError(f"{path.name}: `{line}` is no line of a head")
        if said[2]:
            parameters[said[2]] = said[3]
        else:
            head[said[1]] = said[3]
    return SavedQuery(path.stem, parameters=parameters, sql=sql, **head)
