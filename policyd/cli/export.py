"""`policyd audit export`: takes records of a running server away, in files with a signed manifest.

The files grow in a folder beside the one that was asked for, `DIR.part`, which gets its name once
all of it is there. An export that was cut short goes on where it was.
"""

import errno
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.export_forms import Form, Settled, form_of, sync
from policyd.cli.export_source import NO_TREE, PATH, Begun, Source, Tree
from policyd.cli.options import AsJson
from policyd.cli.output import remark, say, say_json
from policyd.cli.server import DEFAULT_URL, Server, Unanswered, Url
from policyd.model.errors import PolicydError, UsageError
from policyd_audit.export import MANIFEST, PROOF

EXAMPLE = """\
policyd audit export --form log --to evidence
policyd audit export --form csv --after 2026-01-01 --before 2026-02-01 --to january"""
CODES = "0 done, 1 done, but some records are lost, 2 refused, 3 no answer (go on with --resume)"
_STATE = "export.json"
_SETTLE = 64  # bundles taken between two times that all is brought to the disk


class FormName(StrEnum):
    """The forms there are."""

    LOG = "log"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"
    OPENLINEAGE = "openlineage"


class _Work(NamedTuple):
    """An export on its way: its folder, what the server said, and how far it is."""

    folder: Path
    form: str
    begun: Begun
    settled: Settled
    left_out: list[list[int]]

    def save(self) -> None:
        """Write it down; a crash leaves this state or the one before it."""
        aside = self.folder / f"{_STATE}.new"
        aside.write_text(json.dumps(self._asdict() | {"folder": None}), encoding="utf-8")
        sync(aside)
        aside.replace(self.folder / _STATE)
        sync(self.folder)


def export(  # noqa: PLR0913 - one parameter per option
    *,
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to make.")],
    form: Annotated[FormName, typer.Option(help="What the files are.")] = FormName.NDJSON,
    first: Annotated[int, typer.Option(metavar="N", min=0, help="Number of the first record.")] = 0,
    end: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Number behind the last record.")
    ] = None,
    after: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="None older than this, in UTC.")
    ] = None,
    before: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="All older than this, in UTC.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an export that was cut short.")
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Take records away: POLICYD_KEY holds an auditor's key. It is recorded that you did."""
    server = Server.at(url)
    asked = {"first": first, "end": end, "after": _utc(after), "before": _utc(before)}
    if form is FormName.LOG and any(asked.values()):
        raise UsageError(
            "a log is exported whole: leave out the range, or take another --form",
            code="range-with-log",
        )
    if form is FormName.OPENLINEAGE:
        _check_hours(asked)
    wanted = {name: value for name, value in asked.items() if value is not None}
    work, manifest = fetch(to, form, server, wanted, resume=resume)
    return _tell(work, to, manifest, as_json=as_json)


def fetch(
    to: Path,
    form: str,
    server: Server,
    wanted: Mapping[str, Any],
    *,
    resume: bool,
    after: Tree = NO_TREE,
) -> tuple[_Work, str]:
    """Take records away into the folder *to*; how it went, and the signed manifest.

    Raises:
        VerificationError: the log does not go on from the tree *after*.
    """
    part = to.with_name(f"{to.name}.part")
    if to.exists():
        raise UsageError(f"`{to}` exists already: name another folder", code="folder-exists")
    with _explained(part):
        work = _resumed(part, form) if resume else _new(part, form, server, wanted)
        with Source(server, work.begun) as source:
            source.check_follows(after)
            work = _take(work, source)
            return work, _finish(work, source, to)


def _check_hours(asked: Mapping[str, Any]) -> None:
    """Nothing, if whole hours are asked for: half of one would take the place of the whole."""
    times = [asked[each] for each in ("after", "before") if asked[each]]
    if asked["first"] or asked["end"] or not all(each.endswith(":00:00Z") for each in times):
        raise UsageError(
            "flows are told by the hour: give --after and --before as full hours of UTC, such as"
            " 2026-01-01T08:00:00, and neither --first nor --end",
            code="range-within-hour",
        )


def _utc(moment: datetime | None) -> str | None:
    return f"{moment.isoformat()}Z" if moment else None


def _new(part: Path, form: str, server: Server, wanted: Mapping[str, Any]) -> _Work:
    if part.exists():
        raise UsageError(
            f"`{part}` is of an export that was cut short: go on with --resume, or remove it",
            code="export-unfinished",
        )
    begun = Begun.of(server.ask("POST", PATH, {"form": form, **wanted}).body)
    part.mkdir(mode=0o700)
    work = _Work(part, form, begun, Settled(begun.first), [])
    form_of(form, part, begun).restore(work.settled)
    work.save()
    return work


def _resumed(part: Path, form: str) -> _Work:
    try:
        said = json.loads((part / _STATE).read_text("utf-8"))
        work = _Work(
            part, said["form"], Begun(*said["begun"]), Settled(*said["settled"]), said["left_out"]
        )
    except FileNotFoundError:
        raise UsageError(
            f"there is nothing to go on with at `{part}`: leave out --resume",
            code="nothing-to-resume",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"`{part / _STATE}` is damaged: remove `{part}` and begin again", code="export-damaged"
        ) from error
    if work.form != form:
        raise UsageError(
            f"the export in `{part}` has the form {work.form}: say --form {work.form}",
            code="export-of-other-form",
        )
    form_of(form, part, work.begun).restore(work.settled)
    return work


def _take(work: _Work, source: Source) -> _Work:
    """Take what is missing; however it ends, what is there can be gone on with."""
    begun, form = work.begun, form_of(work.form, work.folder, work.begun)
    form.restore(work.settled)
    start = work.settled.next
    bundles = [each for each in begun.bundles if begun.within(each).stop > start]
    with _told_how_far(work.folder), _progress(begun, start) as show:
        for count, number in enumerate(bundles, 1):
            taken = source.take(number)
            form.take(taken)
            if taken.leaves is None:
                work.left_out.append([taken.records.start, taken.records.stop])
            if count % _SETTLE == 0:
                work = _settled(work, form, taken.records.stop)
            show(taken.records.stop)
    form.finish()
    return _settled(work, form, begun.end)


def _settled(work: _Work, form: Form, after: int) -> _Work:
    settled = form.settle(after)
    work = work._replace(settled=settled)
    kept = [each for each in work.left_out if each[0] < settled.next]
    work._replace(left_out=kept).save()
    return work


def _finish(work: _Work, source: Source, to: Path) -> str:
    """Have the manifest signed, and give the folder its name."""
    left_out = _merged(work.left_out)
    if work.form == FormName.NDJSON:
        hashes = "".join(f"{b64encode(each).decode()}\n" for each in source.proof())
        (work.folder / PROOF).write_text(hashes, encoding="ascii")
        sync(work.folder / PROOF)
    files = _described(work)
    done = {
        "files": files,
        "left_out": [{"first": first, "end": end} for first, end in left_out],
    }
    manifest = source.manifest(done)
    path = work.folder / MANIFEST
    path.write_text(manifest, encoding="utf-8")
    sync(path)
    sync(work.folder)
    # A crash before this leaves an export to go on with; after it, one that is whole.
    work.folder.rename(to)
    sync(to.parent)
    (to / _STATE).unlink()
    return manifest


def _described(work: _Work) -> list[dict[str, Any]]:
    """The files of an export; those of a log are vouched for by its checkpoint."""
    if work.form == FormName.LOG:
        paths = [work.folder / "checkpoint", work.folder / "log.vkey"]
    else:
        paths = sorted({*work.folder.glob("records*"), *work.folder.glob(PROOF)})
    described = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        described.append({"path": path.name, "size": path.stat().st_size, "sha256": digest})
    return described


def _merged(left_out: list[list[int]]) -> list[tuple[int, int]]:
    """Stretches that touch, as one."""
    merged: list[tuple[int, int]] = []
    for first, end in left_out:
        if merged and merged[-1][1] == first:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((first, end))
    return merged


def _tell(work: _Work, to: Path, manifest: str, *, as_json: bool) -> int:
    begun, left_out = work.begun, _merged(work.left_out)
    lost = sum(end - first for first, end in left_out)
    if as_json:
        said: dict[str, Any] = {"folder": str(to), "export": begun.id, "form": work.form}
        said |= {"first": begun.first, "end": begun.end, "tree_size": begun.tree_size}
        say_json(said | {"left_out": left_out, "manifest": manifest})
        return FAILED if lost else FINE
    say(f"exported  {begun.end - begun.first - lost:,} records to {to}")
    say(f"as of     {begun.tree_size:,} records in the log; each was held to its checkpoint")
    say(f"recorded  as {begun.id}")
    for first, end in left_out:
        say(f"LEFT OUT  records {first} to {end - 1}: the log has lost them", "bold red")
    return FAILED if lost else FINE


@contextmanager
def _progress(begun: Begun, start: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=begun.end - begun.first, completed=start - begun.first)
        yield lambda after: bar.update(task, completed=after - begun.first)


@contextmanager
def _told_how_far(part: Path) -> Iterator[None]:
    """Say what is there if it is cut short."""
    try:
        yield
    except (KeyboardInterrupt, Unanswered):
        said = json.loads((part / _STATE).read_text("utf-8"))
        there = said["settled"][0] - Begun(*said["begun"]).first
        remark(f"cut short: {there:,} records are in `{part}`; go on with --resume")
        raise


@contextmanager
def _explained(part: Path) -> Iterator[None]:
    """What a disk that does not take it means, and what to do."""
    try:
        yield
    except (OSError, PolicydError) as error:
        full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
        if isinstance(error, PolicydError) and error.code != "disk-full":
            raise
        if full or isinstance(error, PolicydError):
            why, code = "the disk is full: free some space", "disk-full"
        else:
            why, code = f"{error.strerror}: check the disk and the folder", "folder-unwritable"
        raise UsageError(
            f"`{part}` cannot be written ({why}), then go on with --resume, or remove it",
            code=code,
        ) from error
