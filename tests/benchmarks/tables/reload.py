"""Table `reload`: a large tree of policies read by a server, and a change of one of its files."""

import signal
import time
from collections.abc import Mapping
from statistics import median

from tests.benchmarks.company import Company
from tests.benchmarks.fleet import single_checks
from tests.benchmarks.load import Load, Wrk
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Goal, Table, at_most, ratio
from tests.benchmarks.served import PolicydServer

SIZE, QUICK_SIZE, BASE_SIZE = 100_000, 5_000, 100
DISTINCT = 2_000
CONNECTIONS, PAUSE_MS = 8, 10
CHANGES = 5  # one after the other, so that there are answers enough for a p99
_PATIENCE_S = 300.0
_POLL_S = 0.02
_TOO_LONG_S = 30.0  # a reload that takes longer is not repeated
COLUMNS = [Column("what", "what"), Column("value", "measured"), Column("unit", "")]
COLD, LIVE = "from start to listening", "from SIGHUP until the changed file is in force"
ORDINARY, MEANWHILE = "p99 of checks, ordinary", "p99 of checks meanwhile"
GROWTH = "memory of the serving process beyond that of a server of 100 rules"
AFTER = "the same once the policy was changed"


def run(plan: Plan) -> Table:
    """Start a server on a large tree, and change one file under load."""
    size = QUICK_SIZE if plan.quick else SIZE
    company = Company(size)
    table = Table("reload", f"A tree of {size:,} rules", COLUMNS)
    base_mib = _base_mib(plan)
    plan.say(f"writing and loading {size:,} rules")
    folder = plan.scratch / "reload"
    folder.mkdir()
    server = PolicydServer(company, folder)
    try:
        found = {COLD: server.process.start_s, GROWTH: server.process.resident_mib() - base_mib}
        found |= _under_load(server, company, plan)
        found[AFTER] = server.process.resident_mib() - base_mib
    finally:
        server.stop()
    table.rows = rows(found)
    table.goals = goals(found) if size == SIZE else []
    share = size // len(company.units)
    table.notes = [
        f"{len(company.units)} units; the file that changes has {share:,} rules.",
        f"Meanwhile: {CHANGES} such files change, each as soon as the one before is in force.",
        f"Ordinary load: {CONNECTIONS} connections, each asks {PAUSE_MS} ms after its answer.",
        "Cold load is all of a start: Python, reading, checking, building, opening the ledger.",
    ]
    return table


def _base_mib(plan: Plan) -> float:
    """Memory of a server that serves a small tree."""
    plan.say("starting a small server")
    folder = plan.scratch / "reload-base"
    folder.mkdir()
    server = PolicydServer(Company(BASE_SIZE), folder)
    try:
        return server.process.resident_mib()
    finally:
        server.stop()


def _under_load(server: PolicydServer, company: Company, plan: Plan) -> dict[str, float]:
    """How long checks take, ordinarily and while a changed file is read; how long that takes."""
    (ship,) = single_checks(company, [server], DISTINCT, plan.scratch)
    lasted: list[float] = []
    ordinary: list[Load] = []
    meanwhile: list[Load] = []

    def load(seconds: float) -> Wrk:
        return Wrk(
            ship.url,
            ship.requests,
            connections=CONNECTIONS,
            seconds=seconds,
            pause_ms=PAUSE_MS,
        )

    load(1).result()
    for turn in range(plan.rounds):
        plan.say(f"ordinary load, {turn + 1}/{plan.rounds}")
        ordinary.append(load(plan.seconds).result().check("policyd"))
        plan.say(f"changing {CHANGES} files under load, {turn + 1}/{plan.rounds}")
        wrk = load(_PATIENCE_S)
        try:
            units = company.units[turn * CHANGES : (turn + 1) * CHANGES]
            lasted += [_change(server, unit) for unit in units]
        finally:
            meanwhile.append(wrk.stop())
        meanwhile[-1].check("policyd")
        if max(lasted) > _TOO_LONG_S:
            break
    return {
        LIVE: median(lasted),
        ORDINARY: median(each.p99_ms for each in ordinary),
        MEANWHILE: median(each.p99_ms for each in meanwhile),
    }


def _change(server: PolicydServer, unit: str) -> float:
    """Seconds from SIGHUP until a changed file is in force.

    Raises:
        AssertionError: it never is.
    """
    before = server.snapshot()
    file = server.policies / f"units/{unit}/access.yaml"
    text = file.read_text(encoding="utf-8")
    changed = text.replace("Everyone knows why.", "Everyone knows why now.", 1)
    assert changed != text, file
    file.write_text(changed, encoding="utf-8")
    started = time.perf_counter()
    server.process.signal(signal.SIGHUP)
    while server.snapshot() == before:
        assert time.perf_counter() - started < _PATIENCE_S, "the changed file never came into force"
        time.sleep(_POLL_S)
    return time.perf_counter() - started


def rows(found: dict[str, float]) -> list[dict[str, Cell]]:
    """The figures with their units."""
    units = {COLD: "s", LIVE: "s", ORDINARY: "ms", MEANWHILE: "ms"}
    order = (COLD, LIVE, ORDINARY, MEANWHILE, GROWTH, AFTER)
    return [{"what": what, "value": found[what], "unit": units.get(what, "MiB")} for what in order]


def goals(found: Mapping[str, float]) -> list[Goal]:
    """Row 6 of the goals, and the bound on memory."""
    slower = ratio(found.get(MEANWHILE), found.get(ORDINARY))
    return [
        at_most("6", "100,000 rules: cold load from files", 40, found.get(COLD), " s"),
        at_most("6", "a changed file of 1,000 rules is in force", 1, found.get(LIVE), " s"),
        at_most("6", "p99 of checks meanwhile against ordinary", 2, slower),
        at_most(
            "6", "memory of the serving process grows by", 250 / 1.048576, found.get(GROWTH), " MiB"
        ),
    ]
