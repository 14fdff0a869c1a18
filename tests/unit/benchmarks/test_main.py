"""The command measures what it is told, keeps it, and says when something went wrong."""

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import TABLES, main
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Report, Table, at_least
from tests.benchmarks.tables import access, decision, http, reload


def good(plan: Plan) -> Table:
    """A benchmark that measures one thing."""
    plan.say("measuring")
    made = Table(
        "good", "Good", [Column("a", "A", "s")], [{"a": float(plan.rounds)}], missing=["x"]
    )
    made.goals = [at_least("1", "what", 2, 3.0)]
    return made


def bad(_: Plan) -> Table:
    """A benchmark of a server that answers wrongly."""
    raise AssertionError("it answers True")


FAKES = {"bad": bad, "good": good}


def test_one_failure_spoils_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can be measured is kept; what cannot is named, and ends in 1."""
    kept = tmp_path / "bench.json"
    assert main(["--json", str(kept), "--rounds", "2"], FAKES, tmp_path) == 1
    assert "bad could not be measured: it answers True" in capsys.readouterr().out
    report = Report.read(kept)
    assert [table.name for table in report.tables] == ["good"]
    assert report.tables[0].rows == [{"a": 2.0}]
    assert f"--json {kept}" in report.command


def test_only_what_was_named(tmp_path: Path) -> None:
    """Names choose among the benchmarks; a quick run has one round."""
    kept = tmp_path / "bench.json"
    assert main(["good", "--quick", "--json", str(kept)], FAKES, tmp_path) == 0
    assert Report.read(kept).tables[0].rows == [{"a": 1.0}]


def other(_: Plan) -> Table:
    """Another benchmark."""
    return Table("other", "Other", [Column("a", "A", "s")], [{"a": 9.0}])


def test_what_was_not_named_is_kept(tmp_path: Path) -> None:
    """One table is measured again: the others stay, and each says by which run it is."""
    kept = tmp_path / "bench.json"
    both = {"good": good, "other": other}
    assert main(["--json", str(kept)], both, tmp_path) == 0
    assert main(["good", "--rounds", "7", "--json", str(kept), "--docs"], both, tmp_path) == 0

    tables = {table.name: table for table in Report.read(kept).tables}
    assert {name: table.rows for name, table in tables.items()} == {
        "good": [{"a": 7.0}],
        "other": [{"a": 9.0}],
    }
    page = (tmp_path / "docs/bench/results.md").read_text(encoding="utf-8")
    for table in tables.values():
        assert f"By {table.by}." in page
    assert "--rounds 7" in tables["good"].by
    assert "--rounds 7" not in tables["other"].by


def test_documents_of_an_earlier_run(tmp_path: Path) -> None:
    """`--from` measures nothing."""
    kept = tmp_path / "bench.json"
    assert main(["good", "--json", str(kept)], FAKES, tmp_path) == 0
    assert main(["--from", str(kept), "--docs"], {}, tmp_path) == 0
    assert "## Good" in (tmp_path / "docs/bench/results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--from", "nowhere.json"], ["good", "--quick", "--docs"]]
)
def test_usage(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be done is said, and ends in 2."""
    kept = ["--json", str(tmp_path / "x.json")]
    assert main([*arguments, *kept], FAKES, tmp_path) == 2
    assert "run: " in capsys.readouterr().out


def test_goals_of_all_rows() -> None:
    """Rows 1 to 6 of the goals are judged, also where nothing was measured."""
    judged = [*access.goals([]), *decision.goals([]), *http.goals([]), *reload.goals({})]
    assert {goal.row for goal in judged} == {"1", "2", "3", "4", "5", "6"}
    assert {goal.reached for goal in judged} == {None}


def test_goals_are_judged_by_the_right_rows() -> None:
    """Row 2 compares 100,000 rules with 1,000, row 3 looks at 10,000, row 4 at both loads."""
    costs = {100: 1.0, 1_000: 10.0, 10_000: 15.0, 100_000: 14.0}
    growth, middle = decision.goals([{"rules": n, "decision_new_us": c} for n, c in costs.items()])
    assert (growth.measured, growth.reached) == ("1.40×", False)
    assert (middle.measured, middle.reached) == ("15.0 µs", True)
    rows: list[dict[str, Cell]] = [
        {"connections": 32, "server": "policyd", "p99": 2.0, "ratio": 1.0},
        {"connections": 32, "server": "Cerbos", "p99": 4.0, "ratio": 3.5},
        {"connections": 128, "server": "bare echo", "p99": 4.0, "ratio": 0.4},
    ]
    found = {(goal.what, goal.reached) for goal in http.goals(rows) if goal.reached is not None}
    assert found == {
        ("checks/s against Cerbos at 32 connections", True),
        ("p99 against that of Cerbos at 32 connections", True),
        ("checks/s against the bare echo at 128 connections", False),
    }


def test_names_of_benchmarks() -> None:
    """Each benchmark that the project promises is there."""
    in_process = ["access", "decision", "http", "batch", "ledger"]
    assert list(TABLES) == [
        *in_process,
        "sealing",
        "survival",
        "verify",
        "reload",
        "review",
        "replay",
        "search",
    ]
