"""Replay words: what a replay of a log came to, in sentences that every rendering shares."""

from collections.abc import Iterator
from typing import NamedTuple

from policyd.review.replayed import Answer, Replayed, Row, Window
from policyd.review.sentences import listed, numbered, plural

_WORDS = {
    "gained": "gained",
    "lost": "lost",
    "duty-lost": "owe less",
    "duty-added": "owe more",
    "reason-only": "refused for other reasons",
    "unknown": "unknown",
    "error": "errors",
}
_MARKS = {"gained": "+", "lost": "-", "duty-lost": "~", "duty-added": "~", "reason-only": " "}
_ALWAYS = frozenset({"gained", "lost"})
_TOLD_REASONS = 4
MINUTE = 16  # so many characters of a time say the minute


class RowTold(NamedTuple):
    """A row in words: what becomes of which calls, what was decided, and where to look."""

    what: str
    decided: str
    records: str
    is_bad: bool


def replay_words(replay: Replayed) -> str:
    """What it came to, in one line."""
    if replay.trouble:
        return f"NOT REPLAYED: {replay.trouble}"
    between = _between(replay.window)
    if not replay.calls:
        return f"NO CALLS were recorded {between}, so it says nothing about this change"
    parts = [
        f"{replay.counts.get(name, 0):,} {word}"
        for name, word in _WORDS.items()
        if name in _ALWAYS or replay.counts.get(name)
    ]
    drift = f"; {replay.drifted:,} had drifted before this change" if replay.drifted else ""
    return f"{plural(replay.calls, 'call')} {between}: {', '.join(parts)}{drift}"


def _between(window: Window) -> str:
    return f"from {window.after[:MINUTE]}Z to {window.before[:MINUTE]}Z"


def told_rows(replay: Replayed) -> Iterator[RowTold]:
    """Each row, what shows a fault of the proof first."""
    for each in replay.contradictions:
        told = _told(each)
        yield told._replace(what=f"! OUTSIDE OF EVERY REGION, {told.what[2:]}", is_bad=True)
    yield from map(_told, replay.rows)


def _told(row: Row) -> RowTold:
    to = f" at `{row.to}`" if row.to else ""
    regions = f" ({numbered(row.regions)})" if row.regions else ""
    calls = f"{plural(row.count, 'call')} {_WORDS[row.outcome]}"
    drift = f", {row.drifted:,} of them drifted" if row.drifted else ""
    recorded = "" if row.recorded.allow == row.before.allow else f"recorded {_said(row.recorded)}; "
    flow = f"`{row.caller}` {row.action} `{row.data}`{to}"
    return RowTold(
        what=f"{_MARKS[row.outcome]} {calls}: {flow}{regions}",
        decided=(
            f"last {row.last[:MINUTE]}Z{drift}; {recorded}before {_said(row.before)};"
            f" after {_said(row.after)}"
        ),
        records=f"record {', '.join(reversed(row.records))}",
        is_bad=False,
    )


def _said(answer: Answer) -> str:
    if answer.allow:
        return f"ALLOW owing {'; '.join(answer.owes)}" if answer.owes else "ALLOW"
    return f"DENY ({', '.join(answer.reasons[:_TOLD_REASONS])})"


def coverage(replay: Replayed) -> Iterator[str]:
    """How much of the log was looked at, and what was not."""
    if replay.calls:
        yield _asked(replay)
    if replay.more:
        yield f"{plural(replay.more, 'more call')} come out differently, in rows that are not told"
    if replay.withheld:
        yield (
            f"{plural(replay.withheld, 'call')} of others, in rows that this key may not see: an"
            " approver or auditor does"
        )
    for why, count in replay.why.items():
        yield f"{plural(count, 'call')} could not be decided: {why}"
    if replay.by_others or replay.by_unkept:
        yield _by_whom(replay)
    yield from _unseen(replay.window)


def _unseen(window: Window) -> Iterator[str]:
    """What of the window was not looked at, and why."""
    if window.left_out:
        left = plural(window.left_out, "older record")
        yield f"{left} of the window were left out: so many are not replayed at a time"
    if window.pruned_until:
        yield f"the log begins at {window.pruned_until[:MINUTE]}Z: what was before that was pruned"
    if window.lost:
        lost = listed((f"{first} to {end - 1}" for first, end in window.lost), 8)
        yield f"records that cannot be read: {lost}"
    if window.erased:
        yield f"{plural(window.erased, 'record')} had parts erased, which no decision reads"


def _asked(replay: Replayed) -> str:
    said = f"{plural(replay.matched, 'call')} in changed regions decided by both"
    if not replay.sampled:
        return said
    others = f"{plural(replay.sampled, 'other')} drawn by seed {replay.seed}"
    is_wrong = bool(replay.contradictions)
    come = "SOME COME OUT DIFFERENTLY" if is_wrong else "none comes out differently"
    return f"{said}, and {others} as a check on the proof: {come}"


def _by_whom(replay: Replayed) -> str:
    unkept = f", {replay.by_unkept:,} by policies that are not kept" if replay.by_unkept else ""
    return (
        f"{replay.by_base:,} calls were decided by the base, {replay.by_others:,} by other policies"
        f"{unkept}; each was decided again by its own record"
    )
