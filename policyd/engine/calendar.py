"""Which named stretches of time are open, and how long that stays so."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
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


class Timetable:
    """A calendar, and the wall-clock moments at which what rests on it ends, ready to be asked.

    INVARIANT: stretches open and close on whole minutes, of the company's clock as of UTC. So what
    is open at a moment is open for its whole minute; the last minutes asked about are remembered.
    """

    def __init__(self, calendar: Calendar, ends: Iterable[datetime]) -> None:
        self._calendar = calendar
        self._ends = sorted(set(ends))
        self._minute = lru_cache(maxsize=16)(self._new_minute)

    def at(self, now: datetime) -> "Minute":
        """The minute that *now* (aware) is in."""
        return self._minute(now.replace(second=0, microsecond=0))

    def steady_until(self, now: datetime, ends: Iterable[datetime]) -> datetime:
        """How long an answer given at *now* may be relied on: a minute at most.

        Shorter if a stretch opens or closes, or a moment of the timetable or of *ends* passes,
        within that minute. INVARIANT: all of these fall on whole minutes, so the change is at the
        next one.
        """
        minute = self.at(now)
        here, there = minute.clock(now), minute.next_clock(now)
        if (
            minute.is_steady
            and bisect_right(self._ends, here) >= bisect_right(self._ends, there)
            and not any(here < end <= there for end in ends)
        ):
            return now + MINUTE
        return minute.start + MINUTE

    def _new_minute(self, start: datetime) -> "Minute":
        here, there = wall_clock(self._calendar, start), wall_clock(self._calendar, start + MINUTE)
        opened = open_windows(self._calendar, here)
        is_steady = opened == open_windows(self._calendar, there)
        return Minute(start, here, there, opened, is_steady)


class Minute(NamedTuple):
    """A minute of UTC on the company's clock."""

    start: datetime
    wall_start: datetime
    wall_end: datetime
    windows: frozenset[str]  # that are open
    is_steady: bool  # whether the same are open in the next minute

    def clock(self, now: datetime) -> datetime:
        """The company's wall clock at *now*, which is in this minute."""
        return self.wall_start + (now - self.start)

    def next_clock(self, now: datetime) -> datetime:
        """The company's wall clock a minute after *now*."""
        return self.wall_end + (now - self.start)
