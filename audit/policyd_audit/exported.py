"""Verification of an export: its manifest, its files, and of the records what their form allows.

Records in lines, each with its very bytes, are held to the tree that the log signed. What stands in
a table or in Parquet is held to the digest of its file alone: that these are the log's records is
then the word of whoever took them.
"""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from policyd_audit import export, note, record
from policyd_audit.alike import Acquaintance
from policyd_audit.errors import Contradiction, Malformed, Unreadable, VerificationError, shown
from policyd_audit.export import MANIFEST, PROOF, Export, File
from policyd_audit.proof import stretch_root
from policyd_audit.report import Findings, Signature
from policyd_audit.targets import is_file, read_text, readable
from policyd_audit.tree import HASH_BYTES, leaf_hash
from policyd_audit.walk import Progress

_LINES, _TABLE = "records.ndjson", "records.csv"
_LOG = {"checkpoint", "log.vkey", "tile"}  # in the form `log` the tiles are held to the checkpoint


class Exported(NamedTuple):
    """The outcome of checking one export.

    `export` is what its manifest says, None where that cannot be read. `is_proved` tells whether
    the records were held to the tree of the log.
    """

    export: Export | None
    signature: Signature
    findings: tuple[VerificationError, ...]
    more: int
    is_proved: bool


def is_export(folder: Path) -> bool:
    """Return whether *folder* has the manifest of an export."""
    return is_file(folder / MANIFEST)


def verify_export(
    folder: Path, *, vkey: str | None = None, progress: Progress = lambda _done, _size: None
) -> Exported:
    """Check an export and return all that was found.

    Args:
        folder: With the manifest and the files.
        vkey: The log's verifier key; without it the signature stays unchecked.
        progress: Called now and then with the records done and their number.

    Raises:
        Malformed: *vkey* is not a verifier key.
        Unreadable: a file cannot be read now.
    """
    key = None if vkey is None else note.parse_vkey(vkey)
    signature: Signature = "bad" if key else "unchecked"
    findings = Findings()
    said: Export | None = None
    is_proved = False
    try:
        signed = note.parse(read_text(folder / MANIFEST, "manifest-malformed"))
        said = export.parse(signed.text)
        if key:
            note.verify(signed, key)
            signature = "good"
            _check_origin(said, key.name)
        for each in _file_faults(folder, said):
            findings.add(each)
        if not list(findings):
            is_proved = _check_records(folder, said, progress)
    except Unreadable:
        raise
    except VerificationError as error:
        findings.add(error)
    return Exported(said, signature, tuple(findings), findings.more, is_proved)


def _check_origin(said: Export, origin: str) -> None:
    if said.origin != origin:
        why = f"the manifest is of the log {shown(said.origin)}, not {shown(origin)}"
        raise Contradiction("manifest-differs", why)


def _file_faults(folder: Path, said: Export) -> Iterator[VerificationError]:
    """Yield what is wrong with the files that the manifest names, and which it does not name."""
    named = {each.path for each in said.files}
    for each in said.files:
        if "/" in each.path or each.path in {".", ".."}:
            yield Malformed("manifest-malformed", f"{shown(each.path)} is no name of a file")
            continue
        try:
            _check_file(folder / each.path, each)
        except Malformed as error:
            yield error
    for path in sorted(folder.iterdir()):
        if path.name not in named | {MANIFEST} | (_LOG if said.form == "log" else set()):
            why = f"{shown(path.name)} is not in the manifest"
            yield Contradiction("file-unexpected", why)


def _check_file(path: Path, file: File) -> None:
    if not path.is_file():
        raise Malformed("file-missing", f"{shown(file.path)} is missing")
    with readable(path), path.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
        size = opened.tell()
    if size != file.size:
        why = f"{shown(file.path)} has {size:,} bytes, not the {file.size:,} of the manifest"
        raise Malformed("file-damaged", why)
    if found != file.sha256:
        raise Malformed(
            "file-damaged", f"{shown(file.path)} has other bytes than the manifest says"
        )


def _check_records(folder: Path, said: Export, progress: Progress) -> bool:
    """Check the records as far as their form allows; return whether the tree has them all."""
    if said.form == "csv":
        _check_table(folder / _named(said, _TABLE), said)
    if said.form != "ndjson":
        return False
    path = folder / _named(said, _LINES)
    with readable(path), path.open("rb") as file:
        hashes = [leaf_hash(leaf) for leaf in _leaves(file, said, progress)]
    if said.left_out:
        return False
    proof = _proof(read_text(folder / _named(said, PROOF), "proof-malformed"))
    if stretch_root(range(*said.records), said.size, hashes, proof) != said.root:
        why = f"the records of {shown(_LINES)} are not those of the tree that the log signed"
        raise Contradiction("root-differs", why)
    return True


def _named(said: Export, name: str) -> str:
    if name not in {each.path for each in said.files}:
        raise Malformed("file-missing", f"the manifest names no file {shown(name)}")
    return name


def _numbers(said: Export) -> Iterator[int]:
    """Yield the numbers of the records in order, without those that were left out."""
    first, end = said.records
    for start, stop in (*said.left_out, (end, end)):
        yield from range(first, start)
        first = stop


def _leaves(file: BinaryIO, said: Export, progress: Progress) -> Iterator[bytes]:
    """Yield the records in a file of lines, each held to its form and to the time before it."""
    known, latest = Acquaintance(), ""
    first, end = said.records
    for seq in _numbers(said):
        line = file.readline(record.MAX_BYTES + 1)
        if not line.endswith(b"\n"):
            raise _bad(seq, f"{shown(_LINES)} has no line of it")
        leaf = line[:-1]
        ts = known.time(leaf) or _ts(seq, leaf)
        if ts < latest:
            raise _bad(seq, f"its `ts` {ts} is before that of an earlier record", "record-time")
        latest = ts
        yield leaf
        progress(seq + 1 - first, end - first)
    if file.read(1):
        raise Contradiction("record-unexpected", f"{shown(_LINES)} has more records than it may")


def _ts(seq: int, leaf: bytes) -> str:
    """Return the time of a record that a quick look does not pass; it may be good all the same."""
    try:
        content = record.parse(leaf)
    except Malformed as error:
        raise _bad(seq, error.message, error.code) from error
    ts: str = content["ts"]
    if not record.is_of_time(content["id"], ts):
        raise _bad(seq, f"its `id` carries another time than {ts}", "record-time")
    return ts


def _bad(seq: int, why: str, code: str = "record-missing") -> VerificationError:
    kind = Malformed if code == "record-malformed" else Contradiction
    return kind(code, f"record {seq}: {why}", record=seq)


def _proof(text: str) -> list[bytes]:
    hashes = [note.decoded(line) for line in text.splitlines()]
    if any(each is None or len(each) != HASH_BYTES for each in hashes):
        raise Malformed("proof-malformed", f"{shown(PROOF)} has a line that is no hash")
    return [each for each in hashes if each is not None]


def _check_table(path: Path, said: Export) -> None:
    """Hold the rows of a table to the numbers of the records; their cells are not checked."""
    try:
        with readable(path), path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            if next(rows, [])[:1] != ["seq"]:
                raise Malformed("table-malformed", f"{shown(_TABLE)} has no heading")
            for seq in _numbers(said):
                row = next(rows, None)
                if not row or row[0] != str(seq):
                    raise _bad(seq, f"{shown(_TABLE)} has another row in its place")
            if next(rows, None) is not None:
                why = f"{shown(_TABLE)} has more records than it may"
                raise Contradiction("record-unexpected", why)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed("table-malformed", f"{shown(_TABLE)} is no table: {error}") from error
