"""Putting changes in force, and taking them out of it: by one record and one swap."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import timestamp
from policyd.model.change import Change, Emergency
from policyd.model.errors import Conflict, PolicydError
from policyd.model.keys import Key
from policyd.points.administration import (
    AdministrationPoint,
    InForce,
    PolicyInForce,
    Said,
    check_base,
)
from policyd.points.change_book import SERVER, Book
from policyd.points.changes import plain
from policyd.points.jobs import Job, Jobs, Tell, Work
from policyd.points.named import PUBLISHED
from policyd.points.publications import Publications
from policyd.points.reviewing import Reviewer
from policyd.points.shadow import told
from policyd.points.shadows import InShadow, Shadows
from policyd.points.source import Maker
from policyd.registry.jobs import Order
from policyd.review.assessment import Assessment

_LOOK_S = 30.0  # how often the ends of emergencies are looked for

log = structlog.get_logger(__name__)


class Parts(NamedTuple):
    """What a publisher works with."""

    book: Book
    publications: Publications
    policy: PolicyInForce
    administration: AdministrationPoint
    maker: Maker
    reviewer: Reviewer
    ledger: Ledger


class Publisher:
    """Puts approved changes in force, others in an emergency, and earlier policies again."""

    def __init__(self, parts: Parts, jobs: Jobs) -> None:
        self._parts = parts
        self._book = parts.book
        self._publications = parts.publications
        self._shadows = Shadows(parts.book, parts.policy, parts.administration, parts.maker)
        self._jobs = jobs
        self._compared: dict[tuple[str, str], Assessment] = {}

    async def publish(
        self, by: Key, change_id: str, why: str | None, shadow: InShadow | None = None
    ) -> Job:
        """The job that puts an approved change in force, after it has run in *shadow*.

        Raises:
            NotFound: there is no such change.
            Conflict: it is not approved, the base moved, an emergency waits for its review, or
                this or another change runs in shadow.
        """
        change = (await self._book.kept(change_id)).change
        self._check(change)
        self._shadows.check_idle(change if shadow is None else None)
        wanted = shadow or InShadow()
        order = Order(
            self._book.store.draw_id(),
            *("publication", by.id, change.id, f"policyd changes publish {change.id}", why),
            *(wanted.seconds, wanted.calls),
        )
        return await self._jobs.begin(order, self._publication(order))

    async def resume(self, order: Order) -> None:
        """Have a change published after a shadow that begins anew, under the id of the old job.

        Raises:
            NotFound: there is no such change, or no such key.
            OutOfScope: the key is revoked.
            Conflict: as `publish`.
        """
        self._book.demand_holder(order.by)
        self._check((await self._book.kept(order.about)).change)
        self._shadows.check_idle()
        await self._jobs.begin(order, self._publication(order))

    async def publish_in_emergency(self, by: Key, change_id: str, why: str, hours: int) -> Job:
        """The job that puts a change in force that nobody has agreed to.

        Raises:
            NotFound: there is no such change.
            OutOfScope: an admin puts nothing in force.
            Conflict: it is at its end, the base moved, or it has no reason or time limit.
        """
        self._book.demand_approver(by)
        change = (await self._book.kept(change_id)).change
        now = self._parts.ledger.stamp().at
        emergency = Emergency(by.holder, why, now + timedelta(hours=hours))
        change.published_in_emergency(emergency, now)
        check_base(self._parts.policy.current, change.base)
        said = Said("emergency", change.id, by.id, why, timestamp(emergency.until))
        again = f"policyd changes publish {change.id} --emergency {hours}"
        order = self._order("publication", by, change.id, again, why)
        return await self._jobs.begin(order, partial(self._published, change_id, said, emergency))

    async def compare(self, by: Key, base: str, head: str) -> Job:
        """The job that says what one snapshot opens and closes against another.

        Raises:
            NotFound: one of them is not kept.
        """
        trees = [(await self._publications.tree(each))[1] for each in (base, head)]
        order = self._order("comparison", by, f"{base} {head}", f"policyd diff {base} {head}")
        return await self._jobs.begin(order, partial(self._comparison, (base, head), trees))

    async def roll_back(self, by: Key, target: str, why: str, seen: str | None) -> Job:
        """The job that puts in force again what was approved before.

        Args:
            by: Who wants it.
            target: Digest of a snapshot that was in force.
            why: For the record.
            seen: Digest of what the comparison says that it does, if that opens anything.

        Raises:
            OutOfScope: an admin puts nothing in force.
            NotFound: it was never in force here, or is not kept.
            Conflict: it is in force, was never approved, or nobody has looked at what it opens.
        """
        self._book.demand_approver(by)
        base = self._parts.policy.current.basis.snapshot
        if target == base:
            raise Conflict(f"`{target}` is in force", code="already-in-force")
        await self._publications.check_target(target)
        await self._publications.tree(target)
        self._check_seen(base, target, seen)
        said = Said("rollback", None, by.id, why)
        order = self._order("rollback", by, target, f"policyd rollback {target}", why)
        return await self._jobs.begin(order, partial(self._restored, base, target, said))

    async def run(self) -> None:
        """End the emergencies whose time is over, until cancelled."""
        while True:
            try:
                await self.end_emergencies(self._parts.ledger.stamp().at)
            except PolicydError as error:
                log.warning("emergency-not-ended", code=error.code, why=error.message)
            await asyncio.sleep(_LOOK_S)

    async def end_emergencies(self, now: datetime) -> None:
        """Take out of force what nobody has agreed to in its time, if it may have opened anything.

        What only closes stays, and stays told of: taking it back would open something that nobody
        has agreed to either.
        """
        in_force = self._parts.policy.current.basis.snapshot
        for each in self._book.unreviewed:
            over = each.emergency is not None and each.emergency.until <= now
            if not over or each.snapshot != in_force:
                continue
            review = (await self._book.kept(each.id)).review
            if review and review["verdict"] == "proved":
                log.warning("emergency-over", change=each.id, note="it opens nothing, and stays")
                continue
            target = await self._publications.approved_before()
            why = f"the time of the emergency is over, and nobody has approved `{each.id}`"
            said = Said("emergency-ended", each.id, SERVER, why)
            await self._restored(in_force, target, said, lambda _: None)

    def _check(self, change: Change) -> None:
        """Nothing, if the change can be put in force by the ordinary way."""
        change.published()
        check_base(self._parts.policy.current, change.base)
        self._book.check_idle(change)
        if self._book.unreviewed:
            first = self._book.unreviewed[0].id
            raise Conflict(
                f"change `{first}` was put in force in an emergency, and nobody has approved it:"
                f" approve it, or roll it back, before anything comes on top of it",
                code="emergency-unreviewed",
            )

    def _publication(self, order: Order) -> Work:
        """The work of putting an approved change in force."""
        said = Said("publish", order.about, order.by, order.why)
        if not order.has_shadow:
            return partial(self._published, order.about, said, None)
        shadow = InShadow(order.seconds, order.calls)
        return partial(self._after_shadow, order.about, said, shadow)

    async def _published(
        self, change_id: str, said: Said, emergency: Emergency | None, tell: Tell
    ) -> dict[str, Any]:
        """Put a change in force; what the API tells of it."""
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            if emergency is None:
                self._check(change)
                after = change.published()
            else:
                after = change.published_in_emergency(emergency, self._parts.ledger.stamp().at)
            files = await asyncio.to_thread(self._book.store.tree, change.tree)
        async with self._book.putting_in_force(change):
            change_record = await self._put(files, change.base, said, tell)
            await self._publications.keep(change_record, after)
        return {"snapshot": change_record.snapshot, "record": change_record.id}

    async def _after_shadow(
        self, change_id: str, said: Said, wanted: InShadow, tell: Tell
    ) -> dict[str, Any]:
        """Put a change in force that has run in shadow; what the API tells of it."""
        tally = await self._shadows.run(change_id, said.by or "", wanted, tell)
        return await self._published(change_id, said, None, tell) | {"shadow": [*told(tally)]}

    async def _restored(self, base: str, target: str, said: Said, tell: Tell) -> dict[str, Any]:
        """Put an earlier snapshot in force again; what the API tells of it."""
        _, files = await self._publications.tree(target)
        change_record = await self._put(files, base, said, tell)
        await self._publications.keep(change_record)
        return {"snapshot": change_record.snapshot, "record": change_record.id}

    async def _put(
        self, files: Mapping[str, bytes], base: str, said: Said, tell: Tell
    ) -> record.PolicyChange:
        async def build(before: InForce) -> InForce:
            tell("building the snapshot")
            made = await self._parts.maker.make(files, PUBLISHED, before)
            tell("putting it in force")
            return made

        return await self._parts.administration.publish(build, base, said)

    def _check_seen(self, base: str, target: str, seen: str | None) -> None:
        found = self._compared.get((base, target))
        if found is None:
            raise Conflict(
                f"nobody has looked yet at what going back to `{target}` does: compare it with"
                f" `{base}` first",
                code="rollback-unseen",
            )
        if not found.opens_nothing and seen != found.decision:
            raise Conflict(
                "going back opens what is closed now, or nobody knows: say that you have seen it,"
                f" with the digest of the comparison, `{found.decision}`",
                code="rollback-opens",
            )

    async def _comparison(
        self, sides: tuple[str, str], trees: Iterable[Mapping[str, bytes]], tell: Tell
    ) -> dict[str, Any]:
        one, two = trees
        now = self._parts.ledger.stamp().at
        found = await self._parts.reviewer.assess(one, two, now, tell)
        self._compared[sides] = found
        return plain(found)

    def _order(self, kind: str, by: Key, about: str, again: str, why: str | None = None) -> Order:
        return Order(self._book.store.draw_id(), kind, by.id, about, again, why)
