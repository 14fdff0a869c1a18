"""Table `verify`: an auditor's check of a whole log, as a program of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

from policyd.engine.decide import Engine
from policyd.ledger import record
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.folder import create
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.facts import Facts
from tests.benchmarks.large import NOW, calls, company
from tests.benchmarks.plan import ROOT, Plan
from tests.benchmarks.report import Column, Table, at_most

ORIGIN = "policyd.example/bench"
CALLS = 2_000
BATCH = 4_096
RECORDS, FEW = 1_000_000, 50_000
REACH_S = 15.0
COLUMNS = [
    Column("records", "records"),
    Column("size", "ledger", "MB"),
    Column("seconds", "verified in", "s"),
    Column("rate", "records/s"),
]


def run(plan: Plan) -> Table:
    """Fill one ledger, then verify it round after round."""
    table = Table("verify", "Verifying a whole log offline", COLUMNS)
    size = FEW if plan.quick else RECORDS
    plan.say(f"filling a ledger with {size:,} records")
    path, vkey = _filled(plan.scratch / "verify", size)
    rounds = []
    for turn in range(plan.rounds):
        plan.say(f"verifying, {turn + 1}")
        rounds.append(_seconds(path, vkey))
    seconds = median(rounds)
    table.rows = [
        {
            "records": size,
            "size": path.stat().st_size / 1e6,
            "seconds": seconds,
            "rate": size / seconds,
        }
    ]
    table.notes = [
        f"Decisions on {CALLS:,} distinct calls, each record with its own id, time and nonce.",
        "`policyd-audit verify` on the ledger file, from start to exit, nothing left out.",
    ]
    measured = None if plan.quick else seconds  # fewer records than the goal is about
    table.goals = [at_most("9", "1 M records verified offline", REACH_S, measured, " s")]
    return table


def _filled(path: Path, size: int) -> tuple[Path, str]:
    """A ledger of so many records, and its verifier key."""
    ticks = (NOW + timedelta(microseconds=tick) for tick in range(1 << 30))
    stamper = Stamper(None, lambda: next(ticks))
    with create(path, ORIGIN) as folder, closing(Store(folder.ledger, folder.signer)) as store:
        first = record.Epoch(**record.stamped(stamper.draw()), origin=ORIGIN)
        store.append([record.encode(first)])
        made = decisions(stamper, size - 1)
        while leaves := list(islice(made, BATCH)):
            store.append(leaves)
            store.tidy()
        vkey = folder.signer.vkey
    return path / "ledger.db", vkey


def decisions(stamper: Stamper, count: int) -> Iterator[bytes]:
    """So many records of decisions, each with its own id, time and nonce."""
    snapshot = company(1_000)
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "folder", "policyd benchmark", snapshot.vocabulary)
    request, facts = Request("127.0.0.1", "key-1"), Facts(NOW)
    asked = [(call, engine.decide(call, facts)) for call in calls(CALLS, snapshot)]
    for at in range(count):
        call, decision = asked[at % CALLS]
        yield decision_record(stamper.draw(), request, call, facts, decision, basis)


def _seconds(path: Path, vkey: str) -> float:
    command = [sys.executable, "-m", "policyd_audit", "verify", str(path), "--key", vkey]
    started = perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return perf_counter() - started
