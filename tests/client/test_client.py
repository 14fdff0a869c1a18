"""The client against a real server, on the sample company."""

import asyncio
from typing import Any

import httpx2
import pytest

from policyd.client import AsyncPolicyd, Denied, NotFulfilled, Policyd, Unavailable
from tests.client.conftest import PATIENCE_S
from tests.servers import Home, Server

WHO: Any = {"subject": "sales/customers-to-crm", "action": "send", "data": "erp/customers"}
CRM: Any = {"to": "crm/api", "path": "contacts", "method": "POST"}
CONTACTS = "https://eu1.crm-cloud.example/v3/contacts"
ROWS = [{"customer_no": 1, "iban": "DE1"}, {"customer_no": 2, "iban": "DE2"}]


def outcome_of(server: Server, decision_id: str | None) -> dict[str, Any]:
    """The one record of what became of a decision."""
    records = server.home.records("outcome")
    (found,) = [each for each in records if each["decision"] == decision_id]
    return found


def denied(client: Policyd, **call: Any) -> Denied:  # noqa: ANN401 - parts of a call
    """Why a call is denied."""
    with pytest.raises(Denied) as caught, client.allow(**call):
        pytest.fail("a denied block ran")
    return caught.value


def test_a_stranger_is_led_to_the_allowed_call(server: Server, client: Policyd, key: str) -> None:
    """Each message alone says what to change next, until the call runs."""
    first = denied(client, **WHO, fields=["customer_no", "iban"], rows=2, method="POST")
    assert "send `to` with the call" in str(first)

    elsewhere: Any = {"to": "https://files.example/drop", "method": "POST"}
    second = denied(client, **WHO, fields=["customer_no", "iban"], rows=2, **elsewhere)
    assert "use a connection of guardrails/systems.yaml" in str(second)

    plain = Policyd(f"http://127.0.0.1:{server.port}", key, timeout=PATIENCE_S)
    third = denied(plain, **WHO, fields=["customer_no", "iban"], rows=2, **CRM)
    assert [reason.code for reason in third.reasons] == ["obligation-unsupported"]
    assert "`tokenise_with`" in third.fix

    with client.allow(**WHO, fields=["customer_no", "iban"], rows=2, **CRM) as grant:
        sent = grant.apply(ROWS)
    assert [row["customer_no"] for row in sent] == [1, 2]
    assert all(row["iban"].startswith("tok_") for row in sent)
    outcome = outcome_of(server, grant.decision_id)
    assert (outcome["status"], outcome["rows"]) == ("ok", 2)


def test_a_redirect_out_of_the_house_is_denied_and_on_record(
    server: Server, client: Policyd
) -> None:
    """The place a redirect leads to is asked about by its name and never reached."""
    reached = []

    def web(request: httpx2.Request) -> httpx2.Response:
        reached.append(request.url.host)
        return httpx2.Response(302, headers={"Location": "https://thief.example/take?it=1"})

    with client.allow(**WHO, fields=["customer_no"], rows=1, **CRM) as grant:
        options: Any = {"event_hooks": grant.httpx_hooks(), "follow_redirects": True}
        browser = httpx2.Client(transport=httpx2.MockTransport(web), **options)
        with browser, pytest.raises(Denied) as caught:
            browser.post(CONTACTS, json=grant.apply([{"customer_no": 1}]))
    assert reached == ["eu1.crm-cloud.example"]
    records = {each["id"]: each for each in server.home.records("decision")}
    assert caught.value.decision_id
    record = records[caught.value.decision_id]
    assert record["call"]["destination"]["sent"] == "https://thief.example/take"


def test_another_listed_path_is_asked_about_and_allowed(server: Server, client: Policyd) -> None:
    """Both decisions are on record, and each has its outcome."""
    with client.allow(**WHO, fields=["customer_no"], rows=1, **CRM) as grant:
        grant.check_url(f"{CONTACTS}?dry=1")
        assert len(grant.decision_ids) == 1
        grant.check_url("https://eu1.crm-cloud.example/v3/accounts")
        assert len(grant.decision_ids) == 2
    assert {outcome_of(server, each)["status"] for each in grant.decision_ids} == {"ok"}


def test_ignored_obligations_are_on_record(server: Server, client: Policyd) -> None:
    """A block that does not apply what was demanded fails, and its outcome says so."""
    with (
        pytest.raises(NotFulfilled),
        client.allow(**WHO, fields=["iban"], rows=1, **CRM) as grant,
    ):
        pass
    outcome = outcome_of(server, grant.decision_id)
    assert (outcome["status"], outcome["error"]) == ("failed", "obligations-not-applied")


def test_failures_are_on_record_by_kind(server: Server, client: Policyd) -> None:
    """The log has the kind of the error and not what it says."""
    with (
        pytest.raises(ValueError, match="Ada"),
        client.allow(**WHO, fields=["customer_no"], rows=1, **CRM) as grant,
    ):
        raise ValueError("Ada has no number")
    outcome = outcome_of(server, grant.decision_id)
    assert (outcome["status"], outcome["error"]) == ("failed", "ValueError")
    assert "Ada" not in str(outcome)


def test_async_does_the_same(server: Server, key: str) -> None:
    """A coroutine is allowed, denied and reported like plain code."""

    async def play() -> str | None:
        asking = AsyncPolicyd(f"http://127.0.0.1:{server.port}", key, timeout=PATIENCE_S)
        with pytest.raises(Denied):
            async with asking.allow(**WHO):
                pytest.fail("a denied block ran")
        async with asking.allow(**WHO, fields=["customer_no"], rows=1, **CRM) as grant:
            await grant.check_url(CONTACTS)
        return grant.decision_id

    assert outcome_of(server, asyncio.run(play()))["status"] == "ok"


def test_a_wrong_key_is_told(server: Server) -> None:
    """A key that nobody made is a refusal with the server's own words."""
    told = denied(Policyd(f"http://127.0.0.1:{server.port}", "pd_no", timeout=PATIENCE_S), **WHO)
    assert told.code == "unauthenticated"
    assert "ask an admin" in told.message


def test_a_server_that_is_gone_denies(home: Home) -> None:
    """A server that has ended lets nothing run, except by written choice."""
    with Server(home) as running:
        url = f"http://127.0.0.1:{running.port}"
    with pytest.raises(Unavailable), Policyd(url, "k").allow(**WHO):
        pytest.fail("a denied block ran")
    with Policyd(url, "k", on_unavailable="allow").allow(**WHO) as grant:
        assert len(grant.unasked) == 1
