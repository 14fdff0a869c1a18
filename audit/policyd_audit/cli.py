"""Command line: `policyd-audit verify` and `policyd-audit show`.

Exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not decide.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from policyd_audit import note, record
from policyd_audit.checkpoint import MAX_SIZE
from policyd_audit.errors import (
    Contradiction,
    Malformed,
    NoSuchRecord,
    Unreadable,
    VerificationError,
    shown,
)
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.meter import Meter
from policyd_audit.report import Report
from policyd_audit.tree import leaf_hash
from policyd_audit.verify import verify

HOLDS, FAILS, USAGE, UNDECIDED = range(4)

_RESULTS = {HOLDS: "holds", FAILS: "fails", UNDECIDED: "undecided"}
_VERDICTS = {
    HOLDS: "holds",
    FAILS: "does not hold",
    UNDECIDED: "holds together, but who signed it was not checked",
}
_SIGNATURES = {
    "good": "good",
    "bad": "bad",
    "unchecked": "not checked; give the log's key with --key",
}
_USAGE_ERRORS = {"file-missing", "key-malformed", "no-such-record"}
_EXITS = "exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not decide"
_VERIFY = """\
Rebuild the log's tree from the bytes of every record; hold all stored parts and the signed
checkpoint to it. Without the log's key the signature cannot be checked (exit code 3).
"""
_VERIFY_EXAMPLE = f"""\
example:
  policyd-audit verify ledger.db --key log.example+1a2b3c4d+AQIDBA...

{_EXITS}
"""
_SHOW = "Print one record as JSON, with its number and the hash of its bytes."
_SHOW_EXAMPLE = f"""\
examples:
  policyd-audit show ledger.db 41
  policyd-audit show ledger.db 0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33

{_EXITS}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said why
        return USAGE if end.code else HOLDS
    try:
        code: int = arguments.run(arguments)
    except VerificationError as error:
        sys.stderr.write(f"policyd-audit: {error.message}\n")
        if error.code in _USAGE_ERRORS:
            return USAGE
        return UNDECIDED if isinstance(error, Unreadable) else FAILS
    return code


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    ledger = argparse.ArgumentParser(add_help=False)
    ledger.add_argument("ledger", type=Path, metavar="LEDGER.db", help="the ledger's file")
    parser = argparse.ArgumentParser(
        prog="policyd-audit",
        description="Check the ledger of a policyd server, without the server.",
        epilog=_EXITS,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser(
        "verify",
        help="check a whole ledger",
        description=_VERIFY,
        epilog=_VERIFY_EXAMPLE,
        formatter_class=raw,
        parents=[ledger],
    )
    checking.add_argument("--key", metavar="VKEY|FILE", help="the log's key, or a file with it")
    checking.add_argument("--json", action="store_true", help="print the report as JSON")
    checking.set_defaults(run=_verify)
    showing = commands.add_parser(
        "show",
        help="print one record",
        description=_SHOW,
        epilog=_SHOW_EXAMPLE,
        formatter_class=raw,
        parents=[ledger],
    )
    showing.add_argument("record", metavar="INDEX|ID", help="the record's number or id")
    showing.set_defaults(run=_show)
    return parser


def _verify(arguments: argparse.Namespace) -> int:
    vkey = None if arguments.key is None else _key(arguments.key)
    with LedgerFile(arguments.ledger) as ledger, Meter(sys.stderr) as meter:
        report = verify(ledger, vkey=vkey, progress=meter.show)
    code = _exit_code(report)
    _print(_json(report, code) if arguments.json else _text(report, code, arguments.ledger.name))
    return code


def _show(arguments: argparse.Namespace) -> int:
    with LedgerFile(arguments.ledger) as ledger:
        seq, leaf, stored = _find(ledger, arguments.record)
    if not isinstance(leaf, bytes):
        raise Malformed("record-malformed", f"record {seq}: it is not stored as a blob")
    computed = leaf_hash(leaf)
    try:
        content = record.parse(leaf)
    except Malformed as error:
        raise Malformed(error.code, f"record {seq}: {error.message}") from error
    _print(json.dumps({"index": seq, "leaf_hash": computed.hex(), "record": content}, indent=2))
    if computed != stored:
        raise Contradiction("record-hash", f"record {seq}: the bytes do not match their leaf hash")
    return HOLDS


def _key(text: str) -> str:
    """Return the verifier key, given as itself or as a file; held to its format at once."""
    path = Path(text)
    try:
        vkey = path.read_text(encoding="utf-8").strip() if path.is_file() else text
    except (OSError, ValueError) as error:
        raise Malformed("key-malformed", f"no key can be read from {shown(text)}") from error
    note.parse_vkey(vkey)
    return vkey


def _find(ledger: LedgerFile, wanted: str) -> tuple[int, object, object]:
    """Return number, leaf and stored hash of the record with this number or id."""
    if wanted.isascii() and wanted.isdecimal():
        seq = min(int(wanted[: len(str(MAX_SIZE)) + 1]), MAX_SIZE)
        found = ledger.leaf(seq)
        if found:
            return seq, *found
    else:
        # Nothing in a ledger is indexed by id, so it is searched from the start.
        for row in ledger.leaves():
            if isinstance(row[1], bytes) and record.claimed_id(row[1]) == wanted:
                return row
    why = f"there is no record {shown(wanted)}; name it by its number, from 0, or by its id"
    raise NoSuchRecord("no-such-record", why)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _exit_code(report: Report) -> int:
    if not report.holds:
        return FAILS
    return HOLDS if report.signature == "good" else UNDECIDED


def _text(report: Report, code: int, name: str) -> str:
    """Return the report for people; its first line is the result."""
    lines = [f"{shown(name)} {_VERDICTS[code]}"]
    if report.checkpoint:
        lines += [
            f"  log        {shown(report.checkpoint.origin)}",
            f"  records    {report.checkpoint.size:,}",
            f"  root       {b64encode(report.checkpoint.root).decode()}",
        ]
    lines.append(f"  signature  {_SIGNATURES[report.signature]}")
    lines += [f"- {finding.message}" for finding in report.findings]
    if report.more:
        lines.append(f"- and {report.more:,} more")
    if report.findings and report.records_match:
        lines.append("The records do add up to the root: what differs lies beside them.")
    return "\n".join(lines)


def _json(report: Report, code: int) -> str:
    claimed = report.checkpoint
    value = {
        "result": _RESULTS[code],
        "origin": claimed.origin if claimed else None,
        "size": claimed.size if claimed else None,
        "root": b64encode(claimed.root).decode() if claimed else None,
        "records_match": report.records_match,
        "signature": report.signature,
        "findings": [
            {"code": finding.code, "message": finding.message, **finding.facts}
            for finding in report.findings
        ],
        "more": report.more,
    }
    return json.dumps(value, indent=2)
