"""What a verification found, for people and for scripts; and the exit code that says it."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from policyd_audit.errors import shown
from policyd_audit.exported import Exported
from policyd_audit.report import Report
from policyd_audit.walk import range_name

HOLDS, FAILS, USAGE, UNDECIDED = range(4)
INTERRUPTED = 130
"""As shells have it: 128 and the number of SIGINT."""

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
_PROVED = {
    True: "each record, byte by byte: together they are in the tree that the log signed",
    False: "the files are as they were when the manifest was signed; that their records are the"
    " log's is the word of whoever took them",
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
    if report.sealed:
        lines.append(f"  sealed     {report.sealed:,} of them, held to the digests of their files")
    if report.begin:
        by = "no record" if report.pruned_by is None else f"record {report.pruned_by}"
        was = f"records 0 to {report.begin - 1}, as {by} says; of them only the hashes were checked"
        lines.append(f"  pruned     {was}")
    lines += [f"- {finding.message}" for finding in report.findings]
    if report.more:
        lines.append(f"- and {report.more:,} more")
    if report.findings and report.records_match:
        lines.append("The records do add up to the root: what differs lies beside them.")
    return "\n".join(lines)


def export_text(found: Exported, name: str) -> str:
    """Return the report on the export *name* for people; its first line is the result."""
    lines = [f"{shown(name)} {_VERDICTS[export_code(found)]}"]
    said = found.export
    if said:
        lines += [
            f"  log        {shown(said.origin)}",
            f"  export     {said.id}, by the key {shown(said.by)}",
            f"  records    {range_name(*said.records)} of {said.size:,}, as {said.form}",
        ]
        lines += [
            f"  LEFT OUT   {range_name(*each)}, which the log had lost" for each in said.left_out
        ]
    lines.append(f"  signature  {_SIGNATURES[found.signature]}")
    if said and not found.findings:
        lines.append(f"  proved     {_PROVED[found.is_proved]}")
    lines += [f"- {finding.message}" for finding in found.findings]
    if found.more:
        lines.append(f"- and {found.more:,} more")
    return "\n".join(lines)


def export_json(found: Exported) -> str:
    """Return the report on an export for scripts."""
    said = found.export
    value: dict[str, object] = {"result": _RESULTS[export_code(found)]}
    if said:
        value |= said._asdict() | {"root": b64encode(said.root).decode()}
        value["files"] = [each._asdict() for each in said.files]
    value |= {"signature": found.signature, "proved": found.is_proved}
    return json.dumps(value | _findings(found), indent=2)


def export_code(found: Exported) -> int:
    """Return the exit code that tells of *found*."""
    if found.findings:
        return FAILS
    return HOLDS if found.signature == "good" else UNDECIDED


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
        "sealed": report.sealed,
        "begin": report.begin,
        "pruned_by": report.pruned_by,
    }
    return json.dumps(value | _findings(report), indent=2)


def _findings(report: Report | Exported) -> dict[str, object]:
    findings = [
        {"code": finding.code, "message": finding.message, **finding.facts}
        for finding in report.findings
    ]
    return {"findings": findings, "more": report.more}


def moment(seconds: int) -> str:
    """Return the time of a cosignature; the key's holder may have put any number there."""
    if seconds > _LAST_SECOND:
        return f"{seconds} s after 1970"
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"
