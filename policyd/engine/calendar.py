"""Which named stretches of time are open, and how long that stays so."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from policyd.model.calendar import Calendar, Hours

MINUTE = timedelta(minutes=1)


def wall_clock(calendar: Calendar, now: datetime) -> datetime:
    """The company's clock at *now* (aware), without a zone."""
    return now.astimezone(calendar.zone).replace(tzinfo=None)


def open_windows(calendar: Calendar, at: datetime) -> frozenset[str]:
    """Names of the stretches that are open at wall-clock time *at*."""
    freezes = (
        name
        for name, spans in calendar.freezes.items()
        if any(span.start <= at < span.end for span in spans)
    )
    hours = (name for name, each in calendar.hours.items() if _is_open(each, at))
    return frozenset((*freezes, *hours))


def _is_open(hours: Hours, at: datetime) -> bool:
    """A stretch past midnight belongs to the day on which it starts."""
    overnight = hours.end <= hours.start
    today, clock = at.weekday() in hours.days, at.time()
    if not overnight:
        return today and hours.start <= clock < hours.end
    yesterday = (at.weekday() - 1) % 7 in hours.days
    return (today and clock >= hours.start) or (yesterday and clock < hours.end)


class Minute(NamedTuple):
    """A minute of UTC on the company's clock, and what changes with the next one."""

    start: datetime
    end: datetime
    wall_start: datetime
    wall_end: datetime
    windows: frozenset[str]  # that are open
    is_steady: bool  # whether the same are open in the next minute
    ends: tuple[datetime, ...]  # wall-clock moments in this minute and the next

    def clock(self, now: datetime) -> datetime:
        """The company's wall clock at *now*, which is in this minute."""
        return self.wall_start + (now - self.start)


class Timetable:
    """A calendar, and the wall-clock moments at which what rests on it ends, ready to be asked.

    INVARIANT: stretches open and close on whole minutes, of the company's clock as of UTC. So what
    is open at a moment is open for its whole minute; the minute asked about last is remembered.
    """

    def __init__(self, calendar: Calendar, ends: Iterable[datetime]) -> None:
        self._calendar = calendar
        self._ends = sorted(set(ends))
        self._last: Minute | None = None

    def at(self, now: datetime) -> Minute:
        """The minute that *now* (aware) is in."""
        last = self._last
        if last is None or not last.start <= now < last.end:
            last = self._last = self._minute(now.replace(second=0, microsecond=0))
        return last

    def steady_until(self, now: datetime, ends: tuple[datetime, ...]) -> datetime:
        """How long an answer given at *now* may be relied on: a minute at most.

        Shorter if a stretch opens or closes, or a moment of the timetable or of *ends* passes,
        within that minute. INVARIANT: all of these fall on whole minutes, so the change is at the
        next one.
        """
        minute = self.at(now)
        if ends or minute.ends:
            since = now - minute.start
            here, there = minute.wall_start + since, minute.wall_end + since
            if any(here < end <= there for end in (*minute.ends, *ends)):
                return minute.end
        return now + MINUTE if minute.is_steady else minute.end

    def _minute(self, start: datetime) -> Minute:
        end = start + MINUTE
        here, there = wall_clock(self._calendar, start), wall_clock(self._calendar, end)
        opened = open_windows(self._calendar, here)
        is_steady = opened == open_windows(self._calendar, there)
        first, last = bisect_left(self._ends, here), bisect_right(self._ends, there + MINUTE)
        return Minute(start, end, here, there, opened, is_steady, tuple(self._ends[first:last]))
