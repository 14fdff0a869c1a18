"""`GET /v1/destinations/match` of a real server: what is found, who may ask, and its trace."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jsonschema
import pytest

from policyd.bootstrap import utc_now
from tests.api.calls import call, including
from tests.api.inside import Parts, serving
from tests.servers import Home, Server, bearer

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer

PATH = "/v1/destinations/match"
SECRET = "s3cr3t"
HOOK = "https://hooks.chat-hub.example/services/"
CRM = "https://eu1.crm-cloud.example/v3/contacts"
BANK = {"endpoint": "bank/ebics", "method": "GET", "subject": "sales/customers-to-crm"}
SYNC = {"method": "POST", "subject": "sales/customers-to-crm"}
ALWAYS = {"url", "changes", "destination", "reasons"}
IN_PART = {"name", "private_addresses"}
WHOLE = IN_PART | {"zone", "clearance", "owner", "contact", "methods", "who"}


def ask(server: Server, key: str | None, **asked: str) -> "Answer":
    """The answer to a look-up with these parameters."""
    return server.get(f"{PATH}?{urlencode(asked)}", key)


def found(server: Server, **asked: str) -> dict[str, Any]:
    """What an admin is told."""
    answer = ask(server, server.home.admin, **asked)
    assert answer.status == 200, answer
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture(scope="module")
def builder(server: Server) -> str:
    """A key of a builder of the unit sales."""
    secret: str = server.make_key("builder", units=["sales"])["key"]
    return secret


def test_what_a_url_becomes(server: Server) -> None:
    """Each step to the one spelling is told, and the entry that takes it with all it says."""
    told = found(server, endpoint="HTTPS://EU1.Crm-Cloud.example.:443/v3/%7Ejo?page=2", **SYNC)
    assert told["url"] == "https://eu1.crm-cloud.example/v3/~jo"
    steps = ["query", "case", "case", "trailing-dot", "default-port", "percent-encoding"]
    assert [each["step"] for each in told["changes"]] == steps
    assert told["changes"][3]["after"] == "eu1.crm-cloud.example"
    assert told["destination"] == {
        "name": "crm",
        "zone": "processor",
        "clearance": "confidential",
        "owner": "network-security",
        "contact": "network-security@halmfeld.example",
        "methods": [],
        "who": [],
        "private_addresses": [],
    }
    assert (told["reasons"], told["near"], told["more_near"]) == ([], [], 0)
    assert told["snapshot"] == server.ready().json()["snapshot"]
    assert "decision" not in told


def test_a_connection_with_a_path(server: Server) -> None:
    """A connection is looked up as a check would look it up."""
    told = found(server, endpoint="crm/api", path="contacts")
    step = {"step": "connection", "before": "crm/api", "after": CRM}
    assert (told["url"], told["changes"]) == (CRM, [step])
    assert told["destination"]["name"] == "crm"


def test_where_private_addresses_are_allowed(server: Server) -> None:
    """Only an entry that lists private networks says that a client may be led into them."""
    told = found(server, endpoint="https://10.20.4.10/api")
    assert told["destination"]["private_addresses"] == ["10.20.0.0/16", "fd00:20::/32"]


@pytest.mark.parametrize(
    ("asked", "destination", "fails"),
    [
        ({"endpoint": "https://erp.halmfeld.example/admin"}, "erp", {"path": ["/odata/*"]}),
        ({"endpoint": f"{CRM}:".replace("example/", "example:8443/")}, "crm", {"port": ["443"]}),
        ({"endpoint": CRM.replace("https", "sftp")}, "crm", {"scheme": ["https"]}),
        ({"endpoint": "https://crm-cloud.example/v3/x"}, "crm", {"host": ["*.crm-cloud.example"]}),
        (BANK, "bank", {"method": ["POST"], "who": ["payment-sender"]}),
        ({"endpoint": "crm/api", "path": "x", "subject": "sales/no"}, "crm", {"who": ["everyone"]}),
    ],
)
def test_why_a_near_entry_does_not_take_it(
    server: Server, asked: dict[str, str], destination: str, fails: dict[str, list[str]]
) -> None:
    """An entry that nearly takes it is named with what it lists where it does not fit."""
    told = found(server, **asked)
    assert told["destination"] is None
    assert told["near"][0] == {"destination": destination, "fails": fails}
    assert told["reasons"]


def test_it_is_judged_as_a_check_would(server: Server, pep: str) -> None:
    """The reasons are those that a check gives about the destination, word for word."""
    subject, endpoint, method = BANK["subject"], BANK["endpoint"], BANK["method"]
    for place in (endpoint, "https://user@crm.example/", "https://x.test/", "nonsense"):
        asked = call(subject, "send", "erp/customers", endpoint=place, method=method)
        checked = server.check(including(asked, "reasons"), pep).json()["context"]["reasons"]
        codes = ("destination-not-allowlisted", "method-not-allowlisted", "endpoint-unreadable")
        said = [each for each in checked if each["code"] in codes]
        answer = ask(server, pep, endpoint=place, method=method, subject=subject)
        assert answer.json()["reasons"] == said != []


def test_who_sees_what(server: Server, builder: str) -> None:
    """A PEP sees what it has to obey, a builder all but rules, the others everything."""
    asked = SYNC | {"endpoint": CRM}
    pep = ask(server, server.pep("sales"), **asked).json()
    assert (set(pep), set(pep["destination"])) == (ALWAYS, IN_PART)
    for key in (builder, server.make_key("pep", "builder", units=["sales"])["key"]):
        told = ask(server, key, **asked).json()
        assert set(told) == ALWAYS | {"near", "more_near", "snapshot"}
        assert set(told["destination"]) == WHOLE
        assert set(ask(server, key, **BANK).json()["reasons"][0]) == {
            *("code", "message", "fix", "contact"),
        }
    for role in ("author", "auditor", "admin"):
        key = server.make_key(role)["key"]
        assert set(ask(server, key, **asked).json()["destination"]) == WHOLE
        assert ask(server, key, **BANK).json()["reasons"][0]["rule"] == "destination:bank"


def test_a_pep_learns_nothing_of_others(server: Server) -> None:
    """What is refused to a PEP does not tell it who else may go there, or what is near."""
    body = ask(server, server.pep("sales"), **BANK).body.decode()
    for word in ("payment-sender", "POST", "near", "zone", "clearance", "owner", "rule"):
        assert word not in body


def test_who_may_ask_about_whom(server: Server, builder: str) -> None:
    """Builders and PEPs ask about their own; a PEP about nobody else and not about nobody."""
    pep = server.pep("sales")
    own = server.make_key("builder", integrations=["hr/pay-run"])["key"]
    approver = server.make_key("approver")["key"]
    others = {"endpoint": CRM, "subject": "hr/pay-run"}
    out = (403, "key-out-of-scope")
    assert ask(server, builder, endpoint=CRM).status == 200
    assert ask(server, own, **others).status == 200
    assert ask(server, server.make_key("auditor")["key"], **others).status == 200
    for key, asked in ((builder, others), (pep, others), (pep, {"endpoint": CRM})):
        answer = ask(server, key, **asked)
        assert (answer.status, answer.code) == out
    assert (ask(server, approver, endpoint=CRM).status, ask(server, None, endpoint=CRM).status) == (
        403,
        401,
    )
    assert "builder" in ask(server, approver, endpoint=CRM).json()["detail"]


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("", "request-malformed", "`endpoint`"),
        ("endpoint=", "call-malformed", "say what to look up"),
        ("endpoint=%3Fkey%3Ds3cr3t", "call-malformed", "say what to look up"),
        ("path=/x", "request-malformed", "`endpoint`"),
        ("method=GET&subject=a/b", "request-malformed", "`endpoint`"),
        ("url=https://a.example", "request-malformed", "`url`"),
        (
            "endpoint=https://a.example&endpoint=crm/api",
            "call-malformed",
            "`endpoint` is sent twice",
        ),
        (
            "endpoint=https://a.example&method=GET&method=PUT",
            "call-malformed",
            "`method` is sent twice",
        ),
        ("endpoint=https://a.example&subject=", "call-malformed", "`subject.id`"),
        ("endpoint=https://a.example&metod=GET", "request-malformed", "`metod`"),
        ("endpoint=https://a.example&decision=true", "request-malformed", "`decision`"),
        ("endpoint=https://a.example/%ff", "call-malformed", "the query string is not UTF-8"),
        ("endpoint=crm/api&path=%ed%a0%80", "call-malformed", "the query string is not UTF-8"),
        ("endpoint=https://a.example/%00", "call-malformed", "control character"),
        ("endpoint=https://a.example/%0D%0AX-A:b", "call-malformed", "control character"),
        ("endpoint=crm/api&path=%1B%5B2J", "call-malformed", "control character"),
        ("endpoint=https://a.example&method=GET%07", "call-malformed", "control character"),
        ("endpoint=https://a.example&subject=a/b%E2%80%A8", "call-malformed", "control character"),
        (f"endpoint=https://a.example/{'x' * 10_000}", "call-too-large", "4096"),
        (f"endpoint=https://a.example&subject=a/{'x' * 5000}", "call-too-large", "4096"),
    ],
)
def test_what_cannot_be_judged(server: Server, query: str, code: str, said: str) -> None:
    """A question that makes no sense gets 400 and a word on what is wrong; nothing is recorded."""
    looked = len(server.home.records("query"))
    answer = server.get(f"{PATH}?{query}", server.home.admin)
    assert (answer.status, answer.code) == (400, code)
    assert said in answer.json()["detail"]
    assert SECRET not in answer.body.decode()
    assert len(answer.body) < 800
    assert len(server.home.records("query")) == looked


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("nonsense", "neither a connection name nor an absolute URL"),
        ("no/where", "neither a connection name nor an absolute URL"),
        ("http://crm.example/", "does not start with"),
        (f"https://me:{SECRET}@crm.example/", "user name or password"),
        (f"https://crm.example/#{SECRET}", "fragment"),
        ("https://crm.example/a/%2e%2e/b", "segment"),
        ("https://0x7f.1/", "a number"),
        ("https://crm.example\\x", "backslash"),
        ("https://crm.example/\ufffd\u00a0", "white space"),
        (f"https://crm.example/{'x' * 3000}", "longer than"),
    ],
)
def test_a_url_that_cannot_be_read(server: Server, place: str, problem: str) -> None:
    """It is told as a check tells it, 200 with a reason; not even the log gets what it was."""
    told = found(server, endpoint=place)
    (reason,) = told["reasons"]
    assert (told["url"], told["changes"], told["destination"], told["near"]) == (None, [], None, [])
    assert reason["code"] == "endpoint-unreadable"
    assert problem in reason["message"]
    assert SECRET not in str(told)
    last = server.home.records("query")[-1]
    assert (last["text"], last["rows"]) == ("match url:unreadable", 0)


def test_a_method_that_is_not_said_is_not_judged(server: Server) -> None:
    """Without method and subject an entry takes a URL that some may use in some way."""
    told = found(server, endpoint="bank/ebics")
    assert told["destination"]["methods"] == ["POST"]
    assert told["destination"]["who"] == ["payment-sender"]
    assert told["reasons"] == []


@pytest.mark.parametrize(
    ("asked", "text", "rows"),
    [
        ({"endpoint": CRM}, f"match url:{CRM}", 1),
        (
            {"endpoint": "chat/hooks", "path": "a", "method": "PUT", "subject": "hr/x"},
            f"match url:{HOOK}a endpoint:chat/hooks method:PUT subject:hr/x",
            0,
        ),
        ({"endpoint": "https://x.test/"}, "match url:https://x.test/", 0),
        (
            {"endpoint": "https://[fd00:20::1]/", "method": "GET subject:hr/x"},
            "match url:https://[fd00:20::1]/ method:GET%20subject:hr/x",
            1,
        ),
        (
            {"endpoint": "https://x.test/", "subject": "é/x y"},
            "match url:https://x.test/ subject:%C3%A9/x%20y",
            0,
        ),
    ],
)
def test_it_is_on_record(server: Server, asked: dict[str, str], text: str, rows: int) -> None:
    """Who asked for what is in the log, in its one spelling, and whether an entry took it."""
    auditor = server.make_key("auditor")
    ask(server, auditor["key"], **asked)
    last = server.home.records("query")[-1]
    assert last["caller"] == {"key": auditor["id"], "address": "127.0.0.1"}
    assert (last["text"], last["rows"]) == (text, rows)


def test_no_query_string_gets_anywhere(start: "Start", home: Home) -> None:
    """Neither answer, record nor the server's own log has the query of a URL that was sent."""
    server = start()
    for asked in (
        {"endpoint": f"{CRM}?key={SECRET}"},
        {"endpoint": f"https://x.test/a?{SECRET}", "path": f"b?{SECRET}"},
        {"endpoint": "crm/api", "path": f"contacts?{SECRET}"},
        {"endpoint": f"nonsense?{SECRET}"},
        {"endpoint": f"https://me@x.test/?{SECRET}"},
    ):
        answer = ask(server, home.admin, **asked)
        assert answer.status == 200
        assert SECRET not in answer.body.decode()
    server.stop()
    assert len(home.records("query")) == 5
    assert SECRET not in str(home.records())
    assert SECRET not in server.log.read_text("utf-8")
    assert home.verify().returncode == 0


def test_refusals_are_counted(start: "Start", home: Home) -> None:
    """Who was refused is in the log afterwards, with its code; of nothing else there is a trace."""
    server = start()
    pep = server.make_key("pep", units=["sales"])
    ask(server, pep["key"], endpoint=CRM)
    ask(server, pep["key"], endpoint="?")
    server.stop()
    rows = [row for record in home.records("refusals") for row in record["counts"]]
    assert {(row["key"], row["code"]) for row in rows} == {
        (pep["id"], "key-out-of-scope"),
        (pep["id"], "call-malformed"),
    }
    assert home.records("query") == []


def test_no_record_no_answer(start: "Start", home: Home) -> None:
    """Without its record a look-up is not answered."""
    server = start()
    assert ask(server, home.admin, endpoint=CRM).status == 200
    os.kill(server.writer(), signal.SIGKILL)
    answer = ask(server, home.admin, endpoint=CRM)
    assert (answer.status, answer.code) == (503, "audit-unavailable")
    assert "crm" not in answer.body.decode()


def test_a_clock_behind_the_log(home: Home) -> None:
    """A server whose clock is behind its log answers no look-up, and decides nothing by it."""
    off = timedelta(0)

    def clock() -> datetime:
        return utc_now() + off

    async def story() -> None:
        nonlocal off
        async with serving(home, Parts(clock)) as inside:
            asked = f"{PATH}?{urlencode(SYNC | {'endpoint': CRM})}"
            assert (await inside.get(asked)).status_code == 200
            off = -timedelta(hours=1)
            refused = await inside.get(asked)
            assert (refused.status_code, refused.json()["code"]) == (503, "clock-behind")
            off = timedelta(0)

    asyncio.run(story())
    assert len(home.records("query")) == 1


def test_many_at_once(start: "Start", home: Home) -> None:
    """Look-ups among checks are answered, and leave a log in order that can be verified."""
    server = start()
    pep = server.pep("sales")
    asked = call("sales/sales-cube", "read", "erp/customers")

    def both(_: int) -> tuple[int, int]:
        return server.check(asked, pep).status, ask(server, pep, **SYNC, endpoint=CRM).status

    with ThreadPoolExecutor(4) as askers:
        assert set(askers.map(both, range(40))) == {(200, 200)}
    server.stop()
    assert (len(home.records("query")), len(home.records("decision"))) == (40, 40)
    assert home.verify().returncode == 0


def test_other_methods_are_refused(server: Server) -> None:
    """Looking up changes nothing, so it is a GET alone."""
    for method in ("POST", "PUT", "DELETE"):
        answer = server.send(method, f"{PATH}?endpoint={CRM}", headers=bearer(server.home.admin))
        assert (answer.status, answer.code) == (405, "method-not-allowed")


def test_answers_are_as_described(server: Server, builder: str) -> None:
    """Each answer has the shape that the interface description has for it."""
    described = server.get("/openapi.json").json()
    operation = described["paths"][PATH]["get"]
    names = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert names == {"endpoint", "path", "method", "subject"}
    shape = operation["responses"]["200"]["content"]["application/json"]["schema"]
    checker = jsonschema.Draft202012Validator(shape | {"components": described["components"]})
    for key in (server.home.admin, builder, server.pep("sales")):
        for asked in (SYNC | {"endpoint": CRM}, BANK, SYNC | {"endpoint": "nonsense"}):
            checker.validate(ask(server, key, **asked).json())
