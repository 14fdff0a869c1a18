"""Notices: what waits for somebody, is about to end, or happened and should be known."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from policyd.engine.calendar import wall_clock
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import timestamp
from policyd.model.change import Change, State
from policyd.model.notice import Notice
from policyd.model.rules import Mode, Softening
from policyd.model.snapshot import Snapshot
from policyd.points.administration import PolicyInForce
from policyd.points.change_book import Book

_OPEN = 500  # changes that are looked at


class NoticePoint:
    """Looks at the policy in force, at the changes on their way, and at what happened of late."""

    def __init__(self, policy: PolicyInForce, ledger: Ledger, book: Book | None) -> None:
        self._policy = policy
        self._ledger = ledger
        self._book = book

    async def list(self, days: int) -> list[Notice]:
        """All notices, the most urgent first.

        Of what ends, what does within so many days; of what happened, what did since as many.
        """
        snapshot = self._policy.current.engine.snapshot
        at = self._ledger.stamp().at
        now = wall_clock(snapshot.calendar, at)
        found = [*_ending(snapshot, now, now + timedelta(days=days))]
        if self._book:
            kept = await self._book.list(_OPEN, only_open=True)
            found += _of_changes(each.change for each in kept)
            found += map(_emergency, self._book.unreviewed)
            since = timestamp(at - timedelta(days=days))
            found += await asyncio.to_thread(self._book.store.notices.happened, since)
        return sorted(found, key=lambda each: (each.until == "", each))


def _of_changes(changes: Iterable[Change]) -> Iterator[Notice]:
    for change in changes:
        if change.state is State.REVIEWED:
            for owner in sorted(change.missing) or ("",):
                told = f"change `{change.id}` waits for approval: {change.title}"
                yield Notice("", "approval-waiting", change.id, owner, told)
        elif change.state is State.APPROVED:
            told = f"change `{change.id}` is approved and not in force yet: {change.title}"
            yield Notice("", "publication-waiting", change.id, "", told)


def _emergency(change: Change) -> Notice:
    until = timestamp(change.emergency.until) if change.emergency else ""
    told = f"change `{change.id}` is in force by an emergency, and nobody has approved it"
    return Notice(until, "emergency-unreviewed", change.id, "", told)


def _ending(snapshot: Snapshot, now: datetime, last: datetime) -> Iterator[Notice]:
    """What is softened now and will not be for long."""
    for exemption in snapshot.exemptions.values():
        if exemption.start < last and now < exemption.end <= last:
            told = f"exemption `{exemption.id}` of `{exemption.lifts}` ends: {exemption.reason}"
            until = exemption.end.isoformat()
            yield Notice(until, "exemption-ends", exemption.id, exemption.asked_by, told)
    for code, about, softening in _softened(snapshot):
        is_soft = softening.mode is not Mode.ENFORCE
        if is_soft and now < softening.until <= last:
            told = f"`{about}` is enforced from then on, and until then is in {softening.mode}"
            yield Notice(softening.until.isoformat(), code, about, softening.owner, told)


def _softened(snapshot: Snapshot) -> Iterator[tuple[str, str, Softening]]:
    if snapshot.rollout:
        yield "rollout-ends", snapshot.company, snapshot.rollout
    for unit in snapshot.units.values():
        if unit.rollout:
            yield "rollout-ends", f"unit:{unit.name}", unit.rollout
        if unit.softening:
            yield "mode-ends", f"unit:{unit.name}", unit.softening
    for rule in snapshot.rules.values():
        if rule.softening:
            yield "mode-ends", rule.ref, rule.softening
