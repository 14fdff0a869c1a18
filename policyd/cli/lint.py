"""`policyd lint`: what is wrong with a policy folder."""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.findings import check_folder, placed
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json

_CODES = "0 nothing is wrong, 1 there are findings, 2 there is no such folder"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("lint", epilog=ending("policyd lint policies", _CODES))(lint)


def lint(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The root of a policy tree.")],
    *,
    as_json: AsJson = False,
) -> int:
    """Say what keeps a policy tree from going live, as file:line:column: code message."""
    from policyd.policy.load import check

    check_folder(folder)
    findings = [placed(each, folder) for each in check(folder)]
    if as_json:
        say_json([each._asdict() for each in findings])
    else:
        for each in findings:
            say(str(each))
        say(*_count(len(findings), folder))
    return FAILED if findings else FINE


def _count(found: int, folder: Path) -> tuple[str, str]:
    """The last line, and its style."""
    if not found:
        return f"{folder}: no findings", "green"
    return f"{folder}: {found} finding{'s' if found > 1 else ''}", "red"
