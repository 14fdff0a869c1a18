"""Findings are compared, judged and kept as they are."""

from pathlib import Path

import pytest

from tests.benchmarks.report import (
    Column,
    Report,
    Table,
    at_least,
    at_most,
    medians,
    number,
    ratio,
    shown,
)


def test_medians_of_rounds() -> None:
    """One slow round moves nothing, and who had no round has no median."""
    assert medians({"a": [1.0, 2.0, 90.0], "b": [4.0, 6.0], "c": []}) == {"a": 2.0, "b": 5.0}


def test_a_ratio_needs_both() -> None:
    """What was not measured is compared with nothing."""
    assert ratio(6.0, 3.0) == 2.0
    assert [ratio(None, 3.0), ratio(6.0, None), ratio(6.0, 0.0)] == [None, None, None]


@pytest.mark.parametrize(("found", "reached"), [(3.0, True), (2.99, False), (None, None)])
def test_at_least(found: float | None, reached: bool | None) -> None:
    """A goal is reached from its number on, and not judged by nothing."""
    assert at_least("4", "checks", 3, found).reached is reached


@pytest.mark.parametrize(("found", "reached"), [(20.0, True), (20.1, False), (None, None)])
def test_at_most(found: float | None, reached: bool | None) -> None:
    """A goal is reached up to its number, and not judged by nothing."""
    goal = at_most("3", "decision", 20, found, " µs")
    assert (goal.reached, goal.reach) == (reached, "≤ 20 µs")
    assert (goal.measured == "not measured") is (found is None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.8, "1,234,568"), (99.94, "99.9"), (9.996, "10.00"), (0.12345, "0.123"), (7, "7")],
)
def test_three_figures(value: float, text: str) -> None:
    """Nobody has to read figures that mean nothing."""
    assert shown(value) == text


def test_only_measured_values_are_compared() -> None:
    """Counts, texts and gaps are no measurements."""
    assert [number(each) for each in (1.5, 3, "x", None)] == [1.5, None, None, None]


def test_a_report_comes_back(tmp_path: Path) -> None:
    """What was kept as JSON is read back whole."""
    table = Table("t", "T", [Column("a", "A", "ms")], rows=[{"a": 1.5}, {"a": None}])
    table.goals = [at_least("1", "what", 2, 3.0)]
    report = Report("2026-01-01T00:00:00Z", "./run bench", False, "c", {}, {"x": "1"}, [table])
    report.save(tmp_path / "new" / "bench.json")
    assert Report.read(tmp_path / "new" / "bench.json") == report
