"""AuthZEN metadata: where the endpoints of a server are, in the server's own words."""

from typing import TYPE_CHECKING

import pytest

from tests.api.calls import ALLOWED
from tests.servers import JSON, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Server

WELL_KNOWN = "/.well-known/authzen-configuration"


def test_metadata_names_the_server_as_told(start: "Start") -> None:
    """It has the identifier from the settings, each endpoint that is offered, and no more."""
    answer = start(POLICYD_PUBLIC_URL="https://policyd.example:8443").get(WELL_KNOWN)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "max-age=300"
    assert answer.json() == {
        "policy_decision_point": "https://policyd.example:8443",
        "access_evaluation_endpoint": "https://policyd.example:8443/access/v1/evaluation",
        "access_evaluations_endpoint": "https://policyd.example:8443/access/v1/evaluations",
    }


def test_metadata_is_never_taken_from_the_request(start: "Start") -> None:
    """Whatever host a request claims to be sent to, the document is the same, byte for byte."""
    server = start(POLICYD_PUBLIC_URL="https://policyd.example")
    plain = server.get(WELL_KNOWN)
    claims = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"}
    assert server.send("GET", WELL_KNOWN, headers=claims).body == plain.body


def test_metadata_of_a_server_below_a_path(start: "Start") -> None:
    """The path of the identifier stands behind the well-known one, and only there."""
    server = start(POLICYD_PUBLIC_URL="https://policyd.example/eu/one")
    told = server.get(f"{WELL_KNOWN}/eu/one").json()
    assert told["policy_decision_point"] == "https://policyd.example/eu/one"
    assert told["access_evaluation_endpoint"].startswith("https://policyd.example/eu/one/access/")
    for path in (WELL_KNOWN, f"{WELL_KNOWN}/eu", f"{WELL_KNOWN}/eu/two"):
        assert (server.get(path).status, server.get(path).code) == (404, "not-found")


def test_endpoints_that_metadata_names_are_there(start: "Start") -> None:
    """Each endpoint of the document answers a check at its path."""
    server = start(POLICYD_PUBLIC_URL="https://policyd.example")
    key = server.pep("sales")
    told = server.get(WELL_KNOWN).json()
    for name in ("access_evaluation_endpoint", "access_evaluations_endpoint"):
        path = told[name].removeprefix("https://policyd.example")
        answer = server.send("POST", path, encode(ALLOWED), JSON | bearer(key))
        assert answer.json() == {"decision": True}


def test_a_server_that_does_not_know_its_address(server: "Server") -> None:
    """Without a public URL there is no metadata, and the problem says how to have it."""
    answer = server.get(WELL_KNOWN)
    assert (answer.status, answer.code) == (404, "public-url-unset")
    assert "--public-url" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_metadata_is_only_read(server: "Server", method: str) -> None:
    """Any other method gets 405."""
    answer = server.send(method, WELL_KNOWN)
    assert (answer.status, answer.code) == (405, "method-not-allowed")
