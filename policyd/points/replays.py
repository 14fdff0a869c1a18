"""Replays of the log for reviews: which records, and what of the result who may see."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from policyd.ledger.stamp import Stamp
from policyd.model.keys import Key
from policyd.review.replayed import Replaying, Wanted

DAYS = 30
"""How far back a review looks where nobody says it."""

MOST = 1_000_000
"""Records that a review replays, the newest of the window."""


_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Between:
    """A window of time: none is older than `after`, all are older than `before`; both aware."""

    after: datetime | None = None
    before: datetime | None = None


USUAL = Between()
"""The window of a review where nobody says another."""


class Replays:
    """What reviews are to replay of one log.

    Args:
        data: The data folder.
        level: Of its segments.
        kept: Gives the digests of the snapshots that are kept.
    """

    def __init__(self, data: Path, level: int, kept: Callable[[], frozenset[str]]) -> None:
        self._data = data
        self._level = level
        self._kept = kept

    async def of(self, stamp: Stamp, window: Between = USUAL) -> Replaying:
        """What is to be replayed of a window; its sample is drawn by the chance in *stamp*."""
        kept = await asyncio.to_thread(self._kept)
        before = window.before or stamp.at
        after = window.after or before - min(timedelta(days=DAYS), before - _FIRST)
        seed = int(stamp.nonce, 16)
        return Replaying(str(self._data), self._level, Wanted(after, before, MOST, seed, kept))


def seen_by(key: Key, review: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A review as the key's holder may see it.

    Who may read the log sees every row of a replay, and so does an approver, who answers for what
    becomes of these calls; others see those of what they speak for, and how many calls are not
    shown.
    """
    if review is None:
        return None
    told = dict(review)
    inner = told.get("review") or {}
    replay = inner.get("replay")
    if not replay or key.reads_all or key.has_role("approver"):
        return told
    seen: dict[str, Any] = dict(replay)
    for name in ("rows", "contradictions"):
        rows = [each for each in replay[name] if key.speaks_for(each["caller"])]
        seen["withheld"] += _calls(replay[name]) - _calls(rows)
        seen[name] = rows
    return told | {"review": inner | {"replay": seen}}


def _calls(rows: list[Mapping[str, Any]]) -> int:
    return sum(each["count"] for each in rows)
