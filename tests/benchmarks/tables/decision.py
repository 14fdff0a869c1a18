"""Table `decision`: all of a decision in process, at growing size."""

from tests.benchmarks.decision import Measured, measured
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Goal, Table, at_most, number, ratio

COLUMNS = [
    Column("rules", "rules"),
    Column("decision_new_us", "decision, new", "µs"),
    Column("decision_known_us", "known", "µs"),
    Column("access_new_us", "access, new", "µs"),
    Column("access_known_us", "known", "µs"),
    Column("share_allowed", "allowed"),
    Column("build_s", "build", "s"),
    Column("engine_mib", "engine", "MiB"),
]
NOTES = [
    "All of it: registration, layers of rules, destination, labels, duties, limits, exemptions.",
    "A new call was never asked before; a known one is one of 200 that come again and again.",
]


def run(plan: Plan) -> Table:
    """Measure companies of all sizes."""
    table = Table("decision", "The full decision, in process", COLUMNS, notes=NOTES)
    for size in plan.sizes:
        plan.say(f"deciding with {size:,} rules")
        table.rows.append(row(size, measured(size)))
    table.goals = goals(table.rows)
    return table


def row(size: int, found: Measured) -> dict[str, Cell]:
    """The figures of a company that was to have *size* rules."""
    return {**found._asdict(), "rules": size}


def goals(rows: list[dict[str, Cell]]) -> list[Goal]:
    """Rows 2 and 3 of the goals."""
    new = {row["rules"]: row["decision_new_us"] for row in rows}
    small, middle, large = (number(new.get(size)) for size in (1_000, 10_000, 100_000))
    return [
        at_most(
            "2", "full decision: cost at 100,000 rules against 1,000", 1.3, ratio(large, small)
        ),
        at_most("3", "full decision at 10,000 rules", 20, middle, " µs"),
    ]
