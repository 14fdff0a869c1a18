"""`policyd lint`: what is wrong with a policy folder, and what should be written otherwise."""

import gc
from collections.abc import Sequence
from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.findings import check_folder
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json
from policyd.model.errors import UsageError

if TYPE_CHECKING:
    from policyd.review.notices import Notice

_EXAMPLE = """\
policyd lint policies
policyd lint policies --fix --dry-run
policyd lint --explain PD702"""
_CODES = "0 nothing blocks, 1 there are errors, 2 usage"
_STYLES = {"error": "red", "warning": "yellow", "info": ""}


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("lint", epilog=ending(_EXAMPLE, _CODES))(lint)


def lint(  # noqa: PLR0913 - one parameter per option
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The root of a policy tree.")
    ] = None,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="How findings are written.")
    ] = Format.TEXT,
    as_json: AsJson = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Take out what is proved to make no difference.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix: show the changes, and make none.")
    ] = False,
    now: Annotated[
        str, typer.Option(metavar="TIME", help="A day or time, in place of the clock's.")
    ] = "",
    explain: Annotated[
        str, typer.Option(metavar="RULE", help="Say what a rule such as PD702 is for, and end.")
    ] = "",
) -> int:
    """Say what is wrong in a policy tree, or could be better.

    Each finding is a line: file:line:column: level rule: message. Errors block.
    """
    if explain:
        return _explain(explain)
    if folder is None:
        raise UsageError("missing argument `DIR`: name a policy tree; see `policyd lint --help`")
    if dry_run and not fix:
        raise UsageError("`--dry-run` belongs to `--fix`: add it, or leave both out")
    check_folder(folder)
    gc.disable()  # a short life: looking for circles would take a tenth of it
    from policyd.cli.linting import linted

    found = linted(folder, _moment(now), fix=fix, dry_run=dry_run)
    _show(found, folder, Format.JSON if as_json else form)
    from policyd.review.notices import is_blocking

    return FAILED if any(map(is_blocking, found)) else FINE


def _moment(text: str) -> datetime:
    """The moment that `--now` names, UTC where it says no zone; or the clock's."""
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"`{text}` is no day or time: write 2026-03-02 or 2026-03-02T09:00:00+01:00",
            code="bad-time",
        ) from None
    if found.time() == time.min and len(text) == len("2026-03-02"):
        found = found.replace(hour=12)  # of a day, the middle: it is that day in every zone nearby
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _explain(name: str) -> int:
    from policyd.policy.wording import did_you_mean
    from policyd.review.lint.registry import RULES, explained

    rule = RULES.get(name.upper()) or next((r for r in RULES.values() if r.name == name), None)
    if rule is None:
        near = did_you_mean(name, [*RULES, *(each.name for each in RULES.values())])
        raise UsageError(f"there is no lint rule `{name}`{near}", code="no-rule")
    for line in explained(rule).split("\n"):
        say(line)
    return FINE


def _show(found: Sequence["Notice"], folder: Path, form: Format) -> None:
    """Print the findings; they are named from where the user is."""
    if form is Format.TEXT:
        _show_text(found, folder)
    elif form is Format.JSON:
        from policyd.review.notices import as_json

        say_json(as_json(found))
    else:
        _show_rendered(found, form)


def _show_rendered(found: Sequence["Notice"], form: Format) -> None:
    if form is Format.SARIF:
        from policyd.review.lint.registry import RULES
        from policyd.review.sarif import sarif

        _print(sarif(found, {each.id: f"Finds {each.finds}." for each in RULES.values()}))
    elif form is Format.JUNIT:
        from policyd.review.junit_notices import junit_notices

        _print(junit_notices(found))
    else:
        from policyd.review.annotations import annotations

        _print("".join(f"{each}\n" for each in annotations(found)))


def _print(text: str) -> None:
    """Print a document as it is; rich would wrap it."""
    print(text, end="")  # noqa: T201 - a document for a program


def _show_text(found: Sequence["Notice"], folder: Path) -> None:
    from policyd.review.notices import counts, is_blocking

    told = [each for each in found if not each.silence]
    for each in told:
        say(str(each), _STYLES[each.level])
    numbers = counts(found)
    parts = [
        f"{number} {name}{'' if number == 1 or name in ('info', 'suppressed') else 's'}"
        for name, number in numbers.items()
        if number
    ]
    words = ", ".join(parts) if told else "no findings"
    if not told and numbers["suppressed"]:
        words = f"no findings, {numbers['suppressed']} suppressed"
    say(f"{folder}: {words}", "red" if any(map(is_blocking, found)) else "green")
