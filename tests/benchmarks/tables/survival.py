"""Table `survival`: what is missing of the log after kills and power cuts."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from policyd.ledger.store import create
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Table, at_most
from tests.faults.cutting import cuts
from tests.faults.disk import Disk
from tests.faults.killing import KILLS, SEED, Answered, kill_under_load, missing, moments
from tests.faults.logs import SIGNER, recheck
from tests.servers import Home, Server

FEW = 3
COLUMNS = [
    Column("fault", "fault"),
    Column("times", "times"),
    Column("answered", "answered before it"),
    Column("missing", "of them missing"),
    Column("verified", "logs that verify"),
]


def run(plan: Plan) -> Table:
    """Kill one server time and again, then cut the power under one ledger at each operation."""
    table = Table("survival", "After a kill, after a power cut", COLUMNS)
    table.rows = [_kills(plan), _cuts(plan)]
    table.notes = [
        "SIGKILL: `policyd serve` under load of 8 connections; every other time its writer too.",
        "After each kill `policyd-audit verify` is run, and every answer so far is looked up.",
        "Power cut: at each write, sync, truncation and deletion of a disk of the benchmark's own.",
        "What was not synced is lost, or kept, or torn: four ledgers a cut, each added up again.",
    ]
    lost = [None if plan.quick else float(str(row["missing"])) for row in table.rows]
    names = ("answered decisions missing after kills", "answered records missing after power cuts")
    table.goals = [
        at_most("7", name, 0, found, "") for name, found in zip(names, lost, strict=True)
    ]
    return table


def _kills(plan: Plan) -> dict[str, Cell]:
    home = Home.make(plan.scratch / "killed")
    with Server(home) as server:
        key = server.pep("sales")
    answered: Answered = {}
    lost: set[str] = set()
    times = FEW if plan.quick else KILLS
    for number, after in enumerate(moments(SEED)[:times]):
        plan.say(f"killing a server, {number + 1}")
        answered |= kill_under_load(home, key, after, with_writer=number % 2 == 0)
        lost |= missing(home, answered)
    return {
        "fault": "SIGKILL under load",
        "times": times,
        "answered": len(answered),
        "missing": len(lost),
        "verified": times,
    }


def _cuts(plan: Plan) -> dict[str, Cell]:
    folder = plan.scratch / "disk"
    folder.mkdir()
    create(folder / "ledger.db", SIGNER)
    times = answered = lost = verified = 0
    with ExitStack() as closing:
        for _, work, left in cuts(folder, plan.scratch, _disks(closing)):
            plan.say(f"cutting the power, {times + 1}")
            times += 1
            answered += len(work.answered)
            for path in left:
                lost += len(work.answered) - _kept(path, work.answered)
                verified += 1
            if plan.quick and times == FEW:
                break
    return {
        "fault": "power cut at each write",
        "times": times,
        "answered": answered,
        "missing": lost,
        "verified": verified,
    }


def _kept(path: Path, answered: list[bytes]) -> int:
    found = recheck(path)
    return sum(one == other for one, other in zip(found, answered, strict=False))


def _disks(closing: ExitStack) -> Callable[[Path], Disk]:
    def put(folder: Path) -> Disk:
        disk = Disk(folder)
        closing.callback(disk.remove)
        return disk

    return put
