"""The commands: each takes what was parsed, prints, and returns its exit code."""

import argparse
import json
import os
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from policyd_audit import note, receipt, record, render, succession
from policyd_audit.checkpoint import MAX_SIZE, Checkpoint
from policyd_audit.claim import Claim, claim_of, remembered
from policyd_audit.disclosure import NAMES, reveal
from policyd_audit.errors import (
    Contradiction,
    Malformed,
    NoSuchRecord,
    Unreadable,
    VerificationError,
    shown,
)
from policyd_audit.evidence import stored_hashes
from policyd_audit.exported import is_export, verify_export
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.meter import Meter
from policyd_audit.proof import Subtrees, check_inclusion
from policyd_audit.receipt import Receipt
from policyd_audit.report import Findings, Report
from policyd_audit.segment import RECORDS
from policyd_audit.sharing import screened
from policyd_audit.shelved import segments_beside
from policyd_audit.succession import Succession
from policyd_audit.targets import is_url, log_at, proof_at, read_text
from policyd_audit.tiled_log import TiledLog
from policyd_audit.tree import leaf_hash
from policyd_audit.verify import verify
from policyd_audit.verify_log import verify_log

Log = LedgerFile | TiledLog


def verifying(arguments: argparse.Namespace) -> int:
    """Check a log, a receipt or a proof that a log went on."""
    vkey = None if arguments.key is None else _key(arguments.key)
    proof = proof_at(arguments.target)
    if proof is not None:
        return _verify_proof(proof, arguments, note.parse_vkey(_needed(vkey)))
    exported = _verify_export(arguments, vkey)
    if exported is not None:
        return exported
    seen = _seen(arguments)
    screen = partial(screened, processes=os.cpu_count() or 1)
    with log_at(arguments.target) as log, Meter(sys.stderr) as meter:
        if isinstance(log, TiledLog):
            report = verify_log(log, vkey=vkey, seen=seen, progress=meter.show, screen=screen)
        else:
            shelf = segments_beside(Path(arguments.target))
            segments = shelf if shelf.is_dir() or log.oldest() >= RECORDS else None
            report = verify(
                log, vkey=vkey, seen=seen, progress=meter.show, segments=segments, screen=screen
            )
    _check_decided(report)
    code = render.exit_code(report)
    if arguments.state and code == render.HOLDS:
        _remember(arguments.state, report)
    name = Path(arguments.target).name if isinstance(log, LedgerFile) else arguments.target
    _print(render.as_json(report) if arguments.json else render.text(report, name))
    return code


def proving(arguments: argparse.Namespace) -> int:
    """Print a receipt for a record, or proof that the log went on from a checkpoint."""
    if (arguments.record is None) == (arguments.old is None):
        why = "say what to prove: a record's number or id, or with --from an earlier checkpoint"
        raise Unreadable("old-missing", why)
    key = note.parse_vkey(_needed(None if arguments.key is None else _key(arguments.key)))
    with log_at(arguments.target) as log:
        claim = _claim(log, key)
        if arguments.old is None:
            made = receipt.render(_receipt(log, claim, arguments.record))
        else:
            made = succession.render(_succession(log, claim, arguments.old, key))
    sys.stdout.write(made)
    return render.HOLDS


def showing(arguments: argparse.Namespace) -> int:
    """Print one record."""
    proof = proof_at(arguments.target)
    if isinstance(proof, Receipt) and proof.record is not None:
        return _show(proof.position, proof.record, leaf_hash(proof.record))
    if proof is not None or arguments.record is None:
        why = "name the record by its number, from 0, or by its id"
        raise NoSuchRecord("no-such-record", why)
    with log_at(arguments.target) as log:
        if isinstance(log, TiledLog):
            log.size = _claim(log, None)[0].size
        seq, leaf, stored = _find(log, arguments.record)
        return _show(seq, leaf, stored, log)


def _show(seq: int, leaf: object, stored: object, log: Log | None = None) -> int:
    if not isinstance(leaf, bytes):
        raise Malformed("record-malformed", f"record {seq}: it is not stored as a blob")
    computed = leaf_hash(leaf)
    try:
        content = record.parse(leaf)
    except Malformed as error:
        raise Malformed(error.code, f"record {seq}: {error.message}") from error
    said = {"index": seq, "leaf_hash": computed.hex(), "record": content}
    _print(json.dumps(said | _apart(seq, content, log), indent=2))
    if computed != stored:
        raise Contradiction("record-hash", f"record {seq}: the bytes do not match their leaf hash")
    return render.HOLDS


def _apart(seq: int, content: Mapping[str, Any], log: Log | None) -> dict[str, object]:
    """Return what is to be said of the values that are kept apart of a record."""
    if NAMES not in content:
        return {}
    stored = log.beside(seq) if log else None
    if log is None or stored is None:
        return {"hidden": content[NAMES]}
    try:
        revealed = reveal(content, stored)
    except VerificationError as error:
        raise Contradiction(error.code, f"record {seq}: {error.message}") from error
    if revealed.lost:
        why = f"record {seq}: what is personal in it is gone, and nobody erased it"
        raise Contradiction("disclosure-missing", why)
    apart: dict[str, object] = {"disclosed": [each._asdict() for each in revealed.values]}
    if revealed.hidden:
        apart["erased"] = revealed.hidden
        apart["erased_by"] = [_act(log, act) for act, _ in revealed.erased]
    return apart


def _act(log: Log, act: int) -> dict[str, object]:
    """Return which record says that something was erased, if it is there."""
    leaf, _ = log.leaf(act) or (b"", b"")
    return {"index": act, "id": record.claimed_id(leaf) if isinstance(leaf, bytes) else None}


def _verify_proof(proof: Receipt | Succession, arguments: argparse.Namespace, key: note.Key) -> int:
    name = shown(Path(arguments.target).name)
    if isinstance(proof, Receipt):
        leaf = None if arguments.record is None else _bytes(arguments.record)
        found = receipt.check(proof, key, leaf)
        claimed = found.checkpoint
        said = {"index": proof.position, "leaf_hash": found.leaf.hex()}
        told = f"record {proof.position} is in the log"
    else:
        if arguments.old is None:
            raise Unreadable("old-missing", "say with --from which checkpoint the log had before")
        seen = _old(arguments.old)
        claimed = succession.check(proof, key, seen)
        said = {"seen": seen.size}
        told = f"the log goes on from the {seen.size:,} records it had"
    if arguments.json:
        about = {"result": "holds", "origin": claimed.origin, "size": claimed.size}
        root = {"root": b64encode(claimed.root).decode()}
        _print(json.dumps(about | root | said, indent=2))
    else:
        _print(f"{name} holds: {told}")
        _print(f"  log        {shown(claimed.origin)}\n  records    {claimed.size:,}")
    return render.HOLDS


def _verify_export(arguments: argparse.Namespace, vkey: str | None) -> int | None:
    """Check an export; None where the target is none, or one that is a log to be checked too."""
    if is_url(arguments.target) or not is_export(Path(arguments.target)):
        return None
    with Meter(sys.stderr) as meter:
        found = verify_export(Path(arguments.target), vkey=vkey, progress=meter.show)
    if found.export and found.export.form == "log" and not found.findings:
        return None
    if arguments.old or arguments.state:
        why = "records that were exported are no log: leave out --state and --from"
        raise Unreadable("state-unusable", why)
    name = Path(arguments.target).name
    _print(render.export_json(found) if arguments.json else render.export_text(found, name))
    return render.export_code(found)


def _claim(log: Log, key: note.Key | None) -> tuple[Checkpoint, str]:
    """Return the log's newest checkpoint and its note, with its signature checked by *key*.

    Raises:
        VerificationError: it is malformed, or *key* did not sign it.
    """
    findings = Findings()
    text = log.note() if isinstance(log, TiledLog) else log.state().note
    claim: Claim = claim_of(text, key, findings)
    for finding in findings:
        raise finding
    assert claim.checkpoint  # noqa: S101 - without findings there is one
    if isinstance(log, TiledLog):
        log.size = claim.checkpoint.size
    return claim.checkpoint, text


def _receipt(log: Log, claim: tuple[Checkpoint, str], wanted: str) -> Receipt:
    """Return the receipt of a record, already checked."""
    claimed, text = claim
    seq, leaf, _ = _find(log, wanted)
    if not isinstance(leaf, bytes) or seq >= claimed.size:
        raise _no_record(wanted)
    proof = _subtrees(log, claimed.size).inclusion(seq, claimed.size)
    check_inclusion(seq, claimed.size, leaf_hash(leaf), proof, claimed.root)
    return Receipt(seq, tuple(proof), text, leaf)


def _succession(log: Log, claim: tuple[Checkpoint, str], old: str, key: note.Key) -> Succession:
    """Return the proof that the log went on from *old*, already checked."""
    claimed, text = claim
    subtrees = _subtrees(log, claimed.size)
    if old.isascii() and old.isdecimal():
        size = min(int(old[:20]), claimed.size)
        seen = Checkpoint(claimed.origin, size, subtrees.root(0, size))
    else:
        seen = _old(old)
    fits = 0 < seen.size <= claimed.size
    proof = subtrees.consistency(seen.size, claimed.size) if fits else []
    made = Succession(seen.size, tuple(proof), text)
    succession.check(made, key, seen)
    return made


def _subtrees(log: Log, size: int) -> Subtrees:
    return Subtrees(log.hashes if isinstance(log, TiledLog) else stored_hashes(log, size))


def _seen(arguments: argparse.Namespace) -> Checkpoint | None:
    """Return the checkpoint that the log has to go on from, if there is one."""
    if arguments.old is not None:
        return _old(arguments.old)
    if arguments.state is None or not arguments.state.exists():
        return None
    return _old(str(arguments.state))


def _old(place: str) -> Checkpoint:
    return remembered(read_text(Path(place), "note-malformed"))


def _check_decided(report: Report) -> None:
    """Nothing, unless all that was found is that something cannot be read now.

    Raises:
        Unreadable: it says nothing of the log.
    """
    found = report.findings
    if found and isinstance(found[0], Unreadable) and len(found) == 1:
        raise found[0]


def _remember(path: Path, report: Report) -> None:
    """Keep the checkpoint for the next time; a crash leaves the old file or the new one, whole.

    Raises:
        Unreadable: the file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
            file.write((report.note or "").encode())
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        why = f"{shown(str(path))} cannot be written: {error.strerror}"
        raise Unreadable("state-unwritable", why) from error


def _key(text: str) -> str:
    """Return the verifier key, given as itself or as a file; held to its format at once."""
    path = Path(text)
    try:
        vkey = path.read_text(encoding="utf-8").strip() if path.is_file() else text
    except (OSError, ValueError) as error:
        raise Malformed("key-malformed", f"no key can be read from {shown(text)}") from error
    note.parse_vkey(vkey)
    return vkey


def _needed(vkey: str | None) -> str:
    if vkey is None:
        why = "a proof says nothing without the log's key: give it with --key"
        raise Unreadable("key-missing", why)
    return vkey


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = f"{shown(str(path))} cannot be read: {error.strerror}"
        raise Unreadable("file-missing", why) from error


def _find(log: Log, wanted: str) -> tuple[int, object, object]:
    """Return number, leaf and stored hash of the record with this number or id."""
    if wanted.isascii() and wanted.isdecimal():
        seq: int | None = min(int(wanted[: len(str(MAX_SIZE)) + 1]), MAX_SIZE)
    elif isinstance(log, LedgerFile):
        # Nothing in a ledger is indexed by id, so it is searched from the start.
        for row in log.leaves():
            if isinstance(row[1], bytes) and record.claimed_id(row[1]) == wanted:
                return row
        seq = None
    else:
        seq = log.find(wanted) if record.is_id(wanted) else None
    if seq is not None and seq < (first := log.first()):
        why = f"record {seq} was pruned: this log begins at record {first}"
        raise NoSuchRecord("record-pruned", why)
    found = None if seq is None else log.leaf(seq)
    if seq is None or found is None:
        raise _no_record(wanted)
    return seq, *found


def _no_record(wanted: str) -> VerificationError:
    why = f"there is no record {shown(wanted)}; name it by its number, from 0, or by its id"
    return NoSuchRecord("no-such-record", why)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
