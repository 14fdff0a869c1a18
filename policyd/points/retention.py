"""Retention: the oldest records are removed once none of them must be kept any more.

Kinds are mixed in one sequence, and a log can only begin later, never have gaps. So it begins at
the first record that must be kept: by the days of its kind, for ever where none are set, or by a
hold. The hashes of what is removed stay, so the rest is proved as before.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from policyd.ledger import record
from policyd.ledger.frames import Prune
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.recovery import TAIL
from policyd.ledger.stamp import timestamp
from policyd.ledger.view import Found
from policyd.model.errors import PolicydError
from policyd.model.keys import Key
from policyd.points.holds import Hold, HoldPoint, over
from policyd.points.publication import Publication
from policyd_audit.disclosure import reveal
from policyd_audit.tree import TILE_WIDTH

log = structlog.get_logger(__name__)

_PAGE = 2000
_SWEPT = 4096  # records removed in one transaction
_OPENING = "epoch"


@dataclass(frozen=True, slots=True)
class Keeper:
    """The record that the log must begin at, at the latest, and why."""

    index: int
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was pruned, or would be: from one record to before another; and what comes next."""

    first: int
    end: int
    kept_by: Keeper
    act: str | None = None


class RetentionPoint:
    """Lets the log begin later, on an admin's order, by the days that are set."""

    def __init__(
        self,
        reader: Reader,
        ledger: Ledger,
        holds: HoldPoint,
        publication: Publication,
        days: Mapping[str, int],
    ) -> None:
        """Keep each kind of record for so many *days*; one that has none for ever."""
        self._reader = reader
        self._ledger = ledger
        self._holds = holds
        self._publication = publication
        self._days = days

    async def run(self) -> None:
        """Go on where a sweep was interrupted by the end of the last server."""
        try:
            await self._sweep()
        except PolicydError as error:
            log.warning("pruned-not-removed", code=error.code, why=error.message)

    def first(self) -> int:
        """The record that the log begins at; those before it were pruned.

        Raises:
            LedgerUnavailable: the log cannot be read.
        """
        return self._reader.first()

    async def look(self) -> Pruning:
        """What would be pruned now.

        Raises:
            LedgerUnavailable: the log cannot be read.
        """
        holds = await self._holds.active()
        return await asyncio.to_thread(self._look, self._ledger.stamp().at, holds)

    async def prune(self, by: Key) -> Pruning:
        """What was pruned; its records are removed.

        Raises:
            LedgerUnavailable: the log cannot be read, or the act not be recorded; or witnesses
                are missing without whom nobody would get to see its record.
        """
        async with self._holds.one_at_a_time:
            found = await self.look()
            if found.end == found.first:
                return found
            await self._publication.check()
            said = record.Retention(
                **record.stamped(self._ledger.stamp()),
                act="prune",
                by=by.id,
                count=found.end - found.first,
                first=found.first,
                end=found.end,
                days=self._days,
            )
            # A crash after this leaves records that nobody is shown; the next start removes them.
            act = await self._ledger.append([record.encode(said)], Prune(found.end))
            # Whoever verifies finds records gone: the checkpoint they go by should have the reason.
            with suppress(PolicydError):  # of witnesses lost since; the next that gets out has it
                await self._publication.covering(act + 1)
            await self._sweep()
        return Pruning(found.first, found.end, found.kept_by, said.id)

    async def _sweep(self) -> None:
        first = await asyncio.to_thread(self._reader.first)
        lowest = await asyncio.to_thread(self._reader.lowest)
        while lowest < first:
            await self._ledger.sweep(_SWEPT)
            lowest = await asyncio.to_thread(self._reader.lowest)

    def _look(self, now: datetime, holds: tuple[Hold, ...]) -> Pruning:
        first, size = self._reader.first(), self._reader.state().size
        keeper = self._keeper(now, holds)
        # Never a part of a bundle or of a sealed file, nor what a start looks at.
        most = min(keeper.index, size - TAIL) // TILE_WIDTH * TILE_WIDTH
        most = self._reader.prunable(most)
        return Pruning(first, max(first, most), keeper)

    def _keeper(self, now: datetime, holds: tuple[Hold, ...]) -> Keeper:
        limits = {kind: timestamp(now - timedelta(days=days)) for kind, days in self._days.items()}
        own = {each.seq: each for each in holds}
        cursor: int | None = None
        while True:
            page = self._reader.page(limit=_PAGE, cursor=cursor, newest_first=False)
            for found in page.records:
                read: dict[str, Any] = msgspec.json.decode(found.leaf)
                why = self._why(read, limits)
                held = own.get(found.seq) or self._held(found, read, holds)
                if held:
                    why = f"it is under the hold `{held.name}`, or is that hold's own record"
                if why:
                    return Keeper(found.seq, read["kind"], why)
            if page.cursor is None:
                return Keeper(page.size, "", "nothing must be kept any more")
            cursor = page.cursor

    def _why(self, read: Mapping[str, Any], limits: Mapping[str, str]) -> str | None:
        kind, ts = read["kind"], read["ts"]
        if kind == _OPENING:  # what it says, the signed checkpoint and later records say too
            return None
        if kind not in limits:
            return f"records of kind `{kind}` are kept for ever"
        if ts >= limits[kind]:
            return f"records of kind `{kind}` are kept for {self._days[kind]} days; it is of {ts}"
        return None

    def _held(self, found: Found, read: dict[str, Any], holds: tuple[Hold, ...]) -> Hold | None:
        if not holds:
            return None
        beside = self._reader.disclosures([found.seq])[found.seq]
        whole = dict(reveal(read, beside).record)
        return next(over(holds, found.seq, whole), None)
