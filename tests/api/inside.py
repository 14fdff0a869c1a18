"""A server's real parts in this process, where a clock or an engine can be handed to them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import httpx2

from policyd.api.app import Application
from policyd.bootstrap import utc_now
from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis
from policyd.ledger.folder import DataFolder
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.points.administration import InForce
from policyd.points.service import Service, Stores
from policyd.policy.load import load
from policyd.registry.keys import KeyStore, NewKey
from policyd.search.process import Search
from tests.api.calls import Call
from tests.servers import EVALUATION, JSON, POLICIES, Home, bearer, encode


async def from_folder(engine: type[Engine], before: InForce | None = None) -> InForce:
    """The sample company's policies, whatever is in force."""
    del before
    snapshot = load(POLICIES)
    basis = Basis(snapshot.digest, "folder", "policyd/test", snapshot.vocabulary)
    return InForce(engine(snapshot), basis)


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts that a test may hand in."""

    clock: Callable[[], datetime] = utc_now
    engine: type[Engine] = Engine
    service: type[Service] = Service
    read: Callable[[type[Engine], InForce | None], Awaitable[InForce]] = from_folder


@dataclass(frozen=True, slots=True)
class Inside:
    """A client of the server in this process, with the key of a PEP of the unit sales."""

    client: httpx2.AsyncClient
    key: str
    service: Service

    async def check(self, call: Call) -> httpx2.Response:
        """The answer to a check."""
        headers = JSON | bearer(self.key)
        return await self.client.post(EVALUATION, content=encode(call), headers=headers)

    async def get(self, path: str) -> httpx2.Response:
        """The answer to a GET."""
        return await self.client.get(path, headers=bearer(self.key))


@asynccontextmanager
async def serving(home: Home, parts: Parts) -> AsyncIterator[Inside]:
    """A server made of *parts*, until the block ends."""
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
        closing(Reader(folder.ledger)) as reader,
    ):
        new = NewKey("test", "person", frozenset({"pep"}), units=frozenset({"sales"}))
        key, secret = keys.prepare(new, now=parts.clock())
        keys.add(key, secret)
        read = partial(parts.read, parts.engine)
        ledger = await Ledger.open(folder, Options(parts.clock))
        stores = Stores(ledger, reader, keys, folder.signer, Search(folder.path), folder.projection)
        service = parts.service(stores, read, await read(None))
        app = Application(service, max_body=1 << 20, max_depth=32)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with (
            service.running(),
            httpx2.AsyncClient(transport=transport, base_url="http://policyd") as client,
        ):
            yield Inside(client, secret, service)
        await ledger.close()
