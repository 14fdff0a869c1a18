"""One service behind two servers: on plain ASGI, and with the short way for checks."""

import asyncio
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from typing import cast

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from policyd.api.app import Application
from policyd.api.checks import Checks
from policyd.api.direct import DirectProtocol
from policyd.bootstrap import utc_now
from policyd.engine.decide import Engine
from policyd.ledger.folder import DataFolder
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.points.service import Service, Stores
from policyd.registry.keys import KeyStore, NewKey
from policyd.search.process import Search
from tests.api.inside import from_folder
from tests.servers import Home

_UNIQUE = re.compile(rb"(?<=\r\n)(date|x-decision-id): [^\r]*")
LAST = b"GET /health/live HTTP/1.1\r\nHost: policyd\r\nConnection: close\r\n\r\n"
"""A request after which the server closes the connection, once all before it are answered."""


@dataclass
class Both:
    """Both servers, each by its port, and a key of a PEP of the unit sales.

    Attributes:
        ledger: Their log.
        taken: Counts checks that went the short way.
    """

    key: str
    ledger: Ledger
    ports: dict[str, int] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)

    def said(self, way: str, packets: Sequence[bytes]) -> bytes:
        """Everything that comes back for *packets*, but for dates and ids, until it is closed."""
        address = ("127.0.0.1", self.ports[way])
        with closing(socket.create_connection(address, timeout=60)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for packet in packets:
                line.sendall(packet)
            return _UNIQUE.sub(rb"\1: -", b"".join(iter(lambda: line.recv(1 << 16), b"")))

    def leave(self, way: str, sent: bytes) -> None:
        """Send these bytes and go away."""
        with closing(socket.create_connection(("127.0.0.1", self.ports[way]), timeout=60)) as line:
            line.sendall(sent)

    def await_size(self, size: int) -> None:
        """Wait until the log has so many records."""
        while self.ledger.size < size:
            time.sleep(0.01)


class _Watched(DirectProtocol):
    """The protocol, with a count of what it takes."""

    def __init__(
        self, taken: Counter[str], checks: Checks, *given: object, **named: object
    ) -> None:
        super().__init__(checks, *given, **named)  # type: ignore[arg-type]  # as given
        self._taken = taken

    def on_headers_complete(self) -> None:
        """Count, if it is taken."""
        super().on_headers_complete()
        self._taken["checks"] += type(self.cycle) is not RequestResponseCycle


@contextmanager
def both_ways(home: Home) -> Iterator[Both]:
    """Both servers, until the block ends."""
    ready: Queue[Both | BaseException] = Queue()
    stop = threading.Event()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(home, ready, stop))
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    started = ready.get(timeout=60)
    if isinstance(started, BaseException):
        raise started
    try:
        yield started
    finally:
        stop.set()
        thread.join()


async def _serve(home: Home, ready: "Queue[Both | BaseException]", stop: threading.Event) -> None:
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
        closing(Reader(folder.ledger)) as reader,
    ):
        new = NewKey("test", "person", frozenset({"pep"}), units=frozenset({"sales"}))
        key, secret = keys.prepare(new, now=utc_now())
        keys.add(key, secret)
        read = partial(from_folder, Engine)
        ledger = await Ledger.open(folder, Options(utc_now))
        service = Service(
            Stores(ledger, reader, keys, folder.signer, Search(folder.path), folder.projection),
            read,
            await read(),
        )
        app = Application(service, max_body=1 << 20, max_depth=32)
        both = Both(secret, ledger)
        direct = cast("type[asyncio.Protocol]", partial(_Watched, both.taken, app.checks))
        async with service.running():
            servers = [_server(app, "httptools"), _server(app, direct)]
            sockets = [socket.create_server(("127.0.0.1", 0)) for _ in servers]
            both.ports |= {
                way: each.getsockname()[1]
                for way, each in zip(("asgi", "direct"), sockets, strict=True)
            }
            running = [
                asyncio.create_task(server.serve([each]))
                for server, each in zip(servers, sockets, strict=True)
            ]
            ready.put(both)
            await asyncio.to_thread(stop.wait)
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)
        await ledger.close()


def _server(app: Application, http: "type[asyncio.Protocol] | str") -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", http),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
        )
    )
