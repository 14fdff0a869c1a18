"""Bad requests: each gets its status, its code and a message with the place; none gets further."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.api.bad_checks import BODIES, GOOD, STRANGERS, Bad, basic
from tests.api.calls import ALLOWED
from tests.servers import EVALUATION, JSON, Home, Server, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer

LONGEST_PROBLEM = 800


def send(server: Server, bad: Bad, key: str) -> "Answer":
    """The answer to a bad check of who has a good *key*."""
    headers = {**JSON, "Authorization": "Bearer {key}", **bad.headers}
    filled = {name: value.format(key=key) for name, value in headers.items() if value}
    return server.send("POST", EVALUATION, bad.body, filled)


@pytest.mark.parametrize("bad", [*BODIES, *STRANGERS], ids=str)
def test_bad_input_is_refused(server: Server, pep: str, bad: Bad) -> None:
    """It gets its status and code, and a short message that names the place or the way out."""
    answer = send(server, bad, pep)
    assert (answer.status, answer.code) == (bad.status, bad.code)
    problem = answer.json()
    assert bad.said in problem["detail"]
    assert set(problem) == {"type", "title", "status", "code", "detail"}
    assert problem["status"] == bad.status
    assert problem["type"] == f"urn:policyd:problem:{bad.code}"
    assert len(answer.body) < LONGEST_PROBLEM
    assert "x-decision-id" not in answer.headers
    assert ("www-authenticate" in answer.headers) == (bad.status == 401)


def test_nothing_comes_of_bad_input(start: "Start") -> None:
    """After all of it the server is well, has decided nothing, and has counted every refusal."""
    server = start()
    made = server.make_key("pep", units=["sales"])
    for bad in (*BODIES, *STRANGERS):
        send(server, bad, made["key"])
    assert server.ready().json()["ready"]
    assert server.check(ALLOWED, made["key"]).json() == {"decision": True}
    assert server.stop() == 0
    assert len(server.home.records("decision")) == 1
    assert refused(server.home) == Counter(
        (made["id"] if bad in BODIES else None, bad.code) for bad in (*BODIES, *STRANGERS)
    )
    assert server.home.verify().returncode == 0
    assert all(line["level"] == "info" for line in server.log_lines())


def refused(home: Home) -> Counter[tuple[str | None, str]]:
    """How often the log says that which key was refused with which code."""
    counts: Counter[tuple[str | None, str]] = Counter()
    for record in home.records("refusals"):
        for row in record["counts"]:
            assert row["address"] == "127.0.0.1"
            counts[row.get("key"), row["code"]] += row["count"]
    return counts


def test_refusals_of_every_path_are_counted(start: "Start") -> None:
    """Malformed, unknown and out of scope: each is in the log after the server has ended."""
    server = start()
    pep = server.make_key("pep", units=["sales"])
    foreign = ALLOWED | {"subject": {"type": "integration", "id": "hr/pay-run"}}
    server.check(foreign, pep["key"])
    server.check(foreign, pep["key"])
    server.get("/v1/audit/records", pep["key"])
    server.get("/v1/audit/records")
    server.get("/v1/audit/records?limit=0", server.home.admin)
    server.send("POST", "/v1/keys", b"{", JSON | bearer(server.home.admin))
    server.send("POST", "/v1/keys", encode({"holder": ""}), JSON | bearer(server.home.admin))
    server.send("POST", "/v1/keys", encode(KEY | {"holder": ""}), JSON | bearer(server.home.admin))
    server.stop()
    admin = server.home.records("admin")[0]["target"]
    assert refused(server.home) == {
        (pep["id"], "key-out-of-scope"): 2,
        (pep["id"], "forbidden"): 1,
        (None, "unauthenticated"): 1,
        (admin, "request-malformed"): 2,
        (admin, "call-malformed"): 1,
        (admin, "key-invalid"): 1,
    }


KEY = {"holder": "somebody", "roles": ["auditor"]}

BODIES_OF_KEYS = [
    Bad("empty", b"", "`body`", code="request-malformed"),
    Bad("not JSON", b"{", "not JSON"),
    Bad("an array", b"[]", "`body`", code="request-malformed"),
    Bad(
        "twice", b'{"holder": "a", "roles": ["auditor"], "roles": ["admin"]}', "`roles` is written"
    ),
    Bad("NaN", b'{"holder": NaN, "roles": ["auditor"]}', "`NaN`"),
    Bad("no UTF-8", b'{"holder": "\xff", "roles": ["auditor"]}', "not UTF-8"),
    Bad("half a pair", rb'{"holder": "a", "roles": ["\ud800"]}', "half of a surrogate pair"),
    Bad("deep", b"[" * 1000 + b"]" * 1000, "32 levels", 400, "call-too-deep"),
    Bad("deeper", b'{"holder":' + b"[" * 100_000, "32 levels", 400, "call-too-deep"),
    Bad("2 MiB", encode(KEY | {"owner": "x" * (2 << 20)}), "", 413, "body-too-large"),
]


@pytest.mark.parametrize("bad", BODIES_OF_KEYS, ids=str)
def test_other_bodies_are_read_as_strictly(server: Server, bad: Bad) -> None:
    """What is no strict JSON is refused by every path that takes a body."""
    answer = server.send("POST", "/v1/keys", bad.body, JSON | bearer(server.home.admin))
    assert (answer.status, answer.code) == (bad.status, bad.code)
    assert bad.said in answer.json()["detail"]


def test_a_foreign_key(server: Server, home: Home) -> None:
    """A key of another data folder is unknown here, be it an admin's."""
    answer = server.check(ALLOWED, home.admin)
    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "header",
    [
        lambda key: f"Bearer {key}",
        lambda key: f"bearer {key}",
        lambda key: f"BEARER   {key} ",
        lambda key: basic("flow-platform", key),
        lambda key: basic("", key).replace("Basic", "basic"),
    ],
    ids=["Bearer", "lower case", "upper case", "Basic", "Basic without a user"],
)
def test_ways_to_present_a_key(server: Server, pep: str, header: Callable[[str], str]) -> None:
    """A key goes by Bearer or as the password of Basic, the scheme in any case."""
    answer = server.send("POST", EVALUATION, GOOD, JSON | {"Authorization": header(pep)})
    assert answer.json() == {"decision": True}


def test_a_key_in_the_address_is_not_one(server: Server, pep: str) -> None:
    """A key is never taken from a URL, where proxies and histories keep it."""
    answer = server.send("POST", f"{EVALUATION}?key={pep}&authorization=Bearer%20{pep}", GOOD, JSON)
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_a_body_in_chunks(server: Server, pep: str) -> None:
    """A body without Content-Length is read like any other."""
    pieces = (GOOD[at : at + 7] for at in range(0, len(GOOD), 7))
    answer = server.send("POST", EVALUATION, pieces, JSON | bearer(pep))
    assert (answer.status, answer.json()) == (200, {"decision": True})


def test_chunks_without_end(server: Server, pep: str) -> None:
    """A chunked body is refused once it is too large; nobody waits for its end."""
    head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pep}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = server.raw(head.encode() + chunk * 17)  # one chunk more than 1 MiB, and no last one
    assert (answer.status, answer.code) == (413, "body-too-large")


NOT_HTTP = [
    b"hello\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),  # TLS to a server without
    b"POST /access/v1/evaluation HTTP/9.9\r\n\r\n",
    b"POST /access/v1/evaluation HTTP/1.1\r\nno colon here\r\n\r\n",
    b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nabcde",
    b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n",
]


@pytest.mark.parametrize("sent", NOT_HTTP, ids=lambda sent: repr(sent)[2:70])
def test_what_is_no_http(server: Server, sent: bytes) -> None:
    """Bytes that are no HTTP request get 400, and the next client is served."""
    assert server.raw(sent).status == 400
    assert server.get("/health/live").status == 200


def test_two_lengths_are_no_way_in(server: Server, pep: str) -> None:
    """A request with two ideas of its own length never smuggles in a second one."""
    inner = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pep}\r\n"
    both = f"Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
    assert server.raw((head + both).encode()).status == 400


def test_a_client_that_goes_away(server: Server, pep: str) -> None:
    """A client that leaves in the middle of its check gets no decision recorded."""
    decisions = len(server.home.records("decision"))
    head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pep}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(GOOD)}\r\n\r\n"
    server.leave(head.encode() + GOOD[:20])
    assert server.check(ALLOWED, pep).status == 200
    assert len(server.home.records("decision")) == decisions + 1
