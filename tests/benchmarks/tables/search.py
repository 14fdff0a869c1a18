"""Table `search`: questions about a log of millions of records, against the same SQL in DuckDB."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

import duckdb

from policyd.search.countable import COLUMNS as COUNTED
from policyd.search.language import parse
from policyd.search.process import Allowance
from policyd.search.sql import where
from tests.benchmarks.company import Company
from tests.benchmarks.fleet import single_checks
from tests.benchmarks.kept_log import KeptLog, kept_log
from tests.benchmarks.load import Load, measure
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Goal, Table, at_most, medians, ratio
from tests.benchmarks.served import PolicydServer
from tests.servers import Connection, bearer

RECORDS, FEW = 10_000_000, 150_000
RULES = 1_000
CONNECTIONS = 32
DISTINCT = 4_000
REACH, SLOWER = 1.5, 1.1
TURNS = 15
"""Of checks with and without searches, of which two next to each other are compared."""
LEVELS = ("public", "internal", "confidential", "restricted")
FACETS = ("decision", "unit", "integration", "action", "system", "destination", "label", "reason")
COLUMNS = [
    Column("what", "question"),
    Column("found", "found"),
    Column("ours", "policyd", "ms"),
    Column("bare", "bare DuckDB", "ms"),
    Column("ratio", "policyd / it", "×"),
    Column("checks", "checks/s"),
    Column("p99", "p99 of checks", "ms"),
]
NOTES = (
    "policyd: over HTTP; questions recorded durably before the answer, records held to the tree.",
    "bare DuckDB: the same conditions over the same files, in process, warm, with as many threads.",
    "by id: policyd looks the record up in the log itself, without the search process.",
    (
        f"checks: {CONNECTIONS} connections of wrk, while one auditor asks without a pause; in"
        " turns, each compared with the one beside it: the median of the ratios."
    ),
)


@dataclass
class Asked:
    """One question, as policyd and as DuckDB are asked it.

    Attributes:
        path: Of policyd.
        query: In its language.
        sql: What it comes to, by the relation and the condition.
        found: What policyd's answer says it found.
    """

    what: str
    path: str
    query: str
    other: Mapping[str, object]
    sql: Callable[[str, str], Sequence[str]]
    found: Callable[[Any], int]
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    count: int = 0


def _page(log: str, condition: str) -> Sequence[str]:
    return [
        f"select seq, leaf from {log} as log where {condition} order by seq desc limit 50"  # noqa: S608
    ]


def _facets(log: str, condition: str) -> Sequence[str]:
    counts = [
        f"select {_value(COUNTED[name])} as value, count(*) as n from {log} as log"  # noqa: S608
        f" where {condition} group by value order by n desc limit 10"
        for name in FACETS
    ]
    return [f"select count(*) from {log} as log where {condition}", *counts]  # noqa: S608


def _value(column: str) -> str:
    return f"unnest({column})" if column == "reasons" else column


def _histogram(log: str, condition: str) -> Sequence[str]:
    over_time = (
        f"select date_trunc('day', ts), unit, count(*) from {log} as log"  # noqa: S608
        f" where {condition} group by all"
    )
    return [f"select min(ts), max(ts) from {log} as log where {condition}", over_time]  # noqa: S608


def _flows(log: str, condition: str) -> Sequence[str]:
    measures = (
        "count(*) filter (decision = 'allow'), count(*) filter (decision = 'deny'),"
        " sum(rows) filter (decision = 'allow'), sum(bytes) filter (decision = 'allow'),"
        " min(ts), max(ts), max(seq)"
    )
    said = (
        f"select system, subject, destination, action, level, categories, {measures}"  # noqa: S608
        f" from {log} as log where kind = 'decision' and action in ('read', 'write', 'send')"
        f" and {condition} group by all order by count(*) desc limit 100"
    )
    return [said]


def _by_id(log: str, condition: str) -> Sequence[str]:
    return [f"select seq, leaf from {log} as log where {condition}"]  # noqa: S608


def questions(record_id: str) -> list[Asked]:
    """Each kind of question, about much and about little."""
    records, many = "/v1/audit/records", "decision:deny unit:u7 after:-60d"
    deny = {"q": many}

    def listed(answer: Any) -> int:  # noqa: ANN401 - JSON
        return len(answer["records"])

    return [
        Asked("page of a common query", records, many, deny, _page, listed),
        _asked("page of a rare query", records, "reason:duty-softened", _page, listed),
        _asked("page of what is not there", records, "unit:nobody", _page, listed),
        _asked(
            "facets, 8 fields, of all",
            "/v1/audit/facets",
            "",
            _facets,
            lambda said: int(said["records"]),
        ),
        _asked(
            "facets, 8 fields, of denials",
            "/v1/audit/facets",
            "decision:deny",
            _facets,
            lambda said: int(said["records"]),
        ),
        _asked(
            "histogram by unit, of denials",
            "/v1/audit/histogram",
            "decision:deny",
            _histogram,
            lambda said: sum(each["records"] for each in said["buckets"]),
            by="unit",
            buckets=200,
        ),
        _asked("flows, of all", "/v1/audit/flows", "", _flows, lambda said: len(said["flows"])),
        Asked("by id", f"{records}/{record_id}", f"id:{record_id}", {}, _by_id, lambda _: 1),
    ]


def _asked(
    what: str,
    path: str,
    query: str,
    sql: Callable[[str, str], Sequence[str]],
    found: Callable[[Any], int],
    **other: object,
) -> Asked:
    return Asked(what, path, query, {"q": query} | other, sql, found)


def run(plan: Plan) -> Table:
    """Ask policyd and DuckDB in turns; then load checks on policyd with and without searches."""
    size = FEW if plan.quick else plan.records or RECORDS
    log = kept_log(size, plan.say)
    table = Table("search", f"Searching a log of {size:,} records", COLUMNS, notes=list(NOTES))
    company = Company(RULES)
    server = PolicydServer(company, plan.scratch, log.home)
    try:
        auditor = server.make_reader()
        _await_segments(server, log, plan)
        plan.say("waiting until the search process knows its segments")
        server.process.settle()
        asked = questions(_some_id(server, auditor))
        with closing(_bare(log)) as bare:
            for turn in range(-1, max(3, plan.rounds)):  # the first is to warm up
                for each in asked:
                    plan.say(f"asking for {each.what}, {turn + 1}")
                    _measure(each, server, auditor, bare, log, keep=turn >= 0)
        table.rows = [_row(each) for each in asked]
        loads = _loads(plan, company, server, auditor)
        table.rows += [_load_row(name, each) for name, each in loads.items()]
        table.goals = _goals(asked, loads, is_whole=size >= RECORDS)
    finally:
        server.stop()
    return table


def _measure(
    asked: Asked,
    server: PolicydServer,
    key: str,
    bare: duckdb.DuckDBPyConnection,
    log: KeptLog,
    *,
    keep: bool,
) -> None:
    found = where(parse(asked.query, now=datetime.now(UTC), levels=LEVELS))  # noqa: TID251 - an edge
    relation = f"read_parquet('{log.shelf.folder}/*.parquet')"
    started = perf_counter()
    for statement in asked.sql(relation, found.text):
        bare.execute(statement, dict(found.parameters)).fetchall()
    seconds = perf_counter() - started
    answer, own = _ask(server, key, asked.path, asked.other)
    assert not answer.get("cut"), f"{asked.what}: {answer['cut']}"
    asked.count = asked.found(answer)
    if keep:
        asked.bare.append(seconds)
        asked.ours.append(own)


def _ask(
    server: PolicydServer, key: str, path: str, other: Mapping[str, object]
) -> tuple[Any, float]:
    query = f"?{urlencode(other)}" if other else ""
    with Connection(server.process.port) as line:
        started = perf_counter()
        answer = line.send("GET", path + query, headers=bearer(key))
        seconds = perf_counter() - started
    assert answer.status == 200, f"{path}{query}: {answer}"
    return answer.json(), seconds


def _bare(log: KeptLog) -> duckdb.DuckDBPyConnection:
    threads = Allowance().threads
    made = duckdb.connect(":memory:", config={"threads": threads, "memory_limit": "1GB"})
    made.execute("set parquet_metadata_cache = true")
    made.execute(f"set temp_directory = '{log.home.data.parent / 'spill'}'")
    return made


def _await_segments(server: PolicydServer, log: KeptLog, plan: Plan) -> None:
    """Wait until the server has looked at every segment once."""
    wanted = len(log.shelf.numbers())
    while True:
        with Connection(server.process.port) as line:
            said = line.send("GET", "/metrics", headers=bearer(log.home.admin)).body.decode()
        found = next(line for line in said.splitlines() if line.startswith("policyd_segments "))
        if float(found.split()[1]) >= wanted:
            return
        plan.say(f"waiting for {wanted} segments to be looked at")
        time.sleep(0.5)


def _some_id(server: PolicydServer, key: str) -> str:
    """The id of a record in the middle of the log."""
    answer, _ = _ask(server, key, "/v1/audit/records", {"before": "2100-01-01T00:00:00Z"})
    middle = {"q": f"index:{answer['tree_size'] // 2}"}
    while not (found := _ask(server, key, "/v1/audit/records", middle)[0]["records"]):
        time.sleep(1.0)  # the segments are being read for the first time
    record_id: str = found[0]["record"]["id"]
    return record_id


def _loads(plan: Plan, company: Company, server: PolicydServer, key: str) -> dict[str, list[Load]]:
    """Checks under load, alone and while an auditor searches, in turns."""
    (ship,) = single_checks(company, [server], DISTINCT, plan.scratch)
    loads: dict[str, list[Load]] = {"checks alone": [], "checks while searching": []}
    for turn in range(2 if plan.quick else max(TURNS, plan.rounds)):
        # Who begins takes turns, too: the machine is not the same from one minute to the next.
        for name, found in [*loads.items()][:: 1 if turn % 2 else -1]:
            plan.say(f"{name}, {turn + 1}")
            with Searching(server, key, is_idle=name == "checks alone"):
                load = measure(server.url, ship.requests, CONNECTIONS, plan.seconds)
            found.append(load.check(name))
    return loads


class Searching:
    """An auditor who asks one question after the other, while the block runs."""

    def __init__(self, server: PolicydServer, key: str, *, is_idle: bool) -> None:
        self._server = server
        self._key = key
        self._is_over = Event()
        self._thread = Thread(target=self._ask)
        self._is_idle = is_idle

    def __enter__(self) -> None:
        """Begin, unless idle."""
        if not self._is_idle:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End with the question that is being answered."""
        self._is_over.set()
        if not self._is_idle:
            self._thread.join()

    def _ask(self) -> None:
        turns = cycle(questions("none")[:-1])
        while not self._is_over.is_set():
            each = next(turns)
            _ask(self._server, self._key, each.path, each.other)


def _row(asked: Asked) -> dict[str, Cell]:
    cost = medians({"ours": asked.ours, "bare": asked.bare})
    return {
        "what": asked.what,
        "found": asked.count,
        "ours": 1e3 * cost["ours"],
        "bare": 1e3 * cost["bare"],
        "ratio": ratio(cost["ours"], cost["bare"]),
    }


def _load_row(name: str, loads: Sequence[Load]) -> dict[str, Cell]:
    return {
        "what": name,
        "checks": median(each.per_second for each in loads),
        "p99": median(each.p99_ms for each in loads),
    }


def _goals(
    asked: Sequence[Asked], loads: Mapping[str, Sequence[Load]], *, is_whole: bool
) -> list[Goal]:
    goals = []
    for each in asked:
        row = _row(each)
        compared = row["ratio"] if is_whole else None  # the goal is about more records
        assert compared is None or isinstance(compared, float)
        goals.append(at_most("10", each.what, REACH, compared))
    turns = [*zip(*loads.values(), strict=True)]
    slower = median(alone.per_second / searching.per_second for alone, searching in turns)
    later = median(searching.p99_ms / alone.p99_ms for alone, searching in turns)
    for what, found in (("checks/s without searches against with", slower), ("p99 with", later)):
        goals.append(at_most("10", what, SLOWER, found if is_whole else None))
    return goals
