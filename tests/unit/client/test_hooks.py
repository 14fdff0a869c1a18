"""Hooks: every hop of an HTTP library is checked, with the libraries that are installed.

requests is not a dependency: its session is played by one of the same shape.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from policyd.client import AsyncPolicyd, Denied, NotFulfilled, Policyd
from tests.unit.client.stub import Reply, allowing, duty, running

CALL: Any = {"subject": "sales/sync", "action": "send", "data": "erp/customers"}
PLACE: Any = {"to": "https://crm.example/v3/", "method": "GET"}
ALLOW, DENY = allowing(destination="https://crm.example/v3/"), Reply(200, {"decision": False})


class Web:
    """The world of an HTTP client: one place that redirects to another."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer *request*."""
        self.reached.append(str(request.url))
        if request.url.path == "/v3/moved":
            return httpx2.Response(302, headers={"Location": "https://thief.example/take"})
        return httpx2.Response(200)


def test_httpx_checks_every_redirect() -> None:
    """A redirect to a place that is denied is never followed."""
    web = Web()
    with running(ALLOW, DENY) as stub:
        with Policyd(stub.url, "k").allow(**CALL, **PLACE) as grant:
            options: Any = {"event_hooks": grant.httpx_hooks(), "follow_redirects": True}
            with httpx2.Client(transport=httpx2.MockTransport(web), **options) as client:
                assert client.get("https://crm.example/v3/contacts").status_code == 200
                with pytest.raises(Denied):
                    client.get("https://crm.example/v3/moved")
        assert stub.checks()[1].body["context"]["endpoint"] == "https://thief.example/take"
    assert web.reached == ["https://crm.example/v3/contacts", "https://crm.example/v3/moved"]


def test_httpx_follows_a_redirect_that_is_allowed() -> None:
    """A place that the server allows too is reached."""
    web = Web()
    with (
        running(ALLOW, allowing(destination="https://thief.example/take")) as stub,
        Policyd(stub.url, "k").allow(**CALL, **PLACE) as grant,
    ):
        options: Any = {"event_hooks": grant.httpx_hooks(), "follow_redirects": True}
        with httpx2.Client(transport=httpx2.MockTransport(web), **options) as client:
            assert client.get("https://crm.example/v3/moved").status_code == 200


def test_async_httpx_checks_every_redirect() -> None:
    """The same for an async client."""
    web = Web()

    async def play(url: str) -> None:
        async with AsyncPolicyd(url, "k").allow(**CALL, **PLACE) as grant:
            options: Any = {"event_hooks": grant.httpx_hooks(), "follow_redirects": True}
            transport = httpx2.MockTransport(web)
            async with httpx2.AsyncClient(transport=transport, **options) as client:
                await client.get("https://crm.example/v3/contacts")
                with pytest.raises(Denied):
                    await client.get("https://crm.example/v3/moved")

    with running(ALLOW, DENY) as stub:
        asyncio.run(play(stub.url))
        assert [each["status"] for each in stub.outcomes()] == ["ok"]
    assert web.reached == ["https://crm.example/v3/contacts", "https://crm.example/v3/moved"]


def test_async_applies_and_reports() -> None:
    """Rows are treated, a failure is reported, and a block that ignores duties fails."""
    call = CALL | {"fields": ["name"]}

    async def play(url: str) -> None:
        asking = AsyncPolicyd(url, "k")
        async with asking.allow(**call) as grant:
            assert grant.decision_id == "d1"
            assert grant.apply([{"name": "Ada"}]) == [{"name": "***"}]
        with pytest.raises(KeyError):
            async with asking.allow(**call):
                raise KeyError
        with pytest.raises(NotFulfilled):
            async with asking.allow(**call):
                pass

    with running(allowing(obligations=[duty("mask", fields=["name"])])) as stub:
        asyncio.run(play(stub.url))
        assert [(each["status"], each.get("error")) for each in stub.outcomes()] == [
            ("ok", None),
            ("failed", "KeyError"),
            ("failed", "obligations-not-applied"),
        ]


def test_a_cancelled_block_is_reported() -> None:
    """A block that is cancelled has failed."""

    async def play(url: str) -> None:
        entered = asyncio.Event()

        async def block() -> None:
            async with AsyncPolicyd(url, "k").allow(**CALL):
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(block())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with running(allowing()) as stub:
        asyncio.run(play(stub.url))
        assert [each["error"] for each in stub.outcomes()] == ["CancelledError"]


@dataclass
class PreparedRequest:
    """As of requests."""

    method: str
    url: str


class Adapter:
    """As `requests.adapters.HTTPAdapter`."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.is_closed = False

    def send(self, request: PreparedRequest, **_: object) -> str | None:
        """Where the answer redirects to, if it does."""
        self.reached.append(request.url)
        return "https://thief.example/take" if request.url.endswith("/moved") else None

    def close(self) -> None:
        """Close."""
        self.is_closed = True


class Session:
    """As `requests.Session`: each hop goes through the adapter with the longest fitting prefix."""

    def __init__(self) -> None:
        self.adapters: dict[str, Any] = {}
        for prefix in ("https://", "http://"):
            self.mount(prefix, Adapter())

    def mount(self, prefix: str, adapter: Any) -> None:  # noqa: ANN401 - as requests has it
        """Use *adapter* for *prefix*."""
        self.adapters[prefix] = adapter

    def get(self, url: str | None) -> None:
        """Follow redirects to the end."""
        while url:
            fitting = [prefix for prefix in self.adapters if url.startswith(prefix)]
            adapter = self.adapters[max(fitting, key=len)]
            url = adapter.send(PreparedRequest("GET", url), stream=False, timeout=None)

    def close(self) -> None:
        """Close the adapters."""
        for adapter in self.adapters.values():
            adapter.close()


def test_requests_checks_every_redirect() -> None:
    """Through a guarded session nothing is reached that is not allowed."""
    session = Session()
    plain: Adapter = session.adapters["https://"]
    with running(ALLOW, DENY) as stub:
        with Policyd(stub.url, "k").allow(**CALL, **PLACE) as grant:
            grant.guard_requests(session)
            session.get("https://crm.example/v3/contacts")
            with pytest.raises(Denied):
                session.get("https://crm.example/v3/moved")
        with pytest.raises(Denied, match="grant-closed"):
            session.get("https://crm.example/v3/contacts")
    session.close()
    assert plain.reached == ["https://crm.example/v3/contacts", "https://crm.example/v3/moved"]
    assert plain.is_closed
