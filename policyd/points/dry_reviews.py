"""Dry reviews: what a change would do, for whoever may propose one; nothing is proposed."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.model.errors import Conflict
from policyd.points.administration import PolicyInForce
from policyd.points.changes import Content, plain
from policyd.points.decision import Sender
from policyd.points.jobs import Job, Jobs, Tell
from policyd.points.publications import Publications
from policyd.points.replays import Between
from policyd.points.reviewing import Reviewer
from policyd.policy.manifest import digest
from policyd.registry.jobs import Order
from policyd.registry.policies import PolicyStore
from policyd.review.assessment import Assessment
from policyd.review.replayed import Replayed

KIND = "review"
MOST = 8
"""Dry reviews that may be under way or wait; those of changes are not to wait for ever."""

_ROLES = ("auditor", "admin", "approver", "author")


class DryReviews:
    """Reviews trees that nobody has proposed, with a replay of the log."""

    def __init__(
        self,
        logs: tuple[Ledger, Publications],
        policy: PolicyInForce,
        reviewer: Reviewer,
        jobs: Jobs,
    ) -> None:
        """Compare with what is in *policy*, or with another snapshot that is kept."""
        self._ledger, self._publications = logs
        self._policy = policy
        self._reviewer = reviewer
        self._jobs = jobs
        self._under_way = 0

    async def begin(
        self, by: Sender, base: str | None, files: Mapping[str, bytes], window: Between
    ) -> Job:
        """The job that says what *files* open and close against *base*, or what is in force.

        Raises:
            NotFound: the base is not kept.
            Conflict: too many of them wait already.
            DataFolderError: it cannot be begun.
        """
        if self._under_way >= MOST:
            raise Conflict(
                f"{MOST} reviews are under way already: try again when one of them has ended",
                code="reviews-busy",
            )
        self._under_way += 1
        try:
            name = base or self._policy.current.basis.snapshot
            _, old = await self._publications.tree(name)
            work = partial(self._reviewed, by, Content(name, files), old, window)
            order = Order(PolicyStore.draw_id(), KIND, by.key.id, name, "policyd review --url URL")
            return await self._jobs.begin(order, work)
        except BaseException:  # whoever asked may have gone, too
            self._under_way -= 1
            raise

    async def _reviewed(
        self, by: Sender, content: Content, old: Mapping[str, bytes], window: Between, tell: Tell
    ) -> dict[str, Any]:
        """Review it, and note that calls of the log were looked at."""
        try:
            stamp = self._ledger.stamp()
            past = await self._reviewer.past(stamp, window)
            found = await self._reviewer.assess(old, content.files, stamp.at, tell, past)
        finally:
            self._under_way -= 1
        snapshot = await asyncio.to_thread(digest, content.files)
        await self._note(by, found, {"base": content.base, "head": snapshot})
        return plain(found)

    async def _note(self, by: Sender, found: Assessment, options: Mapping[str, str]) -> None:
        said = found.review.get("replay")
        if said is None:  # the tree does not load, so no call was looked at
            return
        replay = msgspec.convert(said, Replayed)
        query = record.Query(
            **record.stamped(self._ledger.stamp()),
            caller=record.Caller(key=by.key.id, address=by.address),
            text="",
            rows=replay.calls,
            ask=KIND,
            options=options,
            role=next((each for each in _ROLES if by.key.has_role(each)), None),
            first=replay.window.first,
            end=replay.window.end,
        )
        await self._ledger.append([record.encode(query)])
