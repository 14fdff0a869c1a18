"""Moments: the stretches of time that neither snapshot tells apart, one moment of each.

A set of stretches is an int with one bit for each.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from policyd.engine.calendar import MINUTE, open_windows, wall_clock
from policyd.model.organisation import Integration
from policyd.model.snapshot import Snapshot
from policyd.proof.sayings import Sides

DAY = timedelta(days=1)
_WEEKS = 15 * DAY  # two of them, so that a change of the clock hides no part of a week
_FIRST, _LAST = datetime(1990, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - wall clock


class Span(NamedTuple):
    """The moments that are looked at: all, from one on, or (`only`) that one alone; aware."""

    since: datetime | None = None
    only: bool = False


class Moment(NamedTuple):
    """One moment of a stretch: `now` (UTC), and by side the wall clock and what is open."""

    now: datetime
    clocks: tuple[datetime, datetime]
    windows: tuple[frozenset[str], frozenset[str]]
    dates: tuple[
        datetime | None, datetime | None
    ]  # wall clock: between which nothing ends for good


class Moments:
    """All stretches, in order."""

    def __init__(self, sides: Sides, span: Span) -> None:
        self.list = list(_moments(sides, span))
        self.all = (1 << len(self.list)) - 1

    def where(self, holds: Callable[[Moment], bool]) -> int:
        """The stretches for which it *holds*."""
        return sum(1 << n for n, each in enumerate(self.list) if holds(each))

    def open(self, window: str, side: int) -> int:
        """The stretches in which a window is open."""
        return self.where(lambda each: window in each.windows[side])

    def of(self, bits: int) -> list[Moment]:
        """A moment of each of these stretches."""
        return [each for n, each in enumerate(self.list) if bits >> n & 1]


def owner_gone(snapshot: Snapshot, who: Integration) -> datetime | None:
    """When nobody answers for an integration any more and its days of grace are over."""
    names = [who.owner, *([who.deputy] if who.deputy else [])]
    gone = [day for name in names if (day := snapshot.owners[name].inactive_from)]
    return max(gone) + timedelta(days=snapshot.grace_days) if len(gone) == len(names) else None


def dates(snapshot: Snapshot) -> Iterator[datetime]:
    """Wall-clock moments at which something begins or ends for good."""
    for spans in snapshot.calendar.freezes.values():
        yield from (moment for each in spans for moment in (each.start, each.end))
    for exemption in snapshot.exemptions.values():
        yield from (exemption.start, exemption.end)
    for unit in snapshot.units.values():
        yield from (each.until for each in (unit.softening, unit.rollout) if each)
    for who in snapshot.integrations.values():
        yield from (each for each in (who.until, owner_gone(snapshot, who)) if each)
    yield from (each.softening.until for each in snapshot.rules.values() if each.softening)
    yield from (snapshot.rollout.until,) if snapshot.rollout else ()


def _moments(sides: Sides, span: Span) -> Iterator[Moment]:
    if span.since and span.only:
        yield _moment(sides, span.since.astimezone(UTC), (None, None))
        return
    first = wall_clock(sides[1].calendar, span.since) if span.since else _FIRST
    cuts = sorted({each for side in sides for each in dates(side) if first < each < _LAST})
    for start, end in pairwise([first, *cuts, _LAST]):
        seen: set[tuple[frozenset[str], frozenset[str]]] = set()
        for now in _weekly(sides, start, end):
            moment = _moment(sides, now, (_if_not(start, first), _if_not(end, _LAST)))
            if moment.windows not in seen:
                seen.add(moment.windows)
                yield moment


def _if_not(date: datetime, edge: datetime) -> datetime | None:
    return None if date == edge else date


def _moment(sides: Sides, now: datetime, dates: tuple[datetime | None, datetime | None]) -> Moment:
    one, two = (wall_clock(side.calendar, now) for side in sides)
    windows = open_windows(sides[0].calendar, one), open_windows(sides[1].calendar, two)
    return Moment(now, (one, two), windows, dates)


def _weekly(sides: Sides, start: datetime, end: datetime) -> Iterator[datetime]:
    """A moment (UTC) of everything that a week has, between two dates of the wall clock."""
    until, zone = min(end, start + _WEEKS), sides[1].calendar.zone
    hours = [each for side in sides for each in side.calendar.hours.values()]
    times = {time(0), *(moment for each in hours for moment in (each.start, each.end))}
    midnight = datetime.combine(start.date(), time(0))
    days = (midnight + n * DAY for n in range((until - midnight).days + 1))
    cuts = {datetime.combine(day.date(), each) for day in days for each in times}
    for here, there in pairwise(sorted({start, until, *(c for c in cuts if start < c < until)})):
        for wall in (here, there - MINUTE):
            now = wall.replace(tzinfo=zone).astimezone(UTC)
            if wall_clock(sides[1].calendar, now) == wall >= here:  # no hour that a clock skips
                yield now
                break
