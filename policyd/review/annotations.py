"""Notices as annotations of GitHub Actions: commands on stdout that mark lines of a change.

Source: GitHub Docs, Workflow commands for GitHub Actions.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from policyd.review.notices import Level, Notice, worst_first

PER_KIND = 10
"""Annotations of one kind that are shown of one step; what is beyond is dropped unseen."""
_KINDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_MEMBER = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def annotations(
    notices: Iterable[Notice], changed: Mapping[str, AbstractSet[int]] | None = None
) -> list[str]:
    """One command a line: of each kind ten at most, the last saying how many more there are.

    Args:
        notices: Of any source; what is suppressed is left out.
        changed: Lines of the change by file: only notices on them are told. None: all are.
    """
    listed = [
        each
        for each in worst_first(notices)
        if not each.silence and (changed is None or each.line in changed.get(each.file, ()))
    ]
    found = []
    for level, kind in _KINDS.items():
        mine = [each for each in listed if each.level is level]
        more = len(mine) - PER_KIND
        for number, each in enumerate(mine[:PER_KIND], start=1):
            is_last = number == PER_KIND and more > 0
            found.append(_command(kind, each, f" (+{more} more {level}s)" if is_last else ""))
    return found


def _command(kind: str, notice: Notice, more: str) -> str:
    members = {
        "file": notice.file,
        "line": str(notice.line),
        "col": str(notice.column),
        "title": notice.title,
    }
    told = ",".join(f"{key}={text.translate(_MEMBER)}" for key, text in members.items())
    return f"::{kind} {told}::{f'{notice.message}{more}'.translate(_DATA)}"
