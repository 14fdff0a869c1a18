"""Liveness, readiness, metrics and the interface description of a server that is well."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.calls import ALLOWED, DENIED
from tests.servers import EVALUATION

if TYPE_CHECKING:
    from tests.servers import Server


def metric(server: "Server", name: str) -> float:
    """The value of one metric, as an auditor reads it."""
    text = server.get("/metrics", server.home.admin).body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_live(server: "Server") -> None:
    """A process that answers is alive, and says so to everyone."""
    answer = server.get("/health/live")
    assert (answer.status, answer.json()) == (200, {"live": True})


@pytest.mark.parametrize("key", [None, "pd_aaaaaaaa_wrong"])
def test_ready_says_little_to_strangers(server: "Server", key: str | None) -> None:
    """Without a good key, readiness says whether and from which kind of source, no more."""
    answer = server.get("/health/ready", key)
    assert answer.status == 200
    assert answer.json() == {"ready": True, "source": "folder", "problems": []}


def test_ready_says_more_to_keys(server: "Server", pep: str) -> None:
    """With a key, it names the snapshot in force and the size of the log."""
    state = server.get("/health/ready", pep).json()
    assert re.fullmatch("sha256:[0-9a-f]{64}", state["snapshot"])
    assert state["log_size"] == len(server.home.records())
    assert "failed_reload" not in state


def test_decisions_are_counted(server: "Server", pep: str) -> None:
    """Every answered check adds one to its decision, and a deny one to each of its reasons."""
    names = [
        'policyd_decisions_total{decision="allow"}',
        'policyd_decisions_total{decision="deny"}',
        'policyd_reasons_total{code="outside-ceiling"}',
        "policyd_check_seconds_count",
    ]
    before = [metric(server, name) for name in names]
    for call in (ALLOWED, DENIED, ALLOWED):
        server.check(call, pep)
    after = [metric(server, name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1, 3]


def test_refusals_are_counted(server: "Server", pep: str) -> None:
    """A request that was not judged is counted by its code, and not as a decision."""
    refused = 'policyd_refusals_total{code="call-malformed"}'
    decided = "policyd_check_seconds_count"
    before = metric(server, refused), metric(server, decided)
    server.check({"subject": "sales/customers-to-crm"}, pep)
    assert (metric(server, refused), metric(server, decided)) == (before[0] + 1, before[1])


def test_metrics_name_nobody(server: "Server", pep: str) -> None:
    """No subject, dataset, host or key is in the metrics."""
    server.check(ALLOWED, pep)
    text = server.get("/metrics", server.home.admin).body.decode()
    assert metric(server, "policyd_ready") == 1.0
    assert metric(server, "policyd_log_size") == len(server.home.records())
    for word in ("customers", "crm", "sales", "127.0.0.1", pep.split("_")[1]):
        assert word not in text


def test_who_may_read_metrics(server: "Server", pep: str) -> None:
    """Metrics are for auditors and admins."""
    assert server.get("/metrics", server.make_key("auditor")["key"]).status == 200
    assert server.get("/metrics", pep).status == 403
    assert server.get("/metrics").status == 401


def test_the_interface_is_described(server: "Server") -> None:
    """`/openapi.json` describes every path, the check among them."""
    described = server.get("/openapi.json")
    assert described.headers["content-type"] == "application/json"
    paths = described.json()["paths"]
    assert {"/health/ready", "/v1/audit/records", "/v1/keys", EVALUATION} <= set(paths)
    refusing = {
        name for name, path in paths.items() for each in path.values() if "422" in each["responses"]
    }
    # FastAPI's own answer to what it cannot read is described nowhere; a query may be refused so.
    asked_in_a_language = ("records", "facets", "histogram", "flows", "pairing", "tail")
    assert refusing == {f"/v1/audit/{each}" for each in asked_in_a_language}
    check = paths[EVALUATION]["post"]
    asked = check["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    shape = described.json()["components"]["schemas"][asked.rpartition("/")[2]]
    assert shape["required"] == ["subject", "action", "resource"]
    assert {"200", "400", "401", "403", "503"} <= set(check["responses"])


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/v2/keys", "/health", "/../etc/passwd"])
def test_nothing_else_is_served(server: "Server", path: str) -> None:
    """A path that does not exist gets 404, as a problem with a code."""
    answer = server.get(path)
    assert (answer.status, answer.code) == (404, "not-found")
    assert "/openapi.json" in answer.json()["detail"]
