"""`policyd review`: what a change of a policy tree opens and closes, and who has to approve it."""

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
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
policyd review main..HEAD --out review.json
policyd review --from review.json --format markdown
policyd review policies-before policies-after
policyd review main --url https://policyd.example --window 7d"""
_CODES = (
    "0 nothing blocks it, 1 lint or tests block it, 2 usage, or a base that does not load, 3 a "
    "test could not be decided; with --detailed-exitcode also 10 lint, 11 tests, 12 opens "
    "something, 13 not proved, 14 recorded calls would be refused"
)
_DETAILED = {"lint": 10, "tests": 11}
_OPENS, _NOT_PROVED, _BREAKS = 12, 13, 14


class Format(StrEnum):
    """How the review is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


_Base = Annotated[
    str | None,
    typer.Argument(
        metavar="BASE..HEAD|BASE_DIR", help="Two git revisions, or a folder to compare with."
    ),
]
_Head = Annotated[
    Path | None, typer.Argument(metavar="[HEAD_DIR]", help="The folder that is reviewed.")
]
_Policies = Annotated[
    Path, typer.Option(metavar="DIR", help="Where the policy tree is in the repository.")
]
_Earlier = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Review nothing, write this review.json."),
]
_Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the review as review.json too.")
]
_Form = Annotated[Format, typer.Option("--format", help="How the review is written.")]
_Plain = Annotated[
    bool, typer.Option("--plain", help="One fact on each line, however long, without colour.")
]
_Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Say by the exit code what was found.")
]
_Now = Annotated[str, typer.Option(metavar="TIME", help="A day or time, in place of the clock's.")]
_Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Have this server review it, and replay its log."),
]
_Window = Annotated[
    str | None,
    typer.Option(metavar="7d|FROM..UNTIL", help="Replay these records, not the last 30 days."),
]


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("review", epilog=ending(_EXAMPLE, _CODES))(review_change)


def review_change(  # noqa: PLR0913 - one parameter per option
    base: _Base = None,
    head: _Head = None,
    *,
    policies: _Policies = Path("policies"),
    earlier: _Earlier = None,
    out: _Out = None,
    form: _Form = Format.TEXT,
    plain: _Plain = False,
    detailed: _Detailed = False,
    now: _Now = "",
    url: _Url = None,
    window: _Window = None,
    as_json: AsJson = False,
) -> int:
    """Say what a change opens, whether proved, and who approves."""
    _check_options(base, earlier, (url, window, now))
    if earlier:
        found = _read(earlier)
    elif url:
        found = _replayed(url, base, head, policies, window)
    else:
        found = _reviewed(base, head, policies, now)
    if out:
        _write(out, found.to_json())
    if as_json or form is not Format.TEXT:
        # Files are named from the root of the repository, where code hosts look for them.
        prefix = f"{policies.as_posix()}/" if found.head.commit else ""
        sys.stdout.write(_FORMS[Format.JSON if as_json else form](found, prefix))
    else:
        _show(found, is_plain=plain)
    return _detailed(found) if detailed else _exit_code(found)


def _check_options(
    base: str | None, earlier: Path | None, asked: tuple[str | None, str | None, str]
) -> None:
    """Refuse options that would be without effect; *asked* are server, window and clock."""
    url, window, now = asked
    if url is None and window:
        raise UsageError("`--window` is about a log: name its server with `--url`")
    if url and now:
        message = "`--now` is not for a server, which has a clock of its own"
        raise UsageError(message, code="server-clock")
    if earlier and (base or url):
        raise UsageError("`--from` reviews nothing: leave it out, or the trees and the server")


def _reviewed(base: str | None, head: Path | None, policies: Path, now: str) -> "Review":
    from policyd.review.reviewing import Given, review

    pair = _pair(base, head, policies)
    given = Given(_moment(now), _others(policies if head is None else head), _progress())
    with told_in(None):
        return review(pair, given)


def _replayed(
    url: str, base: str | None, head: Path | None, policies: Path, window: str | None
) -> "Review":
    """The review of a server; one folder alone is compared with what is in force there."""
    from policyd.cli.review_server import reviewed_by
    from policyd.review import revisions

    if base is not None and head is None and Path(base).is_dir():
        return reviewed_by(url, None, revisions.at_folder(Path(base)), window)
    pair = _pair(base, head, policies)
    return reviewed_by(url, pair.base, pair.head, window)


def _pair(base: str | None, head: Path | None, policies: Path) -> "Pair":
    """The two trees that were named."""
    from policyd.review import revisions

    if base is None:
        raise UsageError("name what to compare: `BASE..HEAD`, or two folders")
    if head is not None:
        return revisions.of(revisions.at_folder(Path(base)), revisions.at_folder(head))
    if Path(base).is_dir():
        message = f"`{base}` is a folder: name the one that it is compared with, too"
        raise UsageError(message, code="one-folder")
    return revisions.between(policies, base)


def _read(path: Path) -> "Review":
    from policyd.review.artefact import read_review

    try:
        source = path.read_bytes()
    except OSError as error:
        message = f"`{path}` cannot be read: {error.strerror}"
        raise UsageError(message, code="file-unreadable") from None
    return read_review(source)


def _moment(text: str) -> datetime:
    """The moment that was named, or the clock's; UTC where it says no zone."""
    try:
        found = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        message = f"`{text}` is no day or time: write 2026-03-02 or 2026-03-02T09:00:00+01:00"
        raise UsageError(message, code="bad-time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _others(folder: Path) -> "Others":
    """Other versions of the tree at *folder*, that tests of it compare it with."""

    @cache
    def read(name: str) -> "Snapshot":
        from policyd.review.revisions import named, snapshot_of

        return snapshot_of(named(folder, name))

    return read


def _progress() -> "Watch":
    """Says on stderr which step begins, where somebody watches."""
    return (lambda step: remark(f"… {step}")) if sys.stderr.isatty() else (lambda _: None)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"`{path}` cannot be written: {error.strerror}", code="file-unwritable"
        ) from None


def _show(review: "Review", *, is_plain: bool) -> None:
    from policyd.review.terminal import lines

    width = None if is_plain else max(20, shutil.get_terminal_size().columns)
    for text, style in lines(review, width):
        say(text, "" if is_plain else style)


def _as_json(review: "Review", _prefix: str) -> str:
    return review.to_json().decode("utf-8", "replace")


def _as_markdown(review: "Review", _prefix: str) -> str:
    from policyd.review.markdown import comment

    return comment(review)


def _as_sarif(review: "Review", prefix: str) -> str:
    from policyd.review.lint.registry import RULES
    from policyd.review.review_notices import ABOUT, notices
    from policyd.review.sarif import sarif

    about = {each.id: f"Finds {each.finds}." for each in RULES.values()}
    return sarif(notices(review, prefix), about | ABOUT)


def _as_junit(review: "Review", prefix: str) -> str:
    from policyd.review.junit_notices import junit_notices
    from policyd.review.review_notices import notices

    return junit_notices(notices(review, prefix), "policyd review")


def _as_github(review: "Review", prefix: str) -> str:
    from policyd.review.annotations import annotations
    from policyd.review.review_notices import notices

    return "".join(f"{each}\n" for each in annotations(notices(review, prefix)))


_FORMS: dict[Format, Callable[["Review", str], str]] = {
    Format.JSON: _as_json,
    Format.MARKDOWN: _as_markdown,
    Format.SARIF: _as_sarif,
    Format.JUNIT: _as_junit,
    Format.GITHUB: _as_github,
}


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
    if is_open or review.tests.errors:
        return _NOT_PROVED
    return _BREAKS if review.replay and review.replay.counts.get("lost") else FINE
