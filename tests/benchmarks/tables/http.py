"""Table `http`: checks over HTTP under load, beside Cerbos, OPA and a bare server."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.benchmarks.company import Company
from tests.benchmarks.fleet import PEERS, Ship, compare, launched, sail, single_checks
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Goal, Table, at_least, at_most, number, ratio

RULES = 1_000
CONNECTIONS = (32, 128)
DISTINCT = 4_000
OURS, ECHO, CERBOS = "policyd", "bare echo", "Cerbos"
COLUMNS = [
    Column("connections", "connections"),
    Column("server", "server"),
    Column("checks", "checks/s"),
    Column("p50", "p50", "ms"),
    Column("p99", "p99", "ms"),
    Column("ratio", "policyd / it", "×"),
]
NOTES = (
    f"A company with {RULES:,} rules; {DISTINCT:,} distinct checks, answers compared beforehand.",
    "policyd: keys checked, full decision, and each answer after its record is durable on disk.",
    "Cerbos: decision log to its local backend, in the background. OPA: decision log to a file.",
    "bare echo: uvicorn with uvloop and httptools reads the same JSON and writes it back.",
    "wrk makes the load on the same processors, with one thread; it slows them all.",
    "Each connection waits for its answer before it asks again.",
    "Servers take turns in one run; medians of the turns.",
)


def run(plan: Plan) -> Table:
    """Measure all servers, at each number of connections."""
    table = Table("http", "Checks over HTTP", COLUMNS, notes=list(NOTES))
    company = Company(RULES)
    with launched(company, plan, table, PEERS) as servers:
        compare(company, servers, plan)
        ships = single_checks(company, servers, DISTINCT, plan.scratch)
        for connections in CONNECTIONS:
            sail(ships, plan, connections)
            table.rows += rows(connections, ships)
    table.goals = goals(table.rows)
    return table


def rows(connections: int, ships: Sequence[Ship]) -> list[dict[str, Cell]]:
    """The medians of each server, and how policyd compares with it."""
    found: list[dict[str, Cell]] = []
    ours = 0.0
    for ship in ships:
        checks = median(load.per_second for load in ship.loads)
        ours = checks if ship.server.name == OURS else ours
        found.append(
            {
                "connections": connections,
                "server": ship.server.name,
                "checks": checks,
                "p50": median(load.p50_ms for load in ship.loads),
                "p99": median(load.p99_ms for load in ship.loads),
                "ratio": ratio(ours, checks),
            }
        )
    return found


def goals(found: Sequence[Mapping[str, Cell]]) -> list[Goal]:
    """Rows 4 and 5 of the goals."""
    at = {(row["connections"], row["server"]): row for row in found}
    judged = []
    for connections in CONNECTIONS:
        ours, cerbos, echo = (at.get((connections, name), {}) for name in (OURS, CERBOS, ECHO))
        where = f"at {connections} connections"
        judged += [
            at_least("4", f"checks/s against Cerbos {where}", 3, number(cerbos.get("ratio"))),
            at_most(
                "4",
                f"p99 against that of Cerbos {where}",
                1,
                ratio(number(ours.get("p99")), number(cerbos.get("p99"))),
            ),
            at_least(
                "5", f"checks/s against the bare echo {where}", 0.45, number(echo.get("ratio"))
            ),
        ]
    return judged
