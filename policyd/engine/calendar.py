"""Which named stretches of time are open, and how long that stays so."""

from collections.abc import Iterable
from datetime import datetime, timedelta

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


def steady_until(calendar: Calendar, now: datetime, ends: Iterable[datetime]) -> datetime:
    """How long an answer given at *now* may be relied on: a minute at most.

    Shorter if a stretch opens or closes, or one of the wall-clock *ends* passes, within that
    minute. INVARIANT: all of these fall on whole minutes, so the change is at the next one.
    """
    here, there = wall_clock(calendar, now), wall_clock(calendar, now + MINUTE)
    is_ending = any(here < end <= there for end in ends)
    if not is_ending and open_windows(calendar, here) == open_windows(calendar, there):
        return now + MINUTE
    return now.replace(second=0, microsecond=0) + MINUTE
