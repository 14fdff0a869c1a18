"""Table `batch`: many checks in one request."""

from statistics import median
from typing import Any

from tests.benchmarks.calls import batch, call
from tests.benchmarks.company import Check, Company
from tests.benchmarks.fleet import Ship, launched, sail
from tests.benchmarks.load import write_requests
from tests.benchmarks.peers.cerbos.server import CerbosServer
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Column, Table, ratio
from tests.benchmarks.served import PolicydServer, Served
from tests.servers import JSON, Connection, bearer, encode

RULES = 1_000
CONNECTIONS = 8
DISTINCT = 200
FULL, COMMON = 100, 50  # items; the second is the most that Cerbos takes as it comes
COLUMNS = [
    Column("server", "server"),
    Column("items", "items a batch"),
    Column("rate", "items/s"),
    Column("p50", "p50 of a batch", "ms"),
    Column("p99", "p99 of a batch", "ms"),
    Column("ratio", "policyd / it", "×"),
]
NOTES = (
    f"{RULES:,} rules; {DISTINCT} batches, each for one integration; {CONNECTIONS} connections.",
    "Every item of policyd is a record of its own, durable before the batch is answered.",
    f"Cerbos takes {COMMON} resources at once unless told otherwise; it is compared at that size.",
)


def run(plan: Plan) -> Table:
    """Measure policyd with full batches, then both with what both take."""
    table = Table("batch", "Batches", COLUMNS, notes=list(NOTES))
    company = Company(RULES)
    with launched(company, plan, table, (("Cerbos", CerbosServer),)) as servers:
        ships: dict[tuple[str, int], Ship] = {}
        for server in servers:
            for items in (FULL, COMMON) if server.name == "policyd" else (COMMON,):
                plan.say(f"comparing the batches of {server.name}")
                ships[server.name, items] = _ship(server, company, items, plan)
        sail(list(ships.values()), plan, CONNECTIONS)
    rates = {at: median(e.per_second for e in ship.loads) * at[1] for at, ship in ships.items()}
    for (name, items), ship in ships.items():
        table.rows.append(
            {
                "server": name,
                "items": items,
                "rate": rates[name, items],
                "p50": median(load.p50_ms for load in ship.loads),
                "p99": median(load.p99_ms for load in ship.loads),
                "ratio": ratio(rates["policyd", items], rates[name, items]),
            }
        )
    return table


def _ship(server: Served, company: Company, items: int, plan: Plan) -> Ship:
    """The server with its batches, the first of which was answered as the rules say."""
    names = tuple(company.integrations)
    batches = [batch(names[at % len(names)], company, at * items, items) for at in range(DISTINCT)]
    path, bodies = _requests(server, batches)
    headers = JSON | (bearer(server.keys[0]) if server.keys else {})
    with Connection(server.process.port) as line:
        answer = line.send("POST", path, bodies[0], headers)
    assert answer.status == 200, answer
    wanted = [company.passes(check) for check in batches[0]]
    assert _allowed(answer.json()) == wanted, f"{server.name} answers a batch wrongly"
    file = plan.scratch / f"{server.name}-{items}.requests"
    url = f"http://127.0.0.1:{server.process.port}{path}"
    return Ship(server, write_requests(file, server.keys, bodies), url)


def _requests(server: Served, batches: list[list[Check]]) -> tuple[str, list[bytes]]:
    """Where batches go, and their bodies: what all items have in common is said once."""
    if isinstance(server, PolicydServer):
        return server.batch_path, [encode(_evaluations(each)) for each in batches]
    assert isinstance(server, CerbosServer)
    return server.path, [
        encode(
            {
                "principal": server.principal(each[0].question.integration),
                "resources": [server.resource(check, n) for n, check in enumerate(each)],
            }
        )
        for each in batches
    ]


def _evaluations(checks: list[Check]) -> dict[str, Any]:
    calls = [call(check, number) for number, check in enumerate(checks)]
    items = [{part: each[part] for part in ("action", "resource", "context")} for each in calls]
    return {"subject": calls[0]["subject"], "evaluations": items}


def _allowed(answer: dict[str, Any]) -> list[bool]:
    if "evaluations" in answer:
        return [item["decision"] for item in answer["evaluations"]]
    effects = (next(iter(each["actions"].values())) for each in answer["results"])
    return [effect == "EFFECT_ALLOW" for effect in effects]
