"""Counters of rolling limits: what is counted, forgotten and taken back."""

from datetime import datetime

import pytest

from policyd.points.counters import Counters

NINE = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - wall clock
HOUR, DAY, MONTH = "a sales 2026-03-02T09", "b sales 2026-03-02", "c erp 2026-03"
ASKED = {"a": HOUR, "b": DAY, "c": MONTH}


@pytest.fixture
def counters() -> Counters:
    """Counters that have seen one call, which counted for an hour, a day and a month."""
    made = Counters()
    made.add({HOUR: 1, DAY: 20, MONTH: 20}, NINE)
    return made


def test_each_limit_has_its_own_counter(counters: Counters) -> None:
    """What a call adds is added to the counter it names; whatever has none has used nothing."""
    counters.add({DAY: 5}, NINE)
    assert counters.used(ASKED) == {"a": 1, "b": 25, "c": 20}
    assert counters.used({"b": "b hr 2026-03-02"}) == {"b": 0}


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2026-03-02T09:59:59.999999", (1, 20, 20)),
        ("2026-03-02T10:00", (0, 20, 20)),
        ("2026-03-03T00:00", (0, 0, 20)),
        ("2026-04-01T00:00", (0, 0, 0)),
        ("2027-03-02T09:30", (0, 0, 0)),
    ],
)
def test_what_is_over_is_forgotten(counters: Counters, now: str, left: tuple[int, ...]) -> None:
    """The counters of an hour, a day or a month that has passed are not kept."""
    counters.add({}, datetime.fromisoformat(now))
    assert tuple(counters.used(ASKED).values()) == left


def test_an_hour_that_comes_twice_is_one(counters: Counters) -> None:
    """When the clocks go back, the repeated hour goes on with what the first one has used."""
    counters.add({HOUR: 2}, NINE.replace(minute=59))
    counters.add({HOUR: 2}, NINE.replace(minute=0))
    assert counters.used(ASKED)["a"] == 5


def test_what_was_not_recorded_is_taken_back(counters: Counters) -> None:
    """Taking back undoes an addition, and does nothing to a stretch that is forgotten."""
    counters.take_back({DAY: 20, "a sales 2026-03-01T09": 1})
    assert counters.used(ASKED) == {"a": 1, "b": 0, "c": 20}
