"""The DuckDB of one saved query: a process of its own, which answers once and ends.

    python -P -m policyd.search.saved_database < question

The question is one JSON object: `sql`, `folder`, `variables`, `most` rows. The answer is one line
of JSON: `columns` with `rows` and whether `more` were left out, or what went wrong: a `code`
and a `message`. The database sees the files of that folder and nothing else of the machine.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import duckdb

UNREADABLE = "files-unreadable"
BAD_PARAMETER = "parameter-invalid"
FULL = "memory-full"


def answer(asked: dict[str, Any], aside: str) -> dict[str, Any]:
    """The answer to a question, with what does not fit into memory in the folder *aside*."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": aside,
    }
    with duckdb.connect(":memory:", config=config) as db:
        folder = asked["folder"].replace("'", "''")
        db.execute(f"set allowed_directories = ['{folder}']")
        db.execute("set enable_external_access = false")
        for name, value in {**asked["variables"], "log": asked["folder"]}.items():
            db.execute(f"set variable {name} = $1", [value])
        db.execute("set lock_configuration = true")
        found = db.execute(asked["sql"])
        rows = found.fetchmany(asked["most"] + 1)
        columns = [each[0] for each in found.description]
        shown = [[_plain(cell) for cell in row] for row in rows[: asked["most"]]]
        return {"columns": columns, "rows": shown, "more": len(rows) > asked["most"]}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """A value as JSON has it; times are in UTC."""
    if isinstance(value, datetime):
        return f"{value.isoformat('T', 'microseconds')}Z"
    return value


def trouble(error: duckdb.Error) -> dict[str, str]:
    """What an error of DuckDB's means to whoever asked."""
    said = str(error).partition("\n")[0]
    if isinstance(error, duckdb.ConversionException):
        return {"code": BAD_PARAMETER, "message": said}
    if isinstance(error, duckdb.OutOfMemoryException):
        return {"code": FULL, "message": said}
    return {"code": UNREADABLE, "message": said}


def main(stdin: TextIO) -> int:
    """Answer the question that comes on standard input."""
    asked = json.load(stdin)
    with TemporaryDirectory(prefix="policyd-run-") as aside:
        try:
            said = answer(asked, str(Path(aside)))
        except duckdb.Error as error:
            said = trouble(error)
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin))
