"""Table `ledger`: appending to the log in process, against bare SQLite."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import apsw

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.folder import create
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.facts import Facts
from tests.benchmarks.large import NOW, calls, company
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Column, Table, at_least, medians, ratio

BATCH = 64
RECORDS = 200 * BATCH
OURS, BARE = "policyd ledger", "bare SQLite"
COLUMNS = [
    Column("what", "append"),
    Column("rate", "records/s"),
    Column("batch", "a batch of 64", "ms"),
    Column("ratio", "policyd / it", "×"),
]
Append = Callable[[Sequence[bytes]], None]


def run(plan: Plan) -> Table:
    """Append the same records to both, in turns, round after round to new files."""
    table = Table("ledger", f"Appending in process, batches of {BATCH}", COLUMNS)
    leaves = records()
    rounds: dict[str, list[float]] = {OURS: [], BARE: []}
    for turn in range(max(3, plan.rounds)):
        for name, opened in ((OURS, _ledger), (BARE, _bare)):
            plan.say(f"appending to {name}, {turn + 1}")
            with ExitStack() as closing:
                append = opened(plan.scratch / f"ledger-{name[0]}-{turn}", closing)
                rounds[name].append(_seconds(append, leaves) / len(leaves))
    cost = medians(rounds)
    for name, seconds in cost.items():
        compared = ratio(seconds, cost[OURS])
        table.rows.append(
            {"what": name, "rate": 1 / seconds, "batch": 1e3 * seconds * BATCH, "ratio": compared}
        )
    size = median(map(len, leaves))
    table.notes = [
        f"Records of decisions, {size:.0f} bytes; each batch durable before the next.",
        "Both use apsw, WAL, synchronous=FULL, and one statement for a batch.",
        "Bare SQLite keeps number and bytes; the ledger hashes the records into a signed tree.",
    ]
    table.goals = [
        at_least("8", "ledger append against bare SQLite", 0.5, ratio(cost[BARE], cost[OURS]))
    ]
    return table


def records() -> list[bytes]:
    """Records of decisions on distinct calls, as the server encodes them."""
    snapshot = company(1_000)
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "folder", "policyd benchmark", snapshot.vocabulary)
    request = Request("127.0.0.1", "key-1")
    ticks = (NOW + timedelta(microseconds=tick) for tick in range(1 << 30))
    stamper = Stamper(None, lambda: next(ticks))
    facts = Facts(NOW)
    return [
        decision_record(stamper.draw(), request, call, facts, engine.decide(call, facts), basis)
        for call in calls(RECORDS, snapshot)
    ]


def _seconds(append: Append, leaves: Sequence[bytes]) -> float:
    started = perf_counter()
    for at in range(0, len(leaves), BATCH):
        append(leaves[at : at + BATCH])
    return perf_counter() - started


def _ledger(path: Path, closing: ExitStack) -> Append:
    """A ledger of its own, as the writer process uses it."""
    folder = closing.enter_context(create(path, "policyd.example/bench"))
    store = Store(folder.ledger, folder.signer)
    closing.callback(store.close)

    def append(leaves: Sequence[bytes]) -> None:
        store.append(leaves)
        store.tidy()

    return append


def _bare(path: Path, closing: ExitStack) -> Append:
    """A table of numbers and bytes."""
    db = apsw.Connection(str(path))
    closing.callback(db.close)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full")
    db.execute("create table leaf(seq integer primary key, leaf blob not null)")
    statement = "insert into leaf(leaf) values " + ",".join(["(?)"] * BATCH)  # noqa: S608 - no input

    def append(leaves: Sequence[bytes]) -> None:
        db.execute("begin immediate")
        db.execute(statement, leaves)
        db.execute("commit")

    return append
