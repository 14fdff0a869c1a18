"""Requests that were not judged: counted per minute, key and address, and recorded so.

One record for each would let anyone without a key fill the log.
"""

import asyncio
from collections import Counter
from datetime import datetime

import structlog

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.errors import PolicydError
from policyd.points.metrics import Metrics

log = structlog.get_logger(__name__)
EVERY_S = 60.0
MOST = 80
"""Rows in one record; what comes from further keys or addresses is counted together."""


class Refusals:
    """Counts refusals, and records the counts every minute and at the end."""

    def __init__(self, ledger: Ledger, metrics: Metrics) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._since = ledger.stamp().at

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
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        try:
            made = self._ledger.stamp()
            await self._ledger.append([_record(made, self._since, counts)])
        except PolicydError as error:
            self._counts.update(counts)
            log.warning("refusals-not-recorded", code=error.code, why=error.message)
        else:
            self._since = made.at


def _record(made: Stamp, since: datetime, counts: Counter[tuple[str, str, str]]) -> bytes:
    rows = tuple(
        record.Refusal(key=key or None, address=address, code=code, count=count)
        for (key, address, code), count in sorted(counts.items())
    )
    return record.encode(
        record.Refusals(**record.stamped(made), since=timestamp(since), until=made.ts, counts=rows)
    )
