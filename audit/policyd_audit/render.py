"""What a verification found, for people and for scripts; and the exit code that says it."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from policyd_audit.errors import shown
from policyd_audit.report import Report

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
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def exit_code(report: Report) -> int:
    """Return the exit code that tells of *report*."""
    if not report.holds:
        return FAILS
    return HOLDS if report.signature == "good" else UNDECIDED


def text(report: Report, name: str) -> str:
    """Return the report on the log *name* for people; its first line is the result."""
    lines = [f"{shown(name)} {_VERDICTS[exit_code(report)]}"]
    if report.checkpoint:
        lines += [
            f"  log        {shown(report.checkpoint.origin)}",
            f"  records    {report.checkpoint.size:,}",
            f"  root       {b64encode(report.checkpoint.root).decode()}",
        ]
    lines.append(f"  signature  {_SIGNATURES[report.signature]}")
    if report.cosigned is not None:
        lines.append(f"  as of      {moment(report.cosigned)}")
    if report.seen is not None:
        lines.append(f"  goes on    from the {report.seen:,} records seen before")
    lines += [f"- {finding.message}" for finding in report.findings]
    if report.more:
        lines.append(f"- and {report.more:,} more")
    if report.findings and report.records_match:
        lines.append("The records do add up to the root: what differs lies beside them.")
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """Return the report for scripts."""
    claimed = report.checkpoint
    value = {
        "result": _RESULTS[exit_code(report)],
        "origin": claimed.origin if claimed else None,
        "size": claimed.size if claimed else None,
        "root": b64encode(claimed.root).decode() if claimed else None,
        "records_match": report.records_match,
        "signature": report.signature,
        "cosigned": None if report.cosigned is None else moment(report.cosigned),
        "seen": report.seen,
        "findings": [
            {"code": finding.code, "message": finding.message, **finding.facts}
            for finding in report.findings
        ],
        "more": report.more,
    }
    return json.dumps(value, indent=2)


def moment(seconds: int) -> str:
    """Return the time of a cosignature; the key's holder may have put any number there."""
    if seconds > _LAST_SECOND:
        return f"{seconds} s after 1970"
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"
