"""Requests that were not judged: counted per minute, key and address, and recorded so.

One record for each would let anyone without a key fill the log.
"""

import asyncio
from collections import Counter
from datetime import datetime

import structlog

from policyd.ledger.ledger import Ledger
from policyd.ledger.record import RefusalCount, refusals_record
from policyd.ledger.stamp import Stamper
from policyd.model.errors import PolicydError
from policyd.points.metrics import Metrics

log = structlog.get_logger(__name__)
EVERY_S = 60.0
MOST = 100
"""Rows in one record; what comes from further keys or addresses is counted together."""


class Refusals:
    """Counts refusals, and records the counts every minute and at the end."""

    def __init__(self, ledger: Ledger, stamps: Stamper, metrics: Metrics) -> None:
        self._ledger = ledger
        self._stamps = stamps
        self._metrics = metrics
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._since: datetime | None = None

    def note(self, code: str, key: str, address: str) -> None:
        """Count one refusal; *key* is the id of the key, or empty."""
        self._metrics.refused(code)
        place = (key, address, code)
        if place not in self._counts and len(self._counts) >= MOST:
            place = ("", "", code)
        self._counts[place] += 1

    async def run(self) -> None:
        """Record the counts every minute, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Record what was counted since the last time; kept for the next time if that fails."""
        counts = self._counts
        if not counts:
            return
        try:
            made = self._stamps.draw()
            rows = [RefusalCount.of(*place, count) for place, count in sorted(counts.items())]
            self._counts = Counter()
            await self._ledger.append([refusals_record(made, rows)])
        except PolicydError as error:
            self._counts.update(counts)
            log.warning("refusals-not-recorded", code=error.code, why=error.message)
