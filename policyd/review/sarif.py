"""Notices as SARIF 2.1.0, which code hosts show beside the lines that they are about.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from policyd import __version__
from policyd.review.notices import Level, Notice, fingerprints, worst_first

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MAX_BYTES = 10_000_000
"""What hosts accept of one file; notices beyond are left out, the mildest first."""
FINGERPRINT = "policydNotice/v1"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def sarif(notices: Sequence[Notice], about: Mapping[str, str] | None = None) -> str:
    """One log with one run.

    Args:
        notices: Of any source; their files relative to the root of the repository.
        about: Sentences about the rules, by id.
    """
    listed = worst_first(notices)
    results = _results(listed)
    text = _log(results, _rules(listed, about or {}), 0)
    while len(text.encode()) > MAX_BYTES:
        keep = min(len(results) - 1, int(len(results) * 0.95 * MAX_BYTES / len(text.encode())))
        results = results[:keep]
        text = _log(results, _rules(listed[:keep], about or {}), len(listed) - keep)
    return text


def _log(results: list[dict[str, Any]], rules: list[dict[str, Any]], left_out: int) -> str:
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "policyd", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    if left_out:
        message = {"text": f"{left_out} more results are left out: the file would be too large"}
        run["invocations"] = [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "warning", "message": message}],
            }
        ]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rules(notices: Sequence[Notice], about: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rules that are broken, each once, in order of their ids."""
    names = {each.id: each.name for each in notices}
    return [
        {
            "id": key,
            "name": names[key],
            "shortDescription": {"text": about.get(key) or names[key]},
        }
        for key in sorted(names)
    ]


def _results(notices: Sequence[Notice]) -> list[dict[str, Any]]:
    ids = sorted({each.id for each in notices})
    index = {key: at for at, key in enumerate(ids)}
    return [
        _result(each, index[each.id], fingerprint)
        for each, fingerprint in zip(notices, fingerprints(notices), strict=True)
    ]


def _result(notice: Notice, index: int, fingerprint: str) -> dict[str, Any]:
    region = {"startLine": notice.line, "startColumn": notice.column}
    place = {"artifactLocation": {"uri": quote(notice.file)}, "region": region}
    result: dict[str, Any] = {
        "ruleId": notice.id,
        "ruleIndex": index,
        "level": _LEVELS[notice.level],
        "message": {"text": notice.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    silence = notice.silence
    if silence:
        why = f"{silence.reason} ({silence.owner}, until {silence.until})"
        result["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": why}]
    return result
