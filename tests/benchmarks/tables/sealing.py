"""Table `sealing`: how long checks take while a segment is sealed, and otherwise."""

import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median

from policyd.ledger.folder import DataFolder
from policyd.ledger.shelf import LEVEL, Shelf
from policyd.ledger.stamp import Stamper, moment
from policyd.ledger.store import Store
from tests.benchmarks.company import Company
from tests.benchmarks.fleet import single_checks
from tests.benchmarks.load import Load, Wrk
from tests.benchmarks.plan import ROOT, Plan
from tests.benchmarks.report import Column, Table
from tests.benchmarks.served import PolicydServer
from tests.benchmarks.tables.verify import decisions
from tests.servers import Home

RULES = 1_000
DISTINCT = 2_000
CONNECTIONS, PAUSE_MS = 8, 10
RECORDS, BATCH = 66_000, 4_096  # one segment and a bit
_PATIENCE_S = 120.0
_POLL_S = 0.1
COLUMNS = [
    Column("when", "while"),
    Column("checks", "checks/s"),
    Column("p50", "p50", "ms"),
    Column("p99", "p99", "ms"),
    Column("lasted", "it lasts", "s"),
]


def run(plan: Plan) -> Table:
    """Seal the same segment time and again under load, in turns with nothing."""
    table = Table("sealing", "Checks while a segment is sealed", COLUMNS)
    folder = plan.scratch / "sealing"
    folder.mkdir()
    company = Company(RULES)
    plan.say(f"filling a ledger with {RECORDS:,} records")
    server = PolicydServer(company, folder, _filled(folder / "data"))
    lasted: list[float] = []
    loads: dict[str, list[Load]] = {"nothing else": [], "a segment is sealed": []}
    ordinary, meanwhile = loads.values()
    try:
        (ship,) = single_checks(company, [server], DISTINCT, plan.scratch)
        _wait_for_manifest(server.home)

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
            plan.say(f"sealing under load, {turn + 1}/{plan.rounds}")
            wrk = load(_PATIENCE_S)
            try:
                lasted.append(_seal(server.home))
            finally:
                meanwhile.append(wrk.stop())
            meanwhile[-1].check("policyd")
    finally:
        server.stop()
    table.rows = [
        {
            "when": when,
            "checks": median(each.per_second for each in found),
            "p50": median(each.p50_ms for each in found),
            "p99": median(each.p99_ms for each in found),
            "lasted": median(lasted) if found is meanwhile else None,
        }
        for when, found in loads.items()
    ]
    table.notes = [
        "A segment has 65,536 records: they are read, written as Parquet, read back and compared.",
        "The process that seals is nice, and the same that the server starts.",
        f"{CONNECTIONS} connections, each asks {PAUSE_MS} ms after its answer; in turns, medians.",
    ]
    return table


def _filled(path: Path) -> Home:
    """A data folder with a log that has enough records for a segment."""
    home = Home.make(path)
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        last = moment(store.last_ts or "")
        stamper = Stamper(last, lambda: datetime.now(UTC))  # noqa: TID251 - a real server's clock
        made = decisions(stamper, RECORDS)
        while leaves := list(islice(made, BATCH)):
            store.append(leaves)
            store.tidy()
    return home


def _wait_for_manifest(home: Home) -> None:
    manifest = Shelf(home.data).manifest(0)
    started = time.perf_counter()
    while not manifest.exists():
        assert time.perf_counter() - started < _PATIENCE_S, "the server never sealed the segment"
        time.sleep(_POLL_S)


def _seal(home: Home) -> float:
    """Seconds it takes to seal the segment anew."""
    shelf = Shelf(home.data)
    shelf.manifest(0).unlink()
    shelf.file(0).unlink()
    command = [
        sys.executable,
        "-P",
        "-m",
        "policyd.ledger.sealer",
        str(home.data),
        str(LEVEL),
        "all",
    ]
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    _wait_for_manifest(home)  # the server's own sealer may have been quicker
    return time.perf_counter() - started
