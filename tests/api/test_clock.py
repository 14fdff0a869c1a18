"""A clock that is set back while the server runs: the real parts in this process, and one clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from functools import partial

import httpx2

from policyd.api.app import Application
from policyd.bootstrap import utc_now
from policyd.ledger.folder import DataFolder
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.points.administration import read_folder
from policyd.points.service import Service, Stores
from policyd.registry.keys import KeyStore, NewKey
from tests.api.calls import ALLOWED
from tests.servers import EVALUATION, JSON, POLICIES, Home, bearer, encode

HOUR = timedelta(hours=1)


class Clock:
    """The machine's clock, and by how much it is wrong."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def __call__(self) -> datetime:
        """The time it shows."""
        return utc_now() + self.off


@asynccontextmanager
async def serving(home: Home, clock: Clock) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """A client of a server by *clock*, and the key of a PEP."""
    read = partial(read_folder, POLICIES, "policyd/test")
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
        closing(Reader(folder.ledger)) as reader,
    ):
        new = NewKey("test", "person", frozenset({"pep"}), units=frozenset({"sales"}))
        key, secret = keys.prepare(new, now=clock())
        keys.add(key, secret)
        ledger = await Ledger.open(folder, Options(clock))
        service = Service(Stores(ledger, reader, keys), read, read())
        transport = httpx2.ASGITransport(Application(service, max_body=1 << 20, max_depth=32))
        async with (
            service.running(),
            httpx2.AsyncClient(transport=transport, base_url="http://policyd") as client,
        ):
            yield client, secret
        await ledger.close()


async def check(client: httpx2.AsyncClient, key: str) -> httpx2.Response:
    """The answer to a check that is allowed."""
    return await client.post(EVALUATION, content=encode(ALLOWED), headers=JSON | bearer(key))


def test_a_clock_set_back_ends_readiness(home: Home) -> None:
    """Behind its log the server answers no check, says why, and goes on once the clock is right."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, clock) as (client, key):
            assert (await check(client, key)).json() == {"decision": True}
            clock.off = -HOUR
            refused = await check(client, key)
            assert (refused.status_code, refused.json()["code"]) == (503, "clock-behind")
            assert "retry-after" in refused.headers
            assert "decision" not in refused.json()
            state = await client.get("/health/ready", headers=bearer(key))
            assert state.status_code == 503
            (problem,) = state.json()["problems"]
            assert problem["code"] == "clock-behind"
            assert "set it" in problem["detail"]
            clock.off = timedelta(0)
            assert (await client.get("/health/ready")).status_code == 200
            assert (await check(client, key)).json() == {"decision": True}

    asyncio.run(story())
    assert [record["decision"] for record in home.records("decision")] == ["allow"] * 2
    assert home.verify().returncode == 0


def test_a_clock_set_back_a_little(home: Home) -> None:
    """A clock that is corrected by seconds stops nothing, and time in the log stands still."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, clock) as (client, key):
            await check(client, key)
            clock.off = -timedelta(seconds=4)
            assert (await check(client, key)).json() == {"decision": True}
            assert (await client.get("/health/ready")).status_code == 200

    asyncio.run(story())
    first, second = home.records("decision")
    assert second["ts"] == first["ts"] == second["facts"]["now"]


def test_a_clock_set_forward(home: Home) -> None:
    """A clock that jumps ahead is believed: time in the log never goes back again."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, clock) as (client, key):
            await check(client, key)
            clock.off = HOUR
            assert (await check(client, key)).status_code == 200
            clock.off = timedelta(0)
            assert (await check(client, key)).status_code == 503
            clock.off = HOUR

    asyncio.run(story())
    first, second = home.records("decision")
    assert first["ts"] < second["ts"]
