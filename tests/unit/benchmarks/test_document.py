"""Documents say what a run found, and nothing of a quick one."""

from pathlib import Path

import pytest

from tests.benchmarks import document
from tests.benchmarks.report import Cell, Column, Report, Table, at_least

README = f"# x\n\n{document.BEGIN}\nold\n{document.END}\n\nrest\n"


def report(*, quick: bool = False) -> Report:
    """A run with one table, of access."""
    columns = [Column("rules", "rules"), Column("pycasbin", "pycasbin", "µs")]
    rows: list[dict[str, Cell]] = [
        {"rules": 100, "pycasbin": 500.0},
        {"rules": 1_000, "pycasbin": None},
    ]
    table = Table("access", "One decision", columns, rows, notes=["A note."], missing=["Cedar: no"])
    table.goals = [at_least("8", "eighth", 2, 1.0), at_least("1", "first", 10, 20.0)]
    machine = {"processors": "2 × none"}
    return Report("2026-01-02T03:04:05Z", "./run bench", quick, "abc", machine, {"a": "1"}, [table])


def test_the_page_has_everything() -> None:
    """Date, machine, commit, command, versions, goals in order, figures, gaps, notes, absentees."""
    page = document.page(report())
    for part in ("2026-01-02", "2 × none", "`abc`", "`./run bench`", "a 1", "- A note."):
        assert part in page
    assert "| 1,000 | - |" in page
    assert "- Missing: Cedar: no." in page
    assert page.index("| 1 | first") < page.index("| 8 | eighth")
    assert "| 8 | eighth | ≥ 2× | 1.00× | **no** |" in page


def test_documents_are_written(tmp_path: Path) -> None:
    """Page, plot, and what stands between the README's marks."""
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    written = document.write(report(), tmp_path)
    assert {path.name for path in written} == {"results.md", "access.svg", "README.md"}
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("# x\n")
    assert text.endswith(f"{document.END}\n\nrest\n")
    assert document.PLOT in text


def test_a_readme_without_marks_is_left_alone(tmp_path: Path) -> None:
    """Nobody's text is overwritten."""
    (tmp_path / "README.md").write_text("# x\n", encoding="utf-8")
    document.write(report(), tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "# x\n"


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """The same run gives the same documents."""
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    first = [path.read_bytes() for path in document.write(report(), tmp_path)]
    assert [path.read_bytes() for path in document.write(report(), tmp_path)] == first


def test_of_a_quick_run_nothing_is_written(tmp_path: Path) -> None:
    """Figures that were not meant to be compared are not published."""
    with pytest.raises(ValueError, match="without `--quick`"):
        document.write(report(quick=True), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_readme_has_the_marks() -> None:
    """The README of this project has the place for the table."""
    text = Path(document.__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    assert text.index(document.BEGIN) < text.index(document.END)
