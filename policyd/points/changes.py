"""Changes of policy, from proposal to approval: each step by somebody who may, and on record."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import structlog

from policyd.ledger.ledger import Ledger
from policyd.model.change import Approval, Change, State, person
from policyd.model.errors import Conflict, OutOfScope, PolicydError
from policyd.model.keys import Key
from policyd.points.administration import PolicyInForce, check_base
from policyd.points.change_book import SERVER, Book, Step
from policyd.points.reviewing import Reviewer
from policyd.policy.manifest import digest
from policyd.policy.whole import tree_digest
from policyd.registry.policies import Kept
from policyd.review.assessment import Assessment

_OPEN = 500  # changes that may be under way at one time

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Content:
    """The files of a proposal, and the digest of the snapshot that they were made from."""

    base: str
    files: Mapping[str, bytes]


class Named(NamedTuple):
    """Digests of a content: of its snapshot, and of the whole tree."""

    snapshot: str
    tree: str


class ChangePoint:
    """Moves changes, up to where they may be published.

    Attributes:
        steps: By change, how far its review has come.
    """

    def __init__(
        self, book: Book, policy: PolicyInForce, ledger: Ledger, reviewer: Reviewer
    ) -> None:
        self.steps: dict[str, str] = {}
        self._book = book
        self._policy = policy
        self._ledger = ledger
        self._reviewer = reviewer
        self._reviews: dict[str, asyncio.Task[None]] = {}

    async def get(self, change_id: str) -> Kept:
        """A change, with its review and the approvals that stand.

        Raises:
            NotFound: there is none of this id.
        """
        return await self._book.kept(change_id)

    async def list(self, limit: int, *, only_open: bool = False) -> list[Kept]:
        """The newest changes, newest first."""
        return await self._book.list(limit, only_open=only_open)

    async def propose(self, by: Key, title: str, reason: str, content: Content) -> Kept:
        """A new change, whose review has begun; the one that is there, if it says the same.

        Raises:
            Conflict: something else is in force than it was made from, or it changes nothing.
            LedgerUnavailable: it could not be recorded.
        """
        check_base(self._policy.current, content.base)
        named = await asyncio.to_thread(_named, content)
        async with self._book.turn():
            await self._check_new(named)
            for each in await self.list(_OPEN, only_open=True):
                if self._is_same(each.change, by, content.base, named):
                    return each
            change = Change(
                id=self._book.store.draw_id(),
                title=title,
                reason=reason,
                authors=(by.holder,),
                base=content.base,
                snapshot=named.snapshot,
                tree=named.tree,
            )
            await self._store(content, named)
            stamp = await self._book.keep(Step("change-proposed", by.id, reason), change)
            self._begin_review(change)
        return Kept(change, None, stamp.ts)

    async def revise(self, by: Key, change_id: str, reason: str, content: Content) -> Change:
        """The change with new content, whose review has begun.

        Raises:
            NotFound: there is no such change.
            Conflict: it is at its end, the base moved, or it changes nothing.
            LedgerUnavailable: it could not be recorded.
        """
        check_base(self._policy.current, content.base)
        named = await asyncio.to_thread(_named, content)
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            self._book.check_idle(change)
            await self._check_new(named)
            revised = change.revised(by.holder, content.base, named.snapshot, named.tree)
            await self._store(content, named)
            await self._book.keep(Step("change-revised", by.id, reason), revised)
            self._begin_review(revised)
        return revised

    async def approve(self, by: Key, change_id: str, seen: str, why: str | None) -> Change:
        """The change with one more approval, of what the review with the digest *seen* says.

        Raises:
            NotFound: there is no such change.
            OutOfScope: an admin approves nothing.
            Conflict: it waits for none, not for this person or owner, or not of this content.
            LedgerUnavailable: it could not be recorded.
        """
        self._book.demand_approver(by)
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            self._book.check_idle(change)
            owner = self._owner(by)
            given = Approval(by.holder, by.id, owner, seen, self._ledger.stamp().at)
            approved = change.approved(given)
            await self._book.keep(Step("change-approved", by.id, why, owner), approved)
        return approved

    async def refuse(self, by: Key, change_id: str, why: str) -> Change:
        """The change, which will not come into force; raises as `approve`."""
        self._book.demand_approver(by)
        return await self._end(Step("change-refused", by.id, why), change_id)

    async def withdraw(self, by: Key, change_id: str, why: str) -> Change:
        """The change, taken back by somebody who has a part in it.

        Raises:
            OutOfScope: this person has none.
            NotFound: there is no such change.
            Conflict: it is in force or at its end.
            LedgerUnavailable: it could not be recorded.
        """
        change = (await self._book.kept(change_id)).change
        if not change.is_authors(by.holder):
            raise OutOfScope(
                f"change `{change.id}` is taken back by who proposed it; an approver can refuse it",
                code="not-the-author",
            )
        return await self._end(Step("change-withdrawn", by.id, why), change_id)

    async def resume(self) -> None:
        """Begin the reviews again that ended with the last server."""
        store = self._book.store
        kept = await asyncio.to_thread(store.changes, limit=_OPEN, only_open=True)
        kept += await asyncio.to_thread(store.unreviewed)
        for each in kept:
            if each.change.demand is None:
                self._begin_review(each.change)

    async def close(self) -> None:
        """End the reviews that run; the next server begins them again."""
        tasks = [*self._reviews.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self, step: Step, change_id: str) -> Change:
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            self._book.check_idle(change)
            is_refusal = step.act == "change-refused"
            ended = (change.refused if is_refusal else change.withdrawn)(step.why or "")
            await self._book.keep(step, ended)
        return ended

    async def _store(self, content: Content, named: Named) -> None:
        add, at = self._book.store.add_tree, self._ledger.stamp().ts
        await asyncio.to_thread(add, content.files, named.snapshot, at=at)

    async def _check_new(self, named: Named) -> None:
        """Nothing, if the content is not what is in force.

        Raises:
            Conflict: it is, down to the last test.
        """
        in_force = self._policy.current.basis.snapshot
        if await asyncio.to_thread(self._book.store.tree_of, in_force) == named.tree:
            raise Conflict("this is in force already, file by file", code="already-in-force")

    def _is_same(self, change: Change, by: Key, base: str, named: Named) -> bool:
        is_mine = person(change.authors[0]) == person(by.holder)
        return is_mine and (change.base, change.tree) == (base, named.tree)

    def _owner(self, by: Key) -> str | None:
        """For whom the holder of a key agrees: the owner it is made with, or an owner they are."""
        owners = self._policy.current.engine.snapshot.owners
        return by.owner or (by.holder if by.holder in owners else None)

    def _begin_review(self, change: Change) -> None:
        running = self._reviews.pop(change.id, None)
        if running:
            running.cancel()
        task = asyncio.create_task(self._review(change))
        self._reviews[change.id] = task
        task.add_done_callback(lambda done: self._ended(change.id, done))

    def _ended(self, change_id: str, task: asyncio.Task[None]) -> None:
        if self._reviews.get(change_id) is task:
            del self._reviews[change_id]

    async def _review(self, change: Change) -> None:
        """Review a change beside everything else; what is found is recorded and kept."""
        self.steps[change.id] = "waiting for its turn"
        try:
            found = await self._assessed(change)
            async with self._book.turn():
                await self._found(change, found)
            del self.steps[change.id]
        except PolicydError as error:
            log.warning("review-failed", change=change.id, code=error.code, why=error.message)
            self.steps[change.id] = f"failed: {error.message}"
        except Exception:
            # Nobody waits for this task: its last word has to be here.
            log.exception("review-failed", change=change.id)
            self.steps[change.id] = "failed by an error of the program: see the server's log"

    async def _assessed(self, change: Change) -> Assessment:
        store = self._book.store
        base = await asyncio.to_thread(store.tree_of, change.base)
        old = await asyncio.to_thread(store.tree, base or "")
        new = await asyncio.to_thread(store.tree, change.tree)
        stamp = self._ledger.stamp()
        past = await self._reviewer.past(stamp)
        return await self._reviewer.assess(
            old, new, stamp.at, lambda step: self.steps.__setitem__(change.id, step), past
        )

    async def _found(self, change: Change, found: Assessment) -> None:
        """Keep what a review has found, if the change is still the one that was reviewed."""
        now = (await self._book.kept(change.id)).change
        if (now.tree, now.base) != (change.tree, change.base) or now.demand is not None:
            return
        told = plain(found)
        if found.blocked_by and now.state is State.PROPOSED:
            why = f"its review found errors: {', '.join(found.blocked_by)}"
            await self._book.keep(Step("change-refused", SERVER, why), now.refused(why), told)
        elif now.state in {State.PROPOSED, State.PUBLISHED}:
            await self._book.keep(Step("change-reviewed", SERVER), now.reviewed(found.demand), told)


def plain(found: Assessment) -> dict[str, Any]:
    """An assessment in the types of JSON."""
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told


def _named(content: Content) -> Named:
    return Named(digest(content.files), tree_digest(content.files))
