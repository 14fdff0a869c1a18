"""What the documents say of a run: a page of tables, a plot, and the summary in the README."""

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import plot
from tests.benchmarks.report import Report, Table, shown
from tests.benchmarks.tables.access import TITLES

PAGE, PLOT = "docs/bench/results.md", "docs/bench/access.svg"
BEGIN, END = "<!-- bench: written by ./run bench --docs -->", "<!-- /bench -->"
_VERDICTS = {True: "yes", False: "**no**", None: "not judged"}


def write(report: Report, root: Path) -> list[Path]:
    """Write the documents below *root*; which.

    Raises:
        ValueError: by a quick run nothing can be said.
    """
    if report.quick:
        raise ValueError("a quick run only shows that everything works: run without `--quick`")
    texts = {PAGE: page(report)}
    drawn = access_plot(report)
    if drawn:
        texts[PLOT] = drawn
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    if BEGIN in text and END in text:
        texts["README.md"] = between_marks(text, summary(report, with_plot=bool(drawn)))
    for path, content in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return [root / path for path in texts]


def between_marks(text: str, content: str) -> str:
    """*text* with other *content* between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{content}\n{END}{rest.partition(END)[2]}"


def page(report: Report) -> str:
    """Everything, as Markdown."""
    parts = [
        "# Benchmarks",
        f"{'; '.join(report.runs)}. {_measured_on(report)}",
        (
            "Trust the ratios within one run; the figures are those of one machine, which also"
            " made the load."
        ),
        "Versions: "
        + ", ".join(f"{name} {version}" for name, version in report.versions.items())
        + ".",
        "## Goals",
        goals(report),
    ]
    for table in report.tables:
        said = [f"By {table.by}."] if len(report.runs) > 1 else []
        parts += [f"## {table.title}", *said, *_body(table)]
    return "\n\n".join(parts) + "\n"


def summary(report: Report, *, with_plot: bool) -> str:
    """What the README shows."""
    image = (
        [f"![Cost of an access decision against the number of rules]({PLOT})"] if with_plot else []
    )
    said = f"{'; '.join(report.runs)}. {_measured_on(report)} [All tables]({PAGE})."
    return "\n\n".join([said, goals(report), *image])


def _measured_on(report: Report) -> str:
    return f"Machine: {', '.join(report.machine.values())}."


def goals(report: Report) -> str:
    """Each goal, judged."""
    judged = [goal for table in report.tables for goal in table.goals]
    rows = sorted(judged, key=lambda goal: int(goal.row))
    return _grid(
        ["goal", "what", "to reach", "measured", "reached"],
        ([g.row, g.what, g.reach, g.measured, _VERDICTS[g.reached]] for g in rows),
        ["left", "left", "right", "right", "left"],
    )


def _body(table: Table) -> Iterator[str]:
    numeric = {
        column.key: any(not isinstance(row.get(column.key), str | None) for row in table.rows)
        for column in table.columns
    }
    yield _grid(
        [column.head for column in table.columns],
        ([shown(row.get(column.key)) for column in table.columns] for row in table.rows),
        ["right" if numeric[column.key] else "left" for column in table.columns],
    )
    lines = [*(f"- Missing: {each}." for each in table.missing), *(f"- {n}" for n in table.notes)]
    if lines:
        yield "\n".join(lines)


def _grid(heads: list[str], rows: Iterator[list[str]], sides: list[str]) -> str:
    rules = ["---:" if side == "right" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))


def access_plot(report: Report) -> str:
    """Cost of one access decision against rules; empty if that was not measured."""
    table = next((each for each in report.tables if each.name == "access"), None)
    if table is None:
        return ""
    lines = {
        title: [
            (float(row["rules"]), float(cost))
            for row in table.rows
            if isinstance(cost := row.get(name), float) and isinstance(row["rules"], int)
        ]
        for name, title in TITLES.items()
    }
    said = f"{report.date[:10]} · {report.machine['processors']} · every call another one"
    return plot.svg("One access decision against the number of rules", said, lines)
