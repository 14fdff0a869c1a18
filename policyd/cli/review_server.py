"""A review by a server, which replays its log; nothing is proposed to it."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from policyd.cli.reply import having
from policyd.cli.server import Server
from policyd.cli.waiting import done
from policyd.model.errors import UsageError

if TYPE_CHECKING:
    from policyd.review.artefact import Review, Tree
    from policyd.review.revisions import Version

_PATH = "/v1/policies/reviews"
_AGO = re.compile(r"([0-9]{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def reviewed_by(url: str, base: "Version | None", head: "Version", window: str | None) -> "Review":
    """What the server at *url* says of *head* against *base*, or against what is in force.

    Only the head is sent; the base is named by its digest, so the server has to keep it.

    Raises:
        UsageError: the head cannot be sent, or there is no such window.
        Refused: the server does not keep the base, or the key may not ask.
    """
    import msgspec

    from policyd.policy.manifest import digest
    from policyd.review.artefact import canonical, read_review

    asked: dict[str, Any] = {"files": _text_of(head), **between(window)}
    if base is not None:
        asked["base"] = digest(base.files)
    server = Server.at(url)
    job = having(("id", "state"), server.ask("POST", _PATH, asked).body)
    found = read_review(canonical(having(("review",), done(server, job))["review"]))
    names = {"head": _named(found.head, head)}
    if base is not None:
        names["base"] = _named(found.base, base)
    return msgspec.structs.replace(found, **names)


def between(window: str | None, now: datetime | None = None) -> dict[str, str]:
    """The bounds of a window, `7d` or `FROM..UNTIL`, as the server takes them.

    >>> between("2026-03-01..2026-03-08T12:00:00Z")
    {'after': '2026-03-01T00:00:00+00:00', 'before': '2026-03-08T12:00:00+00:00'}
    """
    if window is None:
        return {}
    if ago := _AGO.fullmatch(window):
        end = now or datetime.now(UTC)
        return {"after": (end - int(ago[1]) * _UNITS[ago[2]]).isoformat()}
    after, dots, before = window.partition("..")
    if not dots or not (after or before):
        raise _no_window(window)
    bounds = {"after": after, "before": before}
    found = {name: _moment(text, window) for name, text in bounds.items() if text}
    if len(found) == len(bounds) and found["after"] >= found["before"]:
        raise UsageError(f"`{window}` ends before it begins", code="bad-window")
    return {name: each.isoformat() for name, each in found.items()}


def _moment(text: str, window: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _no_window(window) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _no_window(window: str) -> UsageError:
    return UsageError(
        f"`{window}` is no window: write 7d, 12h, or 2026-03-01..2026-03-08", code="bad-window"
    )


def _named(tree: "Tree", version: "Version") -> "Tree":
    """The tree under the name that it has here."""
    import msgspec

    return msgspec.structs.replace(tree, name=version.name, commit=version.commit)


def _text_of(version: "Version") -> dict[str, str]:
    """The files of a version as they are sent.

    Raises:
        UsageError: one of them cannot be.
    """
    from policyd.policy.whole import fault

    for each in (*version.unreadable, *version.unreadable_suites):
        raise _unsendable(each.file, each.message)
    files = {**version.files, **version.suites}
    told = {}
    for path, data in files.items():
        if why := fault(path):
            raise _unsendable(path, why)
        try:
            told[path] = data.decode()
        except UnicodeDecodeError:
            raise _unsendable(path, "it is not UTF-8") from None
    return told


def _unsendable(path: str, why: str) -> UsageError:
    return UsageError(
        f"`{path}` cannot be sent: {why}; review without --url to see all that is wrong",
        code="file-unusable",
    )
