"""`policyd destinations match`: what it asks, what it shows, and its exit codes."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.program import KEY, POLICIES, Program, Stub
from tests.servers import Home, Server

MATCH = ["destinations", "match"]
CRM = "https://eu1.crm-cloud.example/v3/contacts"
BANK = ["bank/ebics", "--method", "GET", "--subject", "sales/customers-to-crm"]
ASKED = [
    [CRM],
    ["HTTPS://EU1.Crm-cloud.example.:443/v3/%7Ejo?page=2", "--method", "POST"],
    ["crm/api", "--path", "contacts", "--subject", "sales/sales-cube"],
    BANK,
    ["https://erp.halmfeld.example/admin"],
    ["https://10.20.4.10/"],
    ["https://nowhere.test/"],
    ["https://me:pw@crm.example/"],
    ["nonsense"],
]
NOTHING: dict[str, Any] = {"url": CRM, "changes": [], "destination": None, "reasons": []}
TAKEN = NOTHING | {"destination": {"name": "crm", "private_addresses": []}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the sample company."""
    with Server(Home.make(tmp_path_factory.mktemp("match") / "data")) as running:
        yield running


@pytest.fixture
def admin(server: Server) -> dict[str, str]:
    """The settings of a client with the key of an admin."""
    return {"POLICYD_URL": f"http://127.0.0.1:{server.port}", "POLICYD_KEY": server.home.admin}


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_files_show_what_the_server_shows(
    policyd: Program, server: Server, admin: dict[str, str], asked: list[str]
) -> None:
    """A dry run and a server of the same files say the same, line by line, but for the note."""
    looked = len(server.home.records("query"))
    answered, tried = (
        policyd(*MATCH, *asked, **admin),
        policyd(*MATCH, *asked, "--policies", POLICIES),
    )
    as_json = policyd(*MATCH, *asked, "--json", **admin)

    note = "dry run, not recorded, not an authorisation"
    shown = [line for line in tried.out.splitlines() if line.strip() != note]
    assert shown == answered.out.splitlines()
    assert note in tried.out
    assert note not in answered.out
    told = policyd(*MATCH, *asked, "--policies", POLICIES, "--json").json()
    assert told == {"dry_run": True, "note": note} | as_json.json()
    assert answered.code == tried.code == as_json.code == int(told["destination"] is None)
    assert len(server.home.records("query")) == looked + 2


def test_it_is_told_in_words(policyd: Program, admin: dict[str, str]) -> None:
    """What changed, what takes it, whom to ask, and what is in the way of a near one."""
    taken = policyd(*MATCH, ASKED[1][0], **admin)
    bank = policyd(*MATCH, *BANK, **admin)
    narrow = policyd(*MATCH, "bank/ebics", **admin)
    plant = policyd(*MATCH, "https://10.20.4.10/", **admin)

    assert taken.out.splitlines()[:3] == [
        "https://eu1.crm-cloud.example/v3/~jo",
        "  query: ?… became none",
        "  case: HTTPS became https",
    ]
    assert "listed as crm" in taken.out
    assert "zone processor, cleared for confidential" in taken.out
    assert "network-security@halmfeld.example" in taken.out
    assert "private addresses: none" in taken.out
    assert "near: bank, but for its method (POST), who (payment-sender)" in bank.out
    assert "[method-not-allowlisted]" in bank.out
    assert "only for the methods POST" in narrow.out
    assert "only for payment-sender" in narrow.out
    assert "private addresses: only 10.20.0.0/16, fd00:20::/32" in plant.out


def test_a_pep_is_told_less(policyd: Program, server: Server, admin: dict[str, str]) -> None:
    """With the key of a PEP the same command shows what that key may see."""
    as_pep = admin | {"POLICYD_KEY": server.pep("sales")}
    taken = policyd(*MATCH, CRM, "--subject", "sales/sales-cube", **as_pep)
    refused = policyd(*MATCH, CRM, **as_pep)

    assert taken.code == 0
    assert taken.out.splitlines() == [CRM, "  listed as crm", "    private addresses: none"]
    assert (refused.code, refused.out) == (2, "")
    assert "say `subject` [key-out-of-scope]" in refused.err


def test_what_was_said_is_asked(policyd: Program, stub: Stub) -> None:
    """Each option becomes its parameter, with nothing lost on the way; others are not sent."""
    stub.gives(200, TAKEN)
    options = ["--path", "/a&b=c?d", "--method", "GET", "--subject", "é/x y"]
    policyd(*MATCH, "https://x.test/#?&", *options, POLICYD_URL=stub.url, POLICYD_KEY=KEY)
    policyd(*MATCH, "crm/api", POLICYD_URL=stub.url, POLICYD_KEY=KEY)

    asked = [(method, urlsplit(path)) for method, path, _ in stub.asked]
    assert [(method, url.path) for method, url in asked] == [("GET", "/v1/destinations/match")] * 2
    assert [parse_qs(url.query) for _, url in asked] == [
        {
            "endpoint": ["https://x.test/#?&"],
            "path": ["/a&b=c?d"],
            "method": ["GET"],
            "subject": ["é/x y"],
        },
        {"endpoint": ["crm/api"]},
    ]
    assert stub.keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        (200, TAKEN, 0, ""),
        (200, NOTHING, 1, ""),
        (400, {"code": "call-malformed", "detail": "`a`: wrong"}, 2, "[call-malformed]"),
        (401, {"code": "unauthenticated", "detail": "unknown"}, 2, "POLICYD_KEY"),
        (503, {"code": "audit-unavailable", "detail": "no disk"}, 3, "[audit-unavailable]"),
        (200, {}, 3, "[answer-unreadable]"),
        (200, {"decision": True}, 3, "[answer-unreadable]"),
        (200, TAKEN | {"destination": "crm"}, 3, "[answer-unreadable]"),
        (200, b"<html>", 3, "[not-policyd]"),
    ],
    ids=ascii,
)
def test_exit_codes(
    policyd: Program, stub: Stub, *, status: int, body: object, code: int, told: str
) -> None:
    """0 an entry takes it, 1 none does, 2 it cannot be asked, 3 there was no answer."""
    stub.gives(status, body)
    ended = policyd(*MATCH, CRM, "--json", POLICYD_URL=stub.url, POLICYD_KEY=KEY)

    assert ended.code == code
    assert bool(ended.out) is (code < 2)
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_no_server_is_told(policyd: Program) -> None:
    """Without a server or a key there is no answer, and nothing is concluded."""
    away = policyd(*MATCH, CRM, "--url", "http://127.0.0.1:1", POLICYD_KEY=KEY)
    keyless = policyd(*MATCH, CRM, "--url", "http://127.0.0.1:1")

    assert (away.code, away.out) == (3, "")
    assert "[server-unreachable]" in away.err
    assert (keyless.code, keyless.out) == (2, "")
    assert "[key-missing]" in keyless.err


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["x\x07"], "call-malformed"),
        ([""], "call-malformed"),
        ([CRM, "--subject", ""], "call-malformed"),
        (["https://x.test/\udcff"], "call-malformed"),
        ([f"https://x.test/{'x' * 10_000}"], "call-too-large"),
    ],
    ids=["control character", "empty", "empty subject", "no text", "10 kB"],
)
def test_what_cannot_be_asked(
    policyd: Program, admin: dict[str, str], asked: list[str], code: str
) -> None:
    """What the server refuses is refused by files in the same words."""
    answered, tried = (
        policyd(*MATCH, *asked, **admin),
        policyd(*MATCH, *asked, "--policies", POLICIES),
    )

    assert (answered.code, answered.out) == (tried.code, tried.out) == (2, "")
    assert f"[{code}]" in answered.err
    assert answered.err == tried.err


def test_an_answer_cannot_command_the_terminal(policyd: Program, stub: Stub) -> None:
    """Control characters in an answer are not passed on, in words or as JSON."""
    near = [{"destination": "a\x1b[2Jb", "fails": {"who": ["c\u202ed"]}}]
    stub.gives(200, NOTHING | {"near": near, "more_near": 7})

    for as_json in ([], ["--json"]):
        ended = policyd(*MATCH, CRM, *as_json, POLICYD_URL=stub.url, POLICYD_KEY=KEY)
        assert ended.code == 1
        assert not set("\x1b\u202e") & set(ended.out)
        assert "7" in ended.out
