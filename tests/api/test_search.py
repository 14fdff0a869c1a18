"""Searching over HTTP: who sees what, cursors, the trace it leaves, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.api.calls import ALLOWED, DENIED, TOKENISED, call
from tests.servers import JSON, Home, Server, bearer, encode

if TYPE_CHECKING:
    from tests.servers import Answer

RECORDS = "/v1/audit/records"
pytestmark = pytest.mark.usefixtures("asked")
COUNTS = ("facets", "histogram", "flows", "pairing")
OF_PLANTS = call("plants/work-orders", "read", "erp/customers", endpoint="erp/api", method="GET")


@pytest.fixture(scope="module")
def asked(server: Server, pep: str) -> list[str]:
    """The ids of eight checks, oldest first; the last two are of another unit."""
    calls = [ALLOWED, TOKENISED, DENIED] * 2 + [OF_PLANTS] * 2
    return [server.check(each, pep).headers["x-decision-id"] for each in calls]


@pytest.fixture(scope="module")
def auditor(server: Server) -> dict[str, Any]:
    """An auditor's key, bound to nothing."""
    return server.make_key("auditor")


def get(server: Server, key: str, path: str, **asked: object) -> Answer:
    """The answer to a question."""
    return server.get(f"{path}?{urlencode(asked)}", key)


def found(server: Server, key: str, **asked: object) -> dict[str, Any]:
    """A page of records."""
    answer = get(server, key, RECORDS, **asked)
    assert answer.status == 200, answer
    page: dict[str, Any] = answer.json()
    return page


def ids(page: dict[str, Any]) -> list[str]:
    """The ids of a page's records."""
    return [each["record"]["id"] for each in page["records"]]


def test_a_record_is_found_at_once(server: Server, auditor: dict[str, Any], pep: str) -> None:
    """Right after its answer a decision is found, with its bytes as the tree has them."""
    last = server.check(DENIED, pep).headers["x-decision-id"]
    page = found(server, auditor["key"], q="decision:deny unit:sales", limit=3)
    assert ids(page)[0] == last
    shown = page["records"][0]
    single = server.get(f"{RECORDS}/{last}", auditor["key"]).json()
    assert (shown["index"], shown["leaf_hash"]) == (single["index"], single["leaf_hash"])
    assert shown["record"] == single["record"]


def test_a_result_can_be_cited_and_repeated(
    server: Server, auditor: dict[str, Any], pep: str
) -> None:
    """The first page names the tree it is about; its cursor gives it again, whatever came since."""
    query = {"q": "unit:sales after:-2h", "limit": 2}
    first = found(server, auditor["key"], **query)
    assert first["checkpoint"].splitlines()[1] == str(first["tree_size"])
    assert first["records"][0]["index"] < first["tree_size"]
    second = found(server, auditor["key"], **query, cursor=first["next_cursor"])
    server.check(ALLOWED, pep)
    again = found(server, auditor["key"], **query, cursor=first["cursor"])
    assert ids(again) == ids(first)
    assert (again["tree_size"], again["now"]) == (first["tree_size"], first["now"])
    assert "checkpoint" not in again
    next_one = found(server, auditor["key"], **query, cursor=again["next_cursor"])
    assert ids(next_one) == ids(second)
    assert not set(ids(first)) & set(ids(second))


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"q": "unit:hr"}, "cursor-of-another-query"),
        ({"order": "oldest"}, "cursor-of-another-query"),
        ({"after": "2026-01-01T00:00:00Z"}, "cursor-of-another-query"),
        ({"cursor": "5"}, "cursor-invalid"),
        ({"cursor": "A" * 80}, "cursor-invalid"),
    ],
)
def test_a_cursor_goes_with_its_question(
    server: Server, auditor: dict[str, Any], other: dict[str, str], code: str
) -> None:
    """One of another question, or a forged one, is refused."""
    first = found(server, auditor["key"], q="unit:sales", limit=1)
    said = {"q": "unit:sales", "cursor": first["next_cursor"]} | other
    answer = get(server, auditor["key"], RECORDS, **said)
    assert (answer.status, answer.code) == (422, code)


def test_a_cursor_opens_nothing(server: Server, auditor: dict[str, Any]) -> None:
    """In the hands of somebody who is bound it is one of another question."""
    first = found(server, auditor["key"], q="kind:decision", limit=1)
    bound = server.make_key("auditor", units=["hr"])["key"]
    answer = get(server, bound, RECORDS, q="kind:decision", cursor=first["next_cursor"])
    assert (answer.status, answer.code) == (422, "cursor-of-another-query")


@pytest.mark.parametrize("role", ["builder", "auditor"])
def test_who_is_bound_sees_its_own(server: Server, asked: list[str], role: str) -> None:
    """Decisions about its units, in records and in every count, however it asks."""
    bound = server.make_key(role, units=["plants"])["key"]
    for query in ({}, {"q": ""}, {"q": "unit:sales OR unit:plants"}, {"q": "-unit:hr"}):
        page = found(server, bound, limit=200, **query)
        assert set(ids(page)) >= set(asked[6:])
        assert {each["record"]["kind"] for each in page["records"]} == {"decision"}
        assert {each["record"]["call"]["unit"] for each in page["records"]} == {"plants"}
    facets = get(server, bound, "/v1/audit/facets", fields="unit,kind").json()
    assert [each["counts"][0]["value"] for each in facets["facets"]] == ["plants", "decision"]
    assert [len(each["counts"]) for each in facets["facets"]] == [1, 1]
    flows = get(server, bound, "/v1/audit/flows").json()["flows"]
    assert {"erp"} <= {each["source"]["name"] for each in flows} <= {"erp", "mes"}
    pairs = get(server, bound, "/v1/audit/pairing", by="unit").json()["pairs"]
    assert [each["value"] for each in pairs] == ["plants"]
    buckets = get(server, bound, "/v1/audit/histogram", by="unit").json()["buckets"]
    assert {one["value"] for each in buckets for one in each["counts"]} == {"plants"}


def test_a_bound_auditor_reads_no_other_way(server: Server, asked: list[str]) -> None:
    """Neither by id, nor by bundles, nor by exports, which know nothing of units."""
    bound = server.make_key("auditor", units=["plants"])["key"]
    assert server.get(f"{RECORDS}/{asked[6]}", bound).status == 200
    assert server.get(f"{RECORDS}/{asked[0]}", bound).status == 404
    assert server.get("/log/tile/entries/000.p/1", bound).status == 403
    export = server.send("POST", "/v1/audit/exports", encode({"form": "log"}), JSON | bearer(bound))
    assert (export.status, export.code) == (403, "key-out-of-scope")
    explained = server.send("POST", "/v1/explain", encode(ALLOWED), JSON | bearer(bound))
    assert (explained.status, explained.code) == (403, "key-out-of-scope")


@pytest.mark.parametrize("query", ["rule:GR-7", "-key:k", "unit:plants address:10.0.0.0/8"])
def test_fields_that_need_a_role(server: Server, query: str) -> None:
    """What a builder may not know, it cannot look for either; the place is told."""
    builder = server.make_key("builder", units=["plants"])["key"]
    answer = get(server, builder, RECORDS, q=query)
    assert (answer.status, answer.code) == (403, "query-field-forbidden")
    assert answer.json()["column"] >= 1


def test_facets_of_fields_that_need_a_role(server: Server) -> None:
    """Counting them would tell as much as looking for them."""
    builder = server.make_key("builder", units=["plants"])["key"]
    answer = get(server, builder, "/v1/audit/facets", fields="unit,rule")
    assert (answer.status, answer.code) == (403, "query-field-forbidden")


def test_who_may_search(server: Server, pep: str) -> None:
    """Whoever only asks or writes policy does not; nobody does without a key."""
    for name in ("records", *COUNTS):
        for key in (pep, server.make_key("author", "approver")["key"]):
            answer = get(server, key, f"/v1/audit/{name}", q="")
            assert (answer.status, answer.code) == (403, "forbidden")
        assert server.get(f"/v1/audit/{name}").status == 401


def test_every_question_is_recorded(server: Server) -> None:
    """With its text, the role it was asked in, how much it gave and of what; once each."""
    auditor = server.make_key("auditor")
    found(server, auditor["key"], q="decision:deny", limit=2, order="oldest")
    for name in COUNTS:
        assert get(server, auditor["key"], f"/v1/audit/{name}", q="unit:sales").status == 200
    told = [
        each
        for each in server.home.records("query")
        if each["caller"] == {"key": auditor["id"], "address": "127.0.0.1"}
    ]
    assert [each["ask"] for each in told] == ["page", *COUNTS]
    assert [each["text"] for each in told] == ["decision:deny", *["unit:sales"] * 4]
    assert {each["role"] for each in told} == {"auditor"}
    assert told[0]["rows"] == 2
    assert told[0]["options"] == {"limit": "2", "order": "oldest"}
    assert all(each["first"] == 0 for each in told)
    assert all(each["first"] < each["end"] <= each["size"] for each in told)


def test_a_refused_query_is_told_where(server: Server, auditor: dict[str, Any]) -> None:
    """The problem has column, length, what was expected, and the way out."""
    answer = get(server, auditor["key"], RECORDS, q="decision:deny unti:sales")
    assert (answer.status, answer.code) == (422, "query-unknown-field")
    said = answer.json()
    assert (said["column"], said["length"]) == (15, 5)
    assert "did you mean `unit`?" in said["detail"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("a" * 10_000, "query-too-long"),
        ("\U0001f4a9" * 4_000, "query-too-long"),
        (" OR ".join(["unit:sales"] * 500), None),
        (" ".join(f"unit:u{n}" for n in range(390)), None),
        ("(" * 40 + "unit:sales" + ")" * 40, None),
        ("unit:" + "*" * 4_000, None),
        ("unit:*" + "a*" * 2_000, None),
        ("after:2026-02-30", None),
        ("rows:999999999999999999999999999", None),
        ("unit:\x00", None),
    ],
)
def test_queries_that_are_too_much(
    server: Server, auditor: dict[str, Any], query: str, code: str | None
) -> None:
    """They are refused as what they are, at once, and the server goes on."""
    answer = get(server, auditor["key"], RECORDS, q=query)
    assert answer.status == 422
    assert answer.code.startswith("query-")
    assert code in {None, answer.code}
    assert len(answer.body) < 2_000


INJECTIONS = (
    "'; drop table tail; --",
    '" or 1=1 --',
    "unit:\"x' or '1'='1\"",
    "unit:\"'); attach '/tmp/x.db'; --\"",
    "unit:\"x\" union select leaf from read_csv('/etc/passwd')",
    "unit:$q0",
    "unit:${q0}",
    'unit:"%27%20or%201"',
    "dataset:\"read_text('/etc/passwd')\"",
    "unit:sales/**/or/**/1",
    'anywhere:"\\u0027"',
    "{log}",
    "unit:{0}{condition}",
)


@pytest.mark.parametrize("query", INJECTIONS)
def test_nothing_gets_into_the_sql(server: Server, auditor: dict[str, Any], query: str) -> None:
    """Whatever stands in a query is a value to look for, found nowhere, or refused."""
    for name in ("records", *COUNTS):
        answer = get(server, auditor["key"], f"/v1/audit/{name}", q=query)
        assert answer.status in {200, 422}
        if answer.status == 200 and name == "records":
            texts = [each["record"].get("text") for each in answer.json()["records"]]
            assert all(each in INJECTIONS for each in texts)
    assert found(server, auditor["key"], q="unit:sales")["records"]


@pytest.mark.parametrize(
    ("name", "asked_for", "status", "code"),
    [
        ("facets", {"fields": "unit,nothing"}, 400, "request-malformed"),
        ("facets", {"fields": ""}, 400, "request-malformed"),
        ("facets", {"size": "0"}, 400, "request-malformed"),
        ("facets", {"feilds": "unit"}, 400, "parameter-unknown"),
        ("histogram", {"buckets": "201"}, 400, "request-malformed"),
        ("histogram", {"by": "key"}, 400, "request-malformed"),
        ("flows", {"dataset": "erp"}, 400, "request-malformed"),
        ("flows", {"depth": "11", "dataset": "erp/customers"}, 400, "request-malformed"),
        ("flows", {"depth": "2"}, 422, "dataset-missing"),
        ("flows", {"direction": "up"}, 422, "dataset-missing"),
        ("pairing", {"by": "key"}, 400, "request-malformed"),
        ("pairing", {"q": "unit:"}, 422, "query-unreadable"),
    ],
)
def test_questions_that_make_no_sense(
    server: Server,
    auditor: dict[str, Any],
    name: str,
    asked_for: dict[str, str],
    status: int,
    code: str,
) -> None:
    """Each bad parameter is refused by name."""
    answer = get(server, auditor["key"], f"/v1/audit/{name}", **asked_for)
    assert answer.status == status
    assert answer.code == code or (status == 422 and answer.code.startswith("query-"))


def test_a_hundred_auditors_at_once(server: Server, auditor: dict[str, Any], pep: str) -> None:
    """Each is answered or told to come again; checks are answered all the while."""
    with ThreadPoolExecutor(100) as many:
        answers = [
            many.submit(get, server, auditor["key"], "/v1/audit/facets", q="kind:decision")
            for _ in range(100)
        ]
        checks = [server.check(ALLOWED, pep).status for _ in range(20)]
    assert checks == [200] * 20
    replies = [each.result() for each in answers]
    assert {each.status for each in replies} <= {200, 503}
    assert any(each.status == 200 for each in replies)
    for each in replies:
        if each.status == 503:
            assert each.code == "search-busy"
            assert int(each.headers["retry-after"]) > 0


def test_a_search_that_takes_too_long(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is cut at its budget, and the part that was found is marked as one."""
    home = Home.make(tmp_path_factory.mktemp("hurry") / "data")
    with Server(home, variables={"POLICYD_SEARCH_SECONDS": "0.000001"}) as server:
        page = found(server, home.admin, q="kind:admin")
        assert page["cut"] == "time"
        assert page["records"] == []
        assert page["searched"] == {"first": page["tree_size"], "end": page["tree_size"]}
        assert page["next_cursor"]
        counted = get(server, home.admin, "/v1/audit/facets", q="").json()
        assert counted["cut"] == "time"
        assert all(each["cut"] == "time" for each in counted["facets"])
        assert get(server, home.admin, "/v1/audit/histogram").json()["cut"] == "time"
        assert get(server, home.admin, "/v1/audit/flows").json()["cut"] == "time"


def test_the_search_process_is_no_part_of_health(server: Server, auditor: dict[str, Any]) -> None:
    """Killed, it is another one at the next question; checks never notice."""
    found(server, auditor["key"], q="kind:admin")
    pid = server._child("policyd.search.searcher")  # noqa: SLF001 - as for its other children
    os.kill(pid, signal.SIGKILL)
    answers = [get(server, auditor["key"], RECORDS, q="kind:admin") for _ in range(2)]
    assert answers[-1].status == 200
    assert server.ready().json()["ready"]
    assert json.loads(answers[-1].body)["records"]
