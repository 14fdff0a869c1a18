"""`policyd review`: what a change of a policy tree opens and closes, and who has to approve it."""

import shutil
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyd.cli.exits import FAILED, FINE, UNDECIDED
from policyd.cli.findings import told_in
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say
from policyd.model.errors import UsageError

if TYPE_CHECKING:
    from policyd.model.snapshot import Snapshot
    from policyd.review.all_calls import Others
    from policyd.review.artefact import Review
    from policyd.review.reviewing import Watch
    from policyd.review.revisions import Pair

_EXAMPLE = """\
policyd review main..HEAD
policyd review policies-before policies-after --md comment.md"""
_CODES = (
    "0 nothing blocks it, 1 lint or tests block it, 2 usage, 3 it could not be decided; with "
    "--detailed-exitcode also 10 lint, 11 tests, 12 opens something, 13 not proved"
)
_DETAILED = {"lint": 10, "tests": 11}
_OPENS, _NOT_PROVED = 12, 13


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("review", epilog=ending(_EXAMPLE, _CODES))(review_change)


def review_change(  # noqa: PLR0913 - a parameter for each option
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE..HEAD|BASE_DIR",
            help="Two git revisions, one, or a folder to compare with.",
        ),
    ],
    head: Annotated[
        Path | None, typer.Argument(metavar="[HEAD_DIR]", help="The folder that is reviewed.")
    ] = None,
    *,
    policies: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the policy tree is in the repository.")
    ] = Path("policies"),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the review as review.json too.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--md", metavar="FILE", help="Write a comment in Markdown too.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="One fact on each line, however long, without colour.")
    ] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Say by the exit code what was found.")
    ] = False,
    now: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The day by which suppressions and skipped tests end.  [today]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what a change opens and closes by meaning, whether that is proved, and who approves."""
    from policyd.review.reviewing import Given, review
    from policyd.review.terminal import lines

    pair = _pair(base, head, policies)
    given = Given(_day(now), _others(policies if head is None else head), _progress())
    with told_in(None):
        found = review(pair, given)
    _write(out, found.to_json())
    if markdown:
        from policyd.review.markdown import comment

        _write(markdown, comment(found).encode("utf-8", "replace"))
    if as_json:
        typer.echo(found.to_json().decode("utf-8", "replace"), nl=False)
    else:
        width = None if plain else max(20, shutil.get_terminal_size().columns)
        for text, style in lines(found, width):
            say(text, "" if plain else style)
    return _detailed(found) if detailed else _exit_code(found)


def _pair(base: str, head: Path | None, policies: Path) -> "Pair":
    """The two trees that were named."""
    from policyd.review import revisions

    if head is not None:
        return revisions.of(revisions.at_folder(Path(base)), revisions.at_folder(head))
    if Path(base).is_dir():
        message = f"`{base}` is a folder: name the one that it is compared with, too"
        raise UsageError(message, code="one-folder")
    return revisions.between(policies, base)


def _day(text: str | None) -> date:
    """The day that was named, or today's."""
    try:
        return date.fromisoformat(text) if text else datetime.now().astimezone().date()
    except ValueError:
        raise UsageError(f"`{text}` is no day such as 2026-03-02") from None


def _others(folder: Path) -> "Others":
    """Other versions of the tree at *folder*, that tests of it compare it with."""

    @cache
    def read(name: str) -> "Snapshot":
        from policyd.review.revisions import named, snapshot_of

        return snapshot_of(named(folder, name))

    return read


def _progress() -> "Watch":
    """Says on stderr which step begins, where somebody watches."""
    import sys

    return (lambda step: remark(f"… {step}")) if sys.stderr.isatty() else (lambda _: None)


def _write(path: Path | None, content: bytes) -> None:
    if path is None:
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"`{path}` cannot be written: {error.strerror}", code="file-unwritable"
        ) from None


def _exit_code(review: "Review") -> int:
    if review.blocked_by:
        return FAILED
    return UNDECIDED if review.tests.not_proved or review.tests.errors else FINE


def _detailed(review: "Review") -> int:
    """The lowest code that applies."""
    if review.blocked_by:
        return _DETAILED[review.blocked_by[0]]
    if any(each.side == "opens" for each in review.regions):
        return _OPENS
    is_open = review.proof.access.gaps or review.proof.guardrails.gaps or review.tests.not_proved
    return _NOT_PROVED if is_open else FINE
