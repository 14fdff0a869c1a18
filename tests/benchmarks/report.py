"""What a run of the benchmarks found: tables, the goals judged by them, and how it was measured."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

import msgspec

Cell = str | int | float | None


class Column(msgspec.Struct, frozen=True):
    """A column; a *unit* stands behind its title."""

    key: str
    title: str
    unit: str = ""

    @property
    def head(self) -> str:
        """The title as it is shown."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


class Goal(msgspec.Struct, frozen=True):
    """One line of the project's goals, judged; `reached` is None where it could not be."""

    row: str  # of the list of goals: "1", or "4 c32" where one row has several parts
    what: str
    reach: str
    measured: str
    reached: bool | None


class Table(msgspec.Struct):
    """The findings of one benchmark, *by* the run of that name; absent cells are None."""

    name: str
    title: str
    columns: list[Column]
    rows: list[dict[str, Cell]] = []
    goals: list[Goal] = []
    notes: list[str] = []
    missing: list[str] = []  # who could not take part, and how to have them next time
    by: str = ""


class Report(msgspec.Struct):
    """One run.

    Attributes:
        date: When it began, UTC, RFC 3339.
        command: What was typed.
        quick: A quick run shows that all works; nothing is judged by it.
        commit: Of the project, with a `+` if files had changed.
        machine: Processors, memory, kernel.
        versions: Of everything that took part.
    """

    date: str
    command: str
    quick: bool
    commit: str
    machine: dict[str, str]
    versions: dict[str, str]
    tables: list[Table] = []

    @property
    def run(self) -> str:
        """How tables name it."""
        return f"`{self.command}`, {self.date}, commit `{self.commit}`"

    @property
    def runs(self) -> list[str]:
        """The runs that its tables are by."""
        return list(dict.fromkeys(each.by or self.run for each in self.tables)) or [self.run]

    def renewed(self, newer: "Report") -> "Report":
        """All tables of both, the newer ones instead of older ones of the same name."""
        tables = {each.name: each for each in (*self.tables, *newer.tables)}
        for each in tables.values():
            each.by = each.by or (newer if each in newer.tables else self).run
        versions = self.versions | newer.versions
        return msgspec.structs.replace(newer, versions=versions, tables=list(tables.values()))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    @classmethod
    def read(cls, path: Path) -> "Report":
        """An earlier run.

        Raises:
            OSError: there is no such file.
            msgspec.ValidationError: it is something else.
        """
        return msgspec.json.decode(path.read_bytes(), type=cls)


def medians(rounds: Mapping[str, Iterable[float]]) -> dict[str, float]:
    """The median of each name's rounds; names without any are left out."""
    kept = {name: list(values) for name, values in rounds.items()}
    return {name: median(values) for name, values in kept.items() if values}


def ratio(one: float | None, other: float | None) -> float | None:
    """*one* in units of *other*; None if either was not measured.

    >>> ratio(3.0, 2.0), ratio(3.0, None)
    (1.5, None)
    """
    return one / other if one is not None and other else None


def number(value: Cell) -> float | None:
    """The value, if it is one that can be compared."""
    return value if isinstance(value, float) else None


def at_least(row: str, what: str, wanted: float, found: float | None) -> Goal:
    """A goal that wants much."""
    return _goal((row, what), f"≥ {shown(wanted)}×", found, found is not None and found >= wanted)


def at_most(row: str, what: str, wanted: float, found: float | None, unit: str = "×") -> Goal:
    """A goal that wants little."""
    reach = f"≤ {shown(wanted)}{unit}"
    return _goal((row, what), reach, found, found is not None and found <= wanted, unit)


def _goal(
    said: tuple[str, str], reach: str, found: float | None, is_reached: bool, unit: str = "×"
) -> Goal:
    measured = "not measured" if found is None else f"{shown(found)}{unit}"
    return Goal(*said, reach, measured, None if found is None else is_reached)


def shown(value: Cell) -> str:
    """A cell as people read it: three figures are enough, none is a dash.

    >>> shown(1234.5), shown(0.01234), shown(12), shown(None), shown(0.0)
    ('1,234', '0.0123', '12', '-', '0')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}" if abs(value) >= 1 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value
