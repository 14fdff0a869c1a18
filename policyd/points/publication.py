"""Publication: which checkpoint of the log the world gets to see, and when.

Every commit signs a checkpoint; of these one is published each second, if there are new records,
and whenever somebody waits for a receipt. It carries the log's own cosignature with the time, so
one that does not change is published again as a sign of life.
"""

import asyncio
from dataclasses import dataclass

import structlog

from policyd.ledger.guard import Guard
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.model.errors import LedgerUnavailable, PolicydError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks at the log, and until an unchanged checkpoint is renewed."""

    look_s: float = 1.0
    idle_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that was published: its number of records, and the signed note."""

    size: int
    note: str


class Publication:
    """Holds the newest published checkpoint."""

    def __init__(
        self,
        ledger: Ledger,
        reader: Reader,
        signer: Signer,
        guard: Guard | None = None,
        pace: Pace = Pace(),
    ) -> None:
        """Publish the log of *ledger*, as *reader* sees it; nothing is published yet.

        With a *guard*, nothing is published that it does not know of.
        """
        self._ledger = ledger
        self._reader = reader
        self._signer = signer
        self._guard = guard
        self._pace = pace
        self._newest: Published | None = None
        self._published_at = 0.0  # by the event loop's clock
        self._one_at_a_time = asyncio.Lock()

    @property
    def newest(self) -> Published:
        """The newest published checkpoint.

        Raises:
            LedgerUnavailable: there is none yet.
        """
        if self._newest is None:
            raise LedgerUnavailable("no checkpoint is published yet: try again in a moment")
        return self._newest

    async def covering(self, size: int) -> Published:
        """A published checkpoint of at least *size* records, all of which are durable.

        Those who wait while one is published are all served by the next one.

        Raises:
            LedgerUnavailable: the log cannot be read.
            ClockBehind: see `Ledger.stamp`.
        """
        while self._newest is None or self._newest.size < size:
            async with self._one_at_a_time:
                if self._newest is None or self._newest.size < size:
                    self._newest = await self._publish()
        return self._newest

    async def run(self) -> None:
        """Publish what is new, until cancelled; what goes wrong is told and tried again."""
        failing = False
        while True:
            await asyncio.sleep(self._pace.look_s)
            try:
                if self._is_due():
                    async with self._one_at_a_time:
                        self._newest = await self._publish()
                failing = False
            except PolicydError as error:
                if not failing:  # once, not every second
                    said = {"code": error.code, "why": error.message}
                    log.warning("checkpoint-not-published", **said)
                failing = True

    def _is_due(self) -> bool:
        # A log that takes no more records must not go on saying that there are no newer ones.
        if self._ledger.failure:
            return False
        has_new = self._newest is None or self._newest.size < self._ledger.size
        idle_s = asyncio.get_running_loop().time() - self._published_at
        return has_new or idle_s >= self._pace.idle_s

    async def _publish(self) -> Published:
        """The checkpoint of the last commit with the present time.

        A crash before it is handed out leaves a cosignature that nobody has seen; the records it
        is about are durable, and the next start publishes a checkpoint that goes on from it.
        """
        seconds = int(self._ledger.stamp().at.timestamp())
        state = await asyncio.to_thread(self._reader.state)
        published = Published(state.size, self._signer.cosigned(state.note, seconds))
        if self._guard:
            # INVARIANT: what the world has seen, the guard knows.
            await asyncio.to_thread(self._guard.advance, published.note)
        self._published_at = asyncio.get_running_loop().time()
        return published
