"""The book of changes: every step is on record before it counts, one step at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp
from policyd.model.change import Approval, Change, person
from policyd.model.errors import Conflict, DataFolderError, OutOfScope
from policyd.model.keys import Key
from policyd.registry.keys import KeyStore
from policyd.registry.policies import Kept, PolicyStore, Publication

SERVER = "policyd"
"""Who did it, where a server did it by itself."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What the record of one step says: what was done, with which key, and the rest of `Admin`."""

    act: str
    by: str
    why: str | None = None
    owner: str | None = None


class Book:
    """Reads and keeps changes; whoever changes one takes a `turn`.

    Attributes:
        unreviewed: Changes that are in force by an emergency, and nobody has agreed to them yet.
    """

    def __init__(self, store: PolicyStore, ledger: Ledger, keys: KeyStore) -> None:
        self.store = store
        self._ledger = ledger
        self._keys = keys
        self.unreviewed: tuple[Change, ...] = ()
        self._lock = asyncio.Lock()
        self._catching_up = asyncio.Lock()
        self._behind: list[tuple[Publication, tuple[Change, ...]]] = []
        self._busy: set[str] = set()

    def now(self) -> str:
        """The log's time: RFC 3339 in UTC."""
        return self._ledger.stamp().ts

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else changes anything in the block, and the registry has what the log has."""
        async with self._lock:
            await self._catch_up()
            yield

    @asynccontextmanager
    async def putting_in_force(self, change: Change) -> AsyncIterator[None]:
        """Nothing becomes of *change* in the block but what the block makes of it."""
        self.check_idle(change)
        self._busy.add(change.id)
        try:
            yield
        finally:
            self._busy.discard(change.id)

    def check_idle(self, change: Change) -> None:
        """Nothing, if the change is not just being put in force.

        Raises:
            Conflict: it is.
        """
        if change.id in self._busy:
            raise Conflict(
                f"change `{change.id}` is being put in force: wait until it is", code="change-busy"
            )

    async def kept(self, change_id: str) -> Kept:
        """A change, with the approvals that still stand; raises as `PolicyStore.change`."""
        return self._counted(await asyncio.to_thread(self.store.change, change_id))

    async def list(self, limit: int, *, only_open: bool = False) -> list[Kept]:
        """The newest changes, newest first, with the approvals that still stand."""
        found = await asyncio.to_thread(self.store.changes, limit=limit, only_open=only_open)
        return [self._counted(each) for each in found]

    async def keep(
        self, step: Step, change: Change, review: Mapping[str, Any] | None = None
    ) -> Stamp:
        """Record a step, then keep the change as it is after it.

        Raises:
            LedgerUnavailable: it could not be recorded, and was not done.
            DataFolderError: it was recorded, and could not be kept.
        """
        stamp = self._ledger.stamp()
        said = record.Admin(
            **record.stamped(stamp),
            act=step.act,
            target=change.id,
            by=step.by,
            why=step.why,
            snapshot=change.snapshot,
            decision=change.demand.decision if change.demand else None,
            owner=step.owner,
        )
        await self._ledger.append([record.encode(said)])
        # A crash here leaves a record of a step that did not count; whoever took it, and got no
        # answer, takes it again.
        await asyncio.to_thread(self.store.save, change, at=stamp.ts, review=review)
        await self.look_for_emergencies()
        return stamp

    async def keep_publication(self, publication: Publication, *changes: Change) -> None:
        """Keep what the log has already: what is in force, and what becomes of changes by that."""
        self._behind.append((publication, changes))
        try:
            await self._catch_up()
        except DataFolderError as error:
            # It is in force, whatever the registry knows; the next step, or the next start, tries
            # again.
            log.error("registry-behind", code=error.code, why=error.message)  # noqa: TRY400

    async def _catch_up(self) -> None:
        async with self._catching_up:
            while self._behind:
                publication, changes = self._behind[0]
                await asyncio.to_thread(self.store.publish, publication, *changes)
                del self._behind[0]  # only now: what could not be written is tried again
                await self.look_for_emergencies()

    async def look_for_emergencies(self) -> None:
        """Find out anew which changes wait for agreement though they are in force."""
        kept = await asyncio.to_thread(self.store.unreviewed)
        self.unreviewed = tuple(each.change for each in kept)

    def demand_holder(self, key_id: str) -> None:
        """Nothing, if the key may still be used.

        Raises:
            NotFound: there is no such key.
            OutOfScope: it is revoked.
        """
        if self._keys.get(key_id).revoked_at is not None:
            raise OutOfScope(f"the key `{key_id}`, which ordered it, is revoked")

    def demand_approver(self, by: Key) -> None:
        """Nothing, if this person may approve policy.

        Raises:
            OutOfScope: the key is no approver's, or its holder an admin, with whichever key: who
                makes keys approves nothing.
        """
        if not by.has_role("approver"):
            raise OutOfScope("this needs a key with the role approver")
        if any(
            each.has_role("admin") and person(each.holder) == person(by.holder)
            for each in self._keys.list()
            if each.revoked_at is None
        ):
            raise OutOfScope(
                "an admin approves no policy and puts none in force, with whichever key: ask"
                " somebody who makes no keys",
                code="admin-approves-nothing",
            )

    def _counted(self, kept: Kept) -> Kept:
        return kept._replace(change=kept.change.counting(self._stands))

    def _stands(self, approval: Approval) -> bool:
        """Whether who approved is still there, as an approver."""
        key = self._keys.get(approval.key)
        return key.revoked_at is None and key.has_role("approver")
