"""`policyd audit archive`: a folder that grows by what the log has since the last time.

Each time adds an export, in a folder named by the number of its first record, and changes nothing
that is there. What is there is held to its manifests, and the log to what it was the last time: a
log that was rewritten or cut off does not go on from the tree that the last manifest names.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.export import fetch
from policyd.cli.export_source import NO_TREE, Tree
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say, say_json
from policyd.cli.server import DEFAULT_URL, Refused, Server, Url
from policyd.model.errors import UsageError
from policyd_audit import note
from policyd_audit.errors import Contradiction, Malformed, VerificationError
from policyd_audit.export import MANIFEST, Export, parse

_EXAMPLE = "policyd audit archive --to /archive/policyd"
_CODES = (
    "0 done, 1 the archive or the log does not hold, or records are lost, 2 refused, 3 no answer"
)
_VKEYS = "log.vkey"
_NOTHING_NEW = "export-empty"


class ArchiveForm(StrEnum):
    """The forms in which records can be kept part by part."""

    PARQUET = "parquet"
    NDJSON = "ndjson"
    CSV = "csv"
    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"


@dataclass(slots=True)
class Archive:
    """An archive that was looked through: its parts, in order, as their manifests name them."""

    folder: Path
    parts: list[Export] = field(default_factory=list)
    added: int = 0

    @property
    def end(self) -> int:
        """The number of the record that would come next."""
        return self.parts[-1].records[1] if self.parts else 0

    @property
    def tree(self) -> Tree:
        """The tree of the log as of the last part."""
        return Tree(self.parts[-1].size, self.parts[-1].root) if self.parts else NO_TREE

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Records that are in no part: pruned before they were archived, or lost to the log."""
        gaps, at = [], 0
        for part in self.parts:
            if part.records[0] > at:
                gaps.append((at, part.records[0]))
            gaps.extend(part.left_out)
            at = part.records[1]
        return gaps


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the command."""
    audit.command("archive", epilog=ending(_EXAMPLE, _CODES))(archive)


def archive(
    *,
    to: Annotated[Path, typer.Option(metavar="DIR", help="The archive; made if it is not there.")],
    form: Annotated[ArchiveForm, typer.Option(help="What the files are.")] = ArchiveForm.PARQUET,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Add to an archive what is not in it yet; verify all of it."""
    try:
        made = extend(to, Server.at(url), form)
    except VerificationError as error:
        if as_json:
            say_json({"folder": str(to), "holds": False, "code": error.code, "why": error.message})
        else:
            say(f"DOES NOT HOLD  {error.message} [{error.code}]", "bold red")
        return FAILED
    missing = made.missing
    if as_json:
        said = {"folder": str(to), "holds": True, "added": made.added, "parts": len(made.parts)}
        say_json(said | {"end": made.end, "tree_size": made.tree.size, "missing": missing})
        return FAILED if missing else FINE
    say(f"added    {made.added:,} records" if made.added else "added    nothing: there is no more")
    say(f"holds    records 0 to {made.end - 1:,}, in {len(made.parts)} parts")
    say(f"goes on  from the {made.tree.size:,} records that the log had")
    for first, end in missing:
        say(f"MISSING  records {first} to {end - 1}: pruned, or lost to the log", "bold red")
    return FAILED if missing else FINE


def extend(folder: Path, server: Server, form: str = "parquet") -> Archive:
    """The archive with what was added to it now.

    Raises:
        VerificationError: what is there is not what its manifests say, or the log does not go on
            from it.
        UsageError: it cannot be written, or has another form.
        Unanswered: the server cannot be reached.
    """
    _make(folder, server)
    before = look(folder)
    if before.parts and before.parts[-1].form != form:
        raise UsageError(
            f"the archive in `{folder}` has the form {before.parts[-1].form}: say so with --form",
            code="archive-of-other-form",
        )
    to = folder / f"{before.end:012d}"
    part = to.with_name(f"{to.name}.part")
    try:
        fetch(to, form, server, {"first": before.end}, resume=part.exists(), after=before.tree)
    except Refused as refused:
        if refused.code != _NOTHING_NEW:
            raise
        return before
    after = look(folder)
    after.added = after.end - after.parts[-1].records[0]
    return after


def look(folder: Path) -> Archive:
    """The archive, each part of it held to its signed manifest.

    Raises:
        VerificationError: a part is missing, or is not what its manifest says.
    """
    keys = [note.parse_vkey(each) for each in (folder / _VKEYS).read_text("utf-8").split()]
    found = Archive(folder)
    for path in sorted(each for each in folder.iterdir() if each.name.isdecimal()):
        part = _part(path, keys)
        if int(path.name) != found.end:
            why = f"`{path}` comes after record {found.end}: a part between is missing"
            raise Contradiction("part-missing", why)
        if found.parts and part.origin != found.parts[0].origin:
            raise Contradiction("other-log", f"`{path}` is of another log, `{part.origin}`")
        found.parts.append(part)
    return found


def _make(folder: Path, server: Server) -> None:
    """The folder, with the keys that the log is verified with; never changed later."""
    vkeys = folder / _VKEYS
    if vkeys.exists():
        return
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"`{folder}` is no archive, and not empty: name another folder", code="no-archive"
        )
    keys = server.ask("GET", "/.well-known/policyd-audit").body["verifier_keys"]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        vkeys.write_text("".join(f"{each}\n" for each in keys), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"`{folder}` cannot be written: {error.strerror}", code="folder-unwritable"
        ) from error


def _part(path: Path, keys: list[note.Key]) -> Export:
    try:
        signed = note.parse((path / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise Malformed("manifest-missing", f"`{path}` has no manifest") from None
    _check_signature(path, signed, keys)
    part = parse(signed.text)
    for file in part.files:
        where = path / file.path
        if not where.is_file():
            raise Malformed("file-missing", f"`{where}` is missing")
        with where.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        if digest != file.sha256:
            why = f"`{where}` has other bytes than its manifest says"
            raise Contradiction("file-differs", why)
    return part


def _check_signature(path: Path, signed: note.Note, keys: list[note.Key]) -> None:
    failed: VerificationError | None = None
    for key in keys:
        try:
            note.verify(signed, key)
        except VerificationError as error:
            failed = error
        else:
            return
    why = f"the manifest of `{path}` is signed by no key in `{path.parent / _VKEYS}`: {failed}"
    raise Malformed("manifest-unsigned", why)
