"""A run on the terminal: what is going on, then each table and what it means for the goals."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table as Grid

from tests.benchmarks.plan import Say
from tests.benchmarks.report import Cell, Table, shown

VERDICTS = {True: "[green]reached[/]", False: "[red]not reached[/]", None: "[yellow]not judged[/]"}


@contextmanager
def progress(console: Console) -> Iterator[Say]:
    """A line that says what is going on; plain lines where there is no terminal."""
    if not console.is_terminal:
        yield lambda step: console.print(f"… {step}", highlight=False)
        return
    with console.status("") as status:
        yield status.update


def show(console: Console, table: Table) -> None:
    """Print the findings of one benchmark."""
    grid = Grid(title=table.title, title_justify="left", title_style="bold")
    for column in table.columns:
        is_number = any(not isinstance(each.get(column.key), str | None) for each in table.rows)
        grid.add_column(column.head, justify="right" if is_number else "left")
    for row in table.rows:
        grid.add_row(*(_cell(row.get(column.key)) for column in table.columns))
    console.print(grid)
    for goal in table.goals:
        verdict = VERDICTS[goal.reached]
        console.print(f"  {verdict} row {goal.row}: {goal.what}: {goal.measured} ({goal.reach})")
    for name in table.missing:
        console.print(f"  [yellow]missing[/] {name}")
    for note in table.notes:
        console.print(f"  [dim]{note}[/]")
    console.print()


def _cell(value: Cell) -> str:
    return shown(value)
