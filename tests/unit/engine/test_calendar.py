"""When named stretches of time are open, and for how long an answer is good."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from policyd.engine.calendar import Timetable, open_windows, wall_clock
from policyd.model.calendar import Calendar, Hours, Span

WORKDAYS = frozenset(range(5))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


CALENDAR = Calendar(
    ZoneInfo("Europe/Berlin"),
    "Europe/Berlin",
    {
        "office": Hours(WORKDAYS, time(9), time(17)),
        "night": Hours(frozenset({4}), time(22), time(5)),
        "all-day": Hours(frozenset({6}), time(0), time(0)),
    },
    {
        "freeze": (
            Span(_at("2026-03-27T18:00"), _at("2026-03-30T06:00"), "release"),
            Span(_at("2026-12-18"), _at("2027-01-07"), "year end"),
        )
    },
)

OPEN = [
    ("2026-03-02T08:59:59", set()),
    ("2026-03-02T09:00", {"office"}),
    ("2026-03-02T16:59:59.999999", {"office"}),
    ("2026-03-02T17:00", set()),
    ("2026-03-06T21:59", set()),
    ("2026-03-06T22:00", {"night"}),
    ("2026-03-07T04:59", {"night"}),
    ("2026-03-07T05:00", set()),
    ("2026-03-07T23:00", set()),
    ("2026-03-08T00:00", {"all-day"}),
    ("2026-03-08T23:59", {"all-day"}),
    ("2026-03-09T00:00", set()),
    ("2026-03-27T17:59", set()),
    ("2026-03-27T18:00", {"freeze"}),
    ("2026-03-28T12:00", {"freeze"}),
    ("2026-03-30T05:59", {"freeze"}),
    ("2026-03-30T06:00", set()),
    ("2027-01-06T12:00", {"freeze", "office"}),
    ("2027-01-07T00:00", set()),
]


@pytest.mark.parametrize(("at", "expected"), OPEN)
def test_open_windows(at: str, expected: set[str]) -> None:
    """A stretch has its start and not its end; past midnight it belongs to the day it starts on."""
    assert open_windows(CALENDAR, _at(at)) == expected


def test_the_company_has_its_own_clock() -> None:
    """UTC is read on the company's wall, summer time included."""
    assert wall_clock(CALENDAR, _at("2026-03-02T08:00+00:00")) == _at("2026-03-02T09:00")
    assert wall_clock(CALENDAR, _at("2026-07-02T08:00+00:00")) == _at("2026-07-02T10:00")


MINUTE = timedelta(minutes=1)
STEADY = [
    ("nothing changes", "2026-03-02T10:00:30+00:00", None, "2026-03-02T10:01:30+00:00"),
    ("office closes", "2026-03-02T15:59:30+00:00", None, "2026-03-02T16:00:00+00:00"),
    ("office just closed", "2026-03-02T16:00:00+00:00", None, "2026-03-02T16:01:00+00:00"),
    ("a freeze starts", "2026-03-27T16:59:00.5+00:00", None, "2026-03-27T17:00:00+00:00"),
    ("the last second", "2026-03-03T22:59:59+00:00", "2026-03-04", "2026-03-03T23:00:00+00:00"),
    ("the last minute", "2026-03-03T22:59:00+00:00", "2026-03-04", "2026-03-03T23:00:00+00:00"),
    ("not the last yet", "2026-03-03T22:58:59+00:00", "2026-03-04", "2026-03-03T22:59:59+00:00"),
    ("long over", "2026-03-03T22:59:30+00:00", "2026-02-02", "2026-03-03T23:00:30+00:00"),
    ("skipped hour", "2026-03-29T00:59:30+00:00", "2026-03-29T02:30", "2026-03-29T01:00:00+00:00"),
    ("repeated hour", "2026-10-25T00:59:30+00:00", "2026-10-25T02:30", "2026-10-25T01:00:30+00:00"),
]


@pytest.mark.parametrize("is_common", [True, False], ids=["common", "own"])
@pytest.mark.parametrize(("what", "now", "until", "expected"), STEADY)
def test_steady_until(
    what: str, now: str, until: str | None, expected: str, is_common: bool
) -> None:
    """An answer is good for a minute, and no longer than what it rests on."""
    ends = (_at(until),) if until else ()
    timetable = Timetable(CALENDAR, ends if is_common else ())
    found = timetable.steady_until(_at(now), () if is_common else ends)
    assert found == _at(expected), what
    assert timetable.at(_at(now)).clock(_at(now)) == wall_clock(CALENDAR, _at(now))
    assert found.tzinfo is UTC or found.utcoffset() == timedelta(0)
    assert _at(now) < found <= _at(now) + MINUTE
