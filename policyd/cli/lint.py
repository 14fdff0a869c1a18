"""`policyd lint`: what is wrong with a policy folder."""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.findings import check_folder, placed
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json
from policyd.model.errors import PolicyInvalid
from policyd.model.findings import Finding

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
    check_folder(folder)
    findings = [placed(each, folder) for each in _findings(folder)]
    if as_json:
        say_json([each._asdict() for each in findings])
    else:
        for each in findings:
            say(str(each))
        say(*_count(len(findings), folder))
    return FAILED if findings else FINE


def _findings(folder: Path) -> list[Finding]:
    """Of the tree; of its policy tests too, once the names that they use can be looked up."""
    from policyd.policy.load import load
    from policyd.review.suites import read_suites

    try:
        snapshot = load(folder)
    except PolicyInvalid as error:
        return list(error.findings)
    return read_suites(folder, snapshot)[1]


def _count(found: int, folder: Path) -> tuple[str, str]:
    """The last line, and its style."""
    if not found:
        return f"{folder}: no findings", "green"
    return f"{folder}: {found} finding{'s' if found > 1 else ''}", "red"
