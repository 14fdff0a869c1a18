"""Days and times of policy files: the company's wall clock, without a zone.

A time is where something stops; a day counts whole, first and last included.
"""

import functools
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_DAY = len("2026-03-27")


def start(text: str) -> datetime:
    """The moment at which the day or time *text* begins.

    Raises:
        ValueError: no calendar has that day.

    >>> start("2026-03-27"), start("2026-03-27T18:00")
    (datetime.datetime(2026, 3, 27, 0, 0), datetime.datetime(2026, 3, 27, 18, 0))
    """
    return datetime.fromisoformat(text)


def end(text: str) -> datetime:
    """The moment at which the day or time *text* is over.

    Raises:
        ValueError: no calendar has that day.

    >>> end("2026-03-27"), end("2026-03-27T18:00")
    (datetime.datetime(2026, 3, 28, 0, 0), datetime.datetime(2026, 3, 27, 18, 0))
    """
    is_day = len(text) <= _LONGEST_DAY
    return datetime.fromisoformat(text) + timedelta(days=int(is_day))


def is_day(text: str) -> bool:
    """Whether a calendar has the day of *text*, which has the form of a day or a time.

    >>> is_day("2028-02-29"), is_day("2026-02-29T10:00")
    (True, False)
    """
    try:
        date.fromisoformat(text[:_LONGEST_DAY])
    except ValueError:
        return False
    return True


def clock(text: str) -> time:
    """The time of day that *text* (`07:00`) names."""
    return time.fromisoformat(text)


@functools.cache
def zone_names() -> frozenset[str]:
    """Every time zone of the locked tzdata."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@functools.cache
def zone(name: str) -> ZoneInfo:
    """The time zone *name* as the locked tzdata has it, whatever the machine's own data says."""
    if name not in zone_names():
        raise ValueError(f"`{name}` is no time zone")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
