"""Command line: `policyd-audit verify`, `policyd-audit prove` and `policyd-audit show`.

Exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not decide, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from policyd_audit import commands
from policyd_audit.errors import Unreadable, VerificationError
from policyd_audit.render import FAILS, HOLDS, INTERRUPTED, UNDECIDED, USAGE

__all__ = ["FAILS", "HOLDS", "INTERRUPTED", "UNDECIDED", "USAGE", "main"]

_USAGE_ERRORS = {
    "file-missing",
    "key-invalid",
    "key-malformed",
    "key-missing",
    "no-such-record",
    "old-missing",
    "record-pruned",
    "state-unusable",
    "url-invalid",
    "url-unencrypted",
}
_EXITS = "exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not decide"
_WHAT = """\
a ledger's file, a folder with the resources of a tiled log, or the URL of a running server's log
"""
_VERIFY = """\
Rebuild the log's tree from the bytes of every record; hold all stored parts and the signed
checkpoint to it. Without the log's key the signature cannot be checked (exit code 3). With --state
the checkpoint is remembered, and next time only what came later is read, and must go on from it.
A receipt or a proof, as `prove` prints it, is checked by itself, without the log. So is the folder
of an export: its manifest, each file, and of records in lines that the log's tree has them all.
"""
_VERIFY_EXAMPLE = f"""\
examples:
  policyd-audit verify ledger.db --key log.example+1a2b3c4d+AQIDBA...
  policyd-audit verify https://log.example/log --key log.vkey --state log.seen
  policyd-audit verify payment.tlog-proof --key log.vkey
  policyd-audit verify january --key log.vkey

A running server shows records to auditors only: put such a key into POLICYD_KEY.

{_EXITS}
"""
_PROVE = """\
Print a receipt: proof, for those who do not have the log, that a record is in it. With --from,
print proof that the log goes on from an earlier checkpoint. What is printed has been checked.
"""
_PROVE_EXAMPLE = f"""\
examples:
  policyd-audit prove https://log.example/log 41 --key log.vkey > 41.tlog-proof
  policyd-audit prove ledger.db --from log.seen --key log.vkey > growth.proof

{_EXITS}
"""
_SHOW = "Print one record as JSON, with its number and the hash of its bytes."
_SHOW_EXAMPLE = f"""\
examples:
  policyd-audit show ledger.db 41
  policyd-audit show ledger.db 0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33
  policyd-audit show payment.tlog-proof

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
    except KeyboardInterrupt:
        sys.stderr.write("\npolicyd-audit: interrupted: nothing was decided\n")
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="policyd-audit",
        description="Check the log of a policyd server, without the server.",
        epilog=_EXITS,
    )
    adding = parser.add_subparsers(required=True, metavar="COMMAND")
    verifying = _command(
        adding, "verify", "check a whole log, a receipt or an export", _VERIFY, _VERIFY_EXAMPLE
    )
    verifying.add_argument(
        "target",
        metavar="LOG|RECEIPT|EXPORT",
        help=f"{_WHAT}; or a receipt's file, or an export's folder",
    )
    _add_key(verifying)
    verifying.add_argument(
        "--state", type=Path, metavar="FILE", help="remember the checkpoint here"
    )
    verifying.add_argument(
        "--from", dest="old", metavar="FILE", help="a checkpoint that the log must go on from"
    )
    verifying.add_argument(
        "--record", type=Path, metavar="FILE", help="the bytes of a receipt's record"
    )
    verifying.add_argument("--json", action="store_true", help="print the report as JSON")
    verifying.set_defaults(run=commands.verifying)
    proving = _command(adding, "prove", "print a receipt", _PROVE, _PROVE_EXAMPLE)
    proving.add_argument("target", metavar="LOG", help=_WHAT)
    proving.add_argument("record", nargs="?", metavar="INDEX|ID", help="the record's number or id")
    _add_key(proving)
    proving.add_argument(
        "--from", dest="old", metavar="FILE|SIZE", help="an earlier checkpoint, instead of a record"
    )
    proving.set_defaults(run=commands.proving)
    showing = _command(adding, "show", "print one record", _SHOW, _SHOW_EXAMPLE)
    showing.add_argument("target", metavar="LOG|RECEIPT", help=f"{_WHAT}; or a receipt's file")
    showing.add_argument("record", nargs="?", metavar="INDEX|ID", help="the record's number or id")
    showing.set_defaults(run=commands.showing)
    return parser


def _command(
    adding: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    brief: str,
    description: str,
    epilog: str,
) -> argparse.ArgumentParser:
    return adding.add_parser(
        name,
        help=brief,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", metavar="VKEY|FILE", help="the log's key, or a file with it")
