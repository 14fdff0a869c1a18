"""Days and times of policy files, and the zone they are meant in."""

from datetime import UTC, datetime, time

import pytest

from policyd.policy import times


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-27", "2026-03-27T00:00", "2026-03-28T00:00"),
        ("2026-03-27T18:00", "2026-03-27T18:00", "2026-03-27T18:00"),
        ("2027-12-31", "2027-12-31T00:00", "2028-01-01T00:00"),
        ("2028-02-28", "2028-02-28T00:00", "2028-02-29T00:00"),
    ],
)
def test_a_day_counts_whole_and_a_time_is_a_moment(text: str, start: str, end: str) -> None:
    """`until: 2026-03-27` includes that day."""
    assert times.start(text) == datetime.fromisoformat(start)
    assert times.end(text) == datetime.fromisoformat(end)


def test_a_time_of_day_is_read() -> None:
    """Hours are clock times."""
    assert times.clock("07:30") == time(7, 30)


def test_a_zone_comes_from_the_locked_data() -> None:
    """It knows summer time, and is read once."""
    berlin = times.zone("Europe/Berlin")
    assert datetime(2026, 7, 1, 10, tzinfo=UTC).astimezone(berlin).hour == 12
    assert datetime(2026, 1, 1, 10, tzinfo=UTC).astimezone(berlin).hour == 11
    assert times.zone("Europe/Berlin") is berlin


@pytest.mark.parametrize("name", ["Europe/Viena", "../../../etc/passwd", "", "/etc/passwd"])
def test_what_is_no_zone_is_never_opened(name: str) -> None:
    """A name reaches the file system only if the list of zones has it."""
    with pytest.raises(ValueError, match="is no time zone"):
        times.zone(name)


def test_every_zone_of_the_list_can_be_read() -> None:
    """The list and the data belong together."""
    assert len({str(times.zone(name)) for name in times.zone_names()}) > 400
