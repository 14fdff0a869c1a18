"""Headers mean the same to every endpoint: a request's own id, and which key it presents."""

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.api.bad_checks import GOOD
from tests.api.inside import Parts, serving
from tests.api.test_faults_inside import BrokenReadiness
from tests.servers import EVALUATION, EVALUATIONS, JSON, Server, bearer

if TYPE_CHECKING:
    from tests.servers import Home

ID = "flow 7/run 12"
ANSWERS = [
    ("POST", EVALUATION, GOOD, 200),
    ("POST", EVALUATIONS, GOOD, 200),
    ("GET", "/health/live", None, 200),
    ("GET", "/health/ready", None, 200),
    ("GET", "/metrics", None, 200),
    ("GET", "/openapi.json", None, 200),
    ("GET", "/v1/keys", None, 200),
    ("GET", "/v1/audit/records", None, 200),
    ("GET", "/v1/audit/records?limit=0", None, 400),
    ("POST", "/v1/keys", b"{", 400),
    ("POST", "/v1/outcomes", b"{}", 400),
    ("GET", "/.well-known/authzen-configuration", None, 404),
    ("DELETE", "/v1/keys/nobody", None, 404),
    ("GET", "/v1/audit/records/nothing", None, 404),
    ("GET", "/nowhere", None, 404),
    ("PUT", "/v1/keys", b"{}", 405),
    ("POST", "/v1/keys", b" " * (2 << 20), 413),
]


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A key that may do everything asked here."""
    secret: str = server.make_key("pep", "admin", "auditor", units=["sales"])["key"]
    return secret


@pytest.mark.parametrize(("method", "path", "body", "status"), ANSWERS)
def test_the_request_id_comes_back(
    server: Server, key: str, method: str, path: str, body: bytes | None, status: int
) -> None:
    """A request's own id is in its answer once, whatever the endpoint and whatever the answer."""
    sent = JSON | bearer(key) | {"X-Request-ID": ID}
    answer = server.send(method, path, body, sent)
    assert (answer.status, answer.headers["x-request-id"]) == (status, ID)
    without = {name: value for name, value in sent.items() if name != "X-Request-ID"}
    assert "x-request-id" not in server.send(method, path, body, without).headers


@pytest.mark.parametrize("sent", ["x" * 129, "a\tb", "b\xe4h"])
@pytest.mark.parametrize(("method", "path", "body", "_"), ANSWERS)
def test_a_request_id_that_cannot_be_recorded(
    server: Server, key: str, method: str, path: str, body: bytes | None, _: int, sent: str
) -> None:
    """A request id beyond 128 printable ASCII characters is refused by all, and comes back."""
    answer = server.send(method, path, body, JSON | bearer(key) | {"X-Request-ID": sent})
    assert (answer.status, answer.code) == (400, "call-too-large")
    assert answer.headers["x-request-id"] == sent


def test_the_request_id_of_a_fault(home: "Home") -> None:
    """An answer that tells of a fault of ours has the request's id too."""

    async def story() -> httpx2.Response:
        async with serving(home, Parts(service=BrokenReadiness)) as inside:
            return await inside.client.get("/health/ready", headers={"X-Request-ID": ID})

    answer = asyncio.run(story())
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, ID)


DEMANDING = [
    ("POST", EVALUATION),
    ("POST", EVALUATIONS),
    ("GET", "/v1/keys"),
    ("GET", "/v1/audit/records"),
    ("GET", "/metrics"),
]


def twice(method: str, path: str, header: str, *values: str) -> bytes:
    """A request that has *header* more than once."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(GOOD)}"]
    lines += [f"{header}: {value}" for value in values]
    if header != "Content-Type":
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + GOOD


@pytest.mark.parametrize(("method", "path"), DEMANDING)
def test_two_keys_are_none(server: Server, key: str, method: str, path: str) -> None:
    """A request that presents two keys, good or not and in either order, is refused by all."""
    good, bad = f"Bearer {key}", "Bearer pd_aaaaaaaa_" + "x" * 43
    for values in ((good, bad), (bad, good), (good, good), (f"{good}, {good}",)):
        answer = server.raw(twice(method, path, "Authorization", *values))
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert "one Authorization header" in answer.json()["detail"]
    assert server.raw(twice(method, path, "Authorization", good)).status == 200


@pytest.mark.parametrize("path", [EVALUATION, "/health/live"])
def test_two_request_ids_are_one_list(server: Server, path: str) -> None:
    """A header that was sent twice is one list (RFC 9110, section 5.3), and comes back as one."""
    sent = twice("POST", path, "X-Request-ID", "a", "b")
    assert server.raw(sent).headers["x-request-id"] == "a, b"


def test_two_content_types_are_none(server: Server, key: str) -> None:
    """A body of two types is of none that is read."""
    sent = twice("POST", EVALUATION, "Content-Type", "application/json", "text/plain")
    head = f"\r\nAuthorization: Bearer {key}\r\n".encode()
    answer = server.raw(sent.replace(b"\r\n", head, 1))
    assert (answer.status, answer.code) == (400, "call-malformed")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (EVALUATION, "POST"),
        ("/v1/keys", "GET, POST"),
        ("/v1/keys/nobody", "DELETE"),
        ("/v1/audit/records/a/b", "GET"),
        ("/health/live", "GET"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_named(server: Server, path: str, methods: str, method: str) -> None:
    """A method that a path does not take gets 405, with all those it takes."""
    answer = server.send(method, path)
    assert (answer.status, answer.code) == (405, "method-not-allowed")
    assert answer.headers["allow"] == methods
