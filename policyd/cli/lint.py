"""`policyd lint`: what is wrong with a policy folder."""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FAILED, FINE, notes
from policyd.cli.output import say, say_json
from policyd.model.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("lint", epilog=notes("policyd lint policies"))(lint)


def lint(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A policy folder.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> int:
    """Find what keeps a policy folder from going live, as `file:line:column: code message`."""
    from policyd.policy.load import check

    if not folder.is_dir():
        raise UsageError(
            f"`{folder}` is no folder: name the one that has policyd.yaml", code="no-such-folder"
        )
    findings = [each._replace(file=str(folder / each.file)) for each in check(folder)]
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
