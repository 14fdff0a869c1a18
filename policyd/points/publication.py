"""Publication: which checkpoint of the log the world gets to see, and when.

Every commit signs a checkpoint; of these one is published each second, if there are new records,
and whenever somebody waits for a receipt. It carries the log's own cosignature with the time, so
one that does not change is published again as a sign of life.

Witnesses may add theirs. Where their quorum is required, nothing gets out without it. Where it is
not, the published checkpoint has what lines they gave in time, and a receipt does without them.
"""

import asyncio
from dataclasses import dataclass

import structlog

from policyd.ledger.guard import Guard
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.model.errors import LedgerUnavailable, PolicydError
from policyd.points.witnesses import Witnesses

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
        witnesses: Witnesses | None = None,
        pace: Pace = Pace(),
    ) -> None:
        """Publish the log of *ledger*, as *reader* sees it; nothing is published yet.

        With a *guard*, nothing is published that it does not know of; *witnesses* cosign.
        """
        self._ledger = ledger
        self._reader = reader
        self._signer = signer
        self._guard = guard
        self._witnesses = witnesses
        self._pace = pace
        self._newest: Published | None = None
        self._latest: Published | None = None  # the same, or a later one that receipts have
        self._is_shown = witnesses is None  # whether witnesses were asked about any
        self._published_at = 0.0  # by the event loop's clock
        self._one_at_a_time = asyncio.Lock()
        self._failed: list[LedgerUnavailable] = []  # the last time, for those who waited for it

    @property
    def newest(self) -> Published:
        """The newest published checkpoint.

        Raises:
            LedgerUnavailable: there is none yet.
        """
        if self._newest is None:
            raise LedgerUnavailable("no checkpoint is published yet: try again in a moment")
        return self._newest

    @property
    def waits_for_witnesses(self) -> bool:
        """Whether others, who may be slow or away, have to cosign before anything is published."""
        return self._witnesses is not None and self._witnesses.are_required

    async def covering(self, size: int) -> Published:
        """A checkpoint of at least *size* records, all of which are durable.

        Those who wait while one is made are all served by the next one, or fail with it.

        Raises:
            LedgerUnavailable: the log cannot be read, or its witnesses are missing.
            ClockBehind: see `Ledger.stamp`.
        """
        failed = self._failed
        while self._latest is None or self._latest.size < size:
            async with self._one_at_a_time:
                if self._failed is not failed:
                    raise self._failed[0]
                if self._latest is None or self._latest.size < size:
                    await self._publish()
        return self._latest

    async def check(self) -> None:
        """Nothing, if what is recorded now would get out: a checkpoint just did.

        Raises:
            LedgerUnavailable: the log cannot be read, or its witnesses are missing.
            ClockBehind: see `Ledger.stamp`.
        """
        async with self._one_at_a_time:
            await self._publish()

    async def run(self) -> None:
        """Publish what is new, until cancelled; what goes wrong is told and tried again."""
        failing = False
        while True:
            try:
                if self._is_due():
                    async with self._one_at_a_time:
                        made = await self._publish()
                    self._is_shown = True
                    self._newest = await self._shown(made)
                failing = False
            except PolicydError as error:
                if not failing:  # once, not every second
                    said = {"code": error.code, "why": error.message}
                    log.warning("checkpoint-not-published", **said)
                failing = True
            await asyncio.sleep(self._pace.look_s)

    def _is_due(self) -> bool:
        # A log that takes no more records must not go on saying that there are no newer ones.
        if self._ledger.failure:
            return False
        if self._newest is None or not self._is_shown:
            return True
        idle_s = asyncio.get_running_loop().time() - self._published_at
        return self._newest.size < self._ledger.size or idle_s >= self._pace.idle_s

    async def _publish(self) -> Published:
        """The checkpoint of the last commit, with the present time.

        A crash before it is handed out leaves cosignatures that nobody has seen; the records they
        are about are durable, and the next start publishes a checkpoint that goes on from it.
        """
        seconds = int(self._ledger.stamp().at.timestamp())
        state = await asyncio.to_thread(self._reader.state)
        made = Published(state.size, self._signer.cosigned(state.note, seconds))
        if self.waits_for_witnesses:
            try:
                made = await self._witnessed(made)
            except LedgerUnavailable as error:
                self._failed = [error]
                raise
        if self._guard:
            # INVARIANT: what the world has seen, the guard knows.
            await asyncio.to_thread(self._guard.advance, made.note)
        self._published_at = asyncio.get_running_loop().time()
        self._latest = made
        if self._newest is None or self._witnesses is None or self.waits_for_witnesses:
            self._newest = made
        return made

    async def _shown(self, made: Published) -> Published:
        """The checkpoint with the lines of witnesses whom nothing waits for but this."""
        return made if self.waits_for_witnesses else await self._witnessed(made)

    async def _witnessed(self, made: Published) -> Published:
        if self._witnesses is None:
            return made
        lines = await self._witnesses.cosignatures(made.note, made.size)
        return Published(made.size, made.note + lines)
