"""The servers of one benchmark: started together, checked, asked in turns."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.benchmarks.company import Company
from tests.benchmarks.load import Load, measure, write_requests
from tests.benchmarks.peers.cerbos.server import CerbosServer
from tests.benchmarks.peers.echo.server import EchoServer
from tests.benchmarks.peers.opa.server import OpaServer
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Table
from tests.benchmarks.served import PolicydServer, Served
from tests.servers import Connection, encode

Start = Callable[[Company, Path], Served]
PEERS: tuple[tuple[str, Start], ...] = (
    ("bare echo", EchoServer),
    ("Cerbos", CerbosServer),
    ("OPA", OpaServer),
)
_SETTLE_S = 0.5  # what the server before still had to write, it writes now
_COMPARED = 300


@dataclass
class Ship:
    """A server, the file of what it is asked, and what came of it."""

    server: Served
    requests: Path
    url: str
    loads: list[Load] = field(default_factory=list)


@contextmanager
def launched(
    company: Company, plan: Plan, table: Table, starts: Iterable[tuple[str, Start]]
) -> Iterator[list[Served]]:
    """policyd, and those of its peers that are installed."""
    with ExitStack() as running:
        servers: list[Served] = []
        for name, start in (("policyd", PolicydServer), *starts):
            plan.say(f"starting {name} with {company.size:,} rules")
            folder = plan.scratch / f"{table.name}-{name.replace(' ', '-')}"
            folder.mkdir()
            try:
                server = start(company, folder)
            except FileNotFoundError as error:
                table.missing.append(f"{name}: {error}; `./run bench --peers` installs it")
                continue
            running.callback(server.stop)
            servers.append(server)
        yield servers


def compare(company: Company, servers: Iterable[Served], plan: Plan) -> None:
    """See that each of them answers as the company's rules say.

    Raises:
        AssertionError: one does not.
    """
    checks = list(islice(company.checks(), _COMPARED))
    for server in servers:
        plan.say(f"comparing the answers of {server.name}")
        with Connection(server.process.port) as line:
            for number, check in enumerate(checks):
                found = server.ask(line, check, number)
                wanted = company.passes(check) or server.name == "bare echo"
                assert found == wanted, f"{server.name} answers {found} to {check}"


def single_checks(company: Company, servers: Iterable[Served], count: int, to: Path) -> list[Ship]:
    """Each server with *count* distinct checks to be asked one by one."""
    checks = list(islice(company.checks(), count))
    ships = []
    for server in servers:
        bodies = [encode(server.body(check, number)) for number, check in enumerate(checks)]
        file = write_requests(to / f"{server.name}.requests", server.keys, bodies)
        ships.append(Ship(server, file, server.url))
    return ships


def sail(ships: Sequence[Ship], plan: Plan, connections: int) -> None:
    """Put each of them under load once a round; before that, for a moment that does not count."""
    for ship in ships:
        plan.say(f"warming up {ship.server.name}, {connections} connections")
        measure(ship.url, ship.requests, connections, 1)
        ship.loads.clear()
    for turn in range(plan.rounds):
        for ship in ships:
            plan.say(f"{ship.server.name}, {connections} connections, {turn + 1}/{plan.rounds}")
            time.sleep(_SETTLE_S)
            load = measure(ship.url, ship.requests, connections, plan.seconds)
            ship.loads.append(load.check(ship.server.name))
