"""The points of one running server together, with their beginning and end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from policyd.engine.calendar import wall_clock
from policyd.ledger.guard import Guard
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.record import REPORTED_WITHIN
from policyd.ledger.signing import Signer
from policyd.model.errors import PolicydError
from policyd.points.administration import (
    AdministrationPoint,
    InForce,
    PolicyInForce,
    Read,
    Watcher,
)
from policyd.points.audit import AuditPoint
from policyd.points.decision import DecisionPoint
from policyd.points.erasures import ErasurePoint
from policyd.points.explain import ExplainPoint
from policyd.points.exports import ExportPoint
from policyd.points.holds import HoldPoint
from policyd.points.keeping import Keeping
from policyd.points.keys import KeyPoint
from policyd.points.metrics import Metrics
from policyd.points.notice_hook import NoticeHook
from policyd.points.notices import NoticePoint
from policyd.points.outcomes import OutcomePoint
from policyd.points.places import PlacePoint
from policyd.points.policies import Policies
from policyd.points.posting import Hook
from policyd.points.projection import Projection
from policyd.points.publication import Publication
from policyd.points.readiness import Readiness, readiness
from policyd.points.refusals import Refusals
from policyd.points.replays import Replays
from policyd.points.retention import RetentionPoint
from policyd.points.reviewing import Reviewer
from policyd.points.search import Log, SearchPoint
from policyd.points.source import Maker
from policyd.points.tail import TailPoint
from policyd.points.webhook import Webhook
from policyd.points.witnesses import Witnesses
from policyd.registry.keys import KeyStore
from policyd.registry.policies import PolicyStore
from policyd.search.process import Search


@dataclass(frozen=True, slots=True)
class Stores:
    """What a server keeps: the log with what reads, searches, signs and guards it, keys, policies.

    `projection` is the file in which it sums up what the log says so far.
    With `policies` and a `maker` it decides by what was published, and without by a folder.
    `notices` has where they are sent with the secret to sign with, if anywhere, and draws chance.
    """

    ledger: Ledger
    reader: Reader
    keys: KeyStore
    signer: Signer
    search: Search
    projection: Path
    guard: Guard | None = None
    witnesses: Witnesses | None = None
    keeping: Keeping | None = None
    webhook: Webhook | None = None
    policies: PolicyStore | None = None
    maker: Maker | None = None
    notices: tuple[tuple[str, bytes] | None, Callable[[], float]] | None = None


class Service:
    """Everything the API may call."""

    def __init__(
        self, stores: Stores, read: Read, start: InForce, days: Mapping[str, int] = {}
    ) -> None:
        """Begin with *start*, which *read* reads again; nothing is recorded yet.

        Records are kept for so many *days*, by kind.
        """
        self.keys = stores.keys
        self.signer = stores.signer
        self.metrics = Metrics()
        self._policy = PolicyInForce(start)
        self._ledger = stores.ledger
        self._reader = stores.reader
        self.projection = _projection(stores)
        counters = self.projection.counters
        ledger, metrics = stores.ledger, self.metrics
        self.refusals = Refusals(ledger, metrics)
        self.decision = DecisionPoint(self._policy, ledger, metrics, counters)
        self.administration = AdministrationPoint(read, self._policy, ledger, metrics)
        self.explain = ExplainPoint(self._policy, ledger, counters)
        self.key_point = KeyPoint(stores.keys, ledger, self._policy)
        self.publication = Publication(
            ledger, stores.reader, stores.signer, stores.guard, stores.witnesses
        )
        self.audit = AuditPoint(stores.reader, ledger, self.publication)
        self.search = SearchPoint(
            Log(ledger, stores.reader, self.publication),
            stores.search,
            self._levels,
            stores.keys.derived("cursors"),
        )
        self.tail = TailPoint(stores.reader, ledger, self._levels)
        self.exports = ExportPoint(stores.reader, ledger, self.publication, stores.signer)
        self.outcomes = OutcomePoint(stores.reader, ledger, metrics, self.projection.once)
        self.keeping = stores.keeping
        self.webhook = stores.webhook
        self.places = PlacePoint(self._policy, ledger)
        self.holds = HoldPoint(stores.reader, ledger)
        self.erasures = ErasurePoint(stores.reader, ledger, self.holds)
        self.retention = RetentionPoint(stores.reader, ledger, self.holds, self.publication, days)
        self.policies = self._published(stores)
        self.notices = self._noticing(ledger)
        self._watch(ledger)

    def _published(self, stores: Stores) -> Policies | None:
        if stores.policies is None or stores.maker is None:
            return None
        logs, registry = (stores.ledger, stores.reader), (stores.policies, stores.keys)
        search = stores.search
        replays = Replays(search.data, search.level, stores.policies.snapshots)
        reviewer = Reviewer(replays=replays)
        policies = Policies(
            self._policy, self.administration, logs, registry, stores.maker, reviewer
        )
        hook, draw = stores.notices or (None, None)
        if hook and draw:
            notices = NoticePoint(self._policy, stores.ledger, policies.book)
            kept, origin = stores.policies.notices, stores.signer.origin
            policies.hook = NoticeHook(Hook(*hook), origin, notices, kept, stores.ledger, draw)
        return policies

    def _noticing(self, ledger: Ledger) -> NoticePoint:
        return NoticePoint(self._policy, ledger, self.policies.book if self.policies else None)

    @property
    def watcher(self) -> Watcher | None:
        """Who is told of decisions: a shadow, while one runs."""
        return self._policy.watcher

    def readiness(self) -> Readiness:
        """Whether checks are answered now, and if not, why."""
        policies = self.policies
        emergencies = policies.book.unreviewed if policies else ()
        hooks = [each for each in (self.webhook, policies.hook if policies else None) if each]
        return readiness(self._policy, self._ledger, self.keeping, hooks, emergencies)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count again what the log has counted, record the start; record refusals to the end.

        A checkpoint is published before the first answer, and from then on; with witnesses that
        must cosign it, when they have: no check waits for them.
        """
        self._restore()
        if self.policies:
            await self.policies.begin()
        await self.administration.record_start()
        if not self.publication.waits_for_witnesses:
            await self.publication.covering(self._ledger.size)
        runs = [self.refusals.run(), self.publication.run(), self.retention.run()]
        runs += [self.projection.run(), self.search.prepare()]
        if self.keeping:
            runs.append(self.keeping.run())
        if self.webhook:
            await self.webhook.record_start()
            runs.append(self.webhook.run())
        if self.policies:
            runs.append(self.policies.run())
        tasks = [asyncio.create_task(each) for each in runs]
        try:
            yield
        finally:
            if self.policies:
                await self.policies.close()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await self.refusals.flush()
            with contextlib.suppress(PolicydError):  # it is about to end, and has said why
                await self.publication.covering(self._ledger.size)
            await self.projection.keep()

    def _levels(self) -> tuple[str, ...]:
        """The company's levels of labels, lowest first."""
        return self._policy.current.engine.snapshot.vocabulary.levels

    def _restore(self) -> None:
        """Limits and outcomes survive a restart: the longest stretch of a limit is a month."""
        now = self._ledger.stamp().at
        calendar = self._policy.current.engine.snapshot.calendar
        clock = wall_clock(calendar, now)
        month = clock.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self.projection.restore(
            min(month.replace(tzinfo=calendar.zone), now - REPORTED_WITHIN), clock
        )

    def _watch(self, ledger: Ledger) -> None:
        metrics = self.metrics
        metrics.ready.set_function(lambda: float(self.readiness().is_ready))
        size = metrics.watch("policyd_log_size", "Records in the log")
        size.set_function(lambda: float(ledger.size))
        if keeping := self.keeping:
            sealed = metrics.watch("policyd_segments", "Sealed segments that are in order")
            sealed.set_function(lambda: float(keeping.sealed))
            lost = metrics.watch("policyd_segments_lost", "Segments that cannot be read")
            lost.set_function(lambda: float(len(keeping.lost)))
        if webhook := self.webhook:
            lag = metrics.watch("policyd_webhook_lag", "Records the webhook has not taken yet")
            lag.set_function(lambda: float(webhook.lag))
        depth = metrics.watch("policyd_queue_depth", "Records waiting for their commit")
        depth.set_function(lambda: float(ledger.queue_depth))


def _projection(stores: Stores) -> Projection:
    kept = (stores.projection, stores.keys.derived("projection"))
    return Projection(kept, (stores.signer.origin, stores.ledger, stores.reader))
