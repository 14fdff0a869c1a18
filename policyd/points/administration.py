"""The administration point (PAP): the only mover of the snapshot in force."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from policyd.engine.decide import Engine
from policyd.ledger.ledger import Ledger
from policyd.ledger.record import policy_change_record
from policyd.ledger.stamp import Stamper
from policyd.model.errors import PolicydError, PolicyInvalid
from policyd.points.metrics import Metrics
from policyd.policy.load import load

log = structlog.get_logger(__name__)
FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class InForce:
    """A snapshot made ready, and where it came from."""

    engine: Engine
    source: str


class PolicyInForce:
    """The one reference that every decision reads; swapped as a whole, never changed."""

    def __init__(self, current: InForce, versions: Mapping[str, str]) -> None:
        """Start with *current*; *versions* are of the engine and the data it decides by."""
        self.current = current
        self.versions = versions
        self.failed_reload: str | None = None


class AdministrationPoint:
    """Puts a snapshot in force: built aside, recorded, then swapped."""

    def __init__(
        self, folder: Path, policy: PolicyInForce, ledger: Ledger, stamps: Stamper, metrics: Metrics
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._ledger = ledger
        self._stamps = stamps
        self._metrics = metrics
        self._one_at_a_time = asyncio.Lock()

    async def record_start(self) -> None:
        """Say in the log by which snapshot this server begins to decide."""
        digest = self._policy.current.engine.snapshot.digest
        await self._record(digest, None, "start")

    async def reload(self) -> bool:
        """Read the folder again; whether another snapshot is in force now.

        A broken tree, or a log that cannot record the change, leaves the old snapshot serving.
        """
        async with self._one_at_a_time:
            try:
                changed = await self._reload()
            except PolicydError as error:
                self._metrics.reloads.labels("failed").inc()
                self._policy.failed_reload = error.message
                findings = [str(f) for f in error.findings] if _has_findings(error) else []
                log.error("reload-failed", code=error.code, why=error.message, findings=findings)
                return False
            self._policy.failed_reload = None
            self._metrics.reloads.labels("changed" if changed else "unchanged").inc()
            return changed

    async def _reload(self) -> bool:
        old = self._policy.current.engine.snapshot.digest
        new = await asyncio.to_thread(read_folder, self._folder)
        digest = new.engine.snapshot.digest
        if digest == old:
            log.info("reload-unchanged", snapshot=digest)
            return False
        # A crash after this record and before the swap leaves a record of a snapshot by which
        # nothing was decided; the next start records its own.
        await self._record(digest, old, "reload")
        self._policy.current = new
        log.info("reload-done", snapshot=digest, previous=old)
        return True

    async def _record(self, digest: str, previous: str | None, reason: str) -> None:
        source = self._policy.current.source
        made = self._stamps.draw()
        await self._ledger.append(
            [
                policy_change_record(
                    made, snapshot=digest, previous=previous, source=source, reason=reason
                )
            ]
        )


def _has_findings(error: PolicydError) -> "TypeGuard[PolicyInvalid]":
    return isinstance(error, PolicyInvalid)


def read_folder(folder: Path) -> InForce:
    """The folder's snapshot, made ready to decide.

    Raises:
        PolicyInvalid: the tree has findings.
    """
    return InForce(Engine(load(folder)), FOLDER)
