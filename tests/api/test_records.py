"""Reading the log over HTTP: one record, pages by time, who may, and the trace it leaves."""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from policyd.ledger.stamp import moment
from tests.api.calls import ALLOWED, DENIED, TOKENISED
from tests.servers import encode

if TYPE_CHECKING:
    from tests.servers import Server

RECORDS = "/v1/audit/records"
ZONE = timezone(timedelta(hours=5, minutes=45))


def listed(server: "Server", query: str = "") -> dict[str, Any]:
    """One page of the log, as an admin is shown it."""
    answer = server.get(f"{RECORDS}?{query}", server.home.admin)
    assert answer.status == 200, answer
    page: dict[str, Any] = answer.json()
    return page


def indexes(page: dict[str, Any]) -> list[int]:
    """The places of a page's records in the log."""
    return [entry["index"] for entry in page["records"]]


@pytest.fixture
def asked(server: "Server", pep: str) -> list[str]:
    """The ids of six checks, oldest first."""
    calls = [ALLOWED, TOKENISED, DENIED] * 2
    return [server.check(each, pep).headers["x-decision-id"] for each in calls]


def test_the_newest_come_first(server: "Server", asked: list[str]) -> None:
    """Without further ado the last records are listed, the newest first."""
    page = listed(server, "limit=6")
    assert [entry["record"]["id"] for entry in page["records"]] == asked[::-1]
    assert indexes(page) == list(range(page["tree_size"] - 1, page["tree_size"] - 7, -1))


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_cover_the_log(server: "Server", asked: list[str], order: str) -> None:
    """Going on at each cursor gives every record once, though each look adds one to the log."""
    page = listed(server, f"order={order}&limit=7")
    size, found = page["tree_size"], indexes(page)
    while "next_cursor" in page and not (order == "oldest" and found[-1] >= size - 1):
        page = listed(server, f"order={order}&limit=7&cursor={page['next_cursor']}")
        found += indexes(page)
    assert len(asked) <= size
    assert found[:size] == list(range(size)) if order == "oldest" else found == [*range(size)][::-1]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_stretch_of_time(server: "Server", asked: list[str], order: str) -> None:
    """`after` includes the moment it names, and `before` does not."""
    records = {record["id"]: record["ts"] for record in server.home.records()}
    page = listed(server, f"after={records[asked[1]]}&before={records[asked[4]]}&order={order}")
    found = [entry["record"]["id"] for entry in page["records"]]
    assert found == (asked[1:4] if order == "oldest" else asked[3:0:-1])
    assert "next_cursor" not in page


def test_a_stretch_of_time_page_by_page(server: "Server", asked: list[str]) -> None:
    """A cursor goes on inside the stretch of time, and ends where it ends."""
    records = {record["id"]: record["ts"] for record in server.home.records()}
    stretch = f"after={records[asked[0]]}&before={records[asked[4]]}&limit=3"
    first = listed(server, stretch)
    second = listed(server, f"{stretch}&cursor={first['next_cursor']}")
    pages = [[entry["record"]["id"] for entry in page["records"]] for page in (first, second)]
    assert pages == [asked[3:0:-1], asked[:1]]
    assert "next_cursor" not in second


@pytest.mark.parametrize(
    "spelt",
    [
        lambda ts: ts,
        lambda ts: ts.removesuffix("Z"),
        lambda ts: ts.replace("Z", "%2B00:00"),
        lambda ts: moment(ts).astimezone(ZONE).isoformat().replace("+", "%2B"),
    ],
    ids=["as recorded", "without a zone", "with an offset", "in another zone"],
)
def test_a_time_means_the_same_however_it_is_spelt(
    server: "Server", asked: list[str], spelt: Callable[[str], str]
) -> None:
    """A time in another zone is converted; one without a zone is taken for UTC."""
    records = {record["id"]: record["ts"] for record in server.home.records()}
    page = listed(server, f"order=oldest&limit=1&after={spelt(records[asked[2]])}")
    assert page["records"][0]["record"]["id"] == asked[2]


def test_a_time_that_has_not_come(server: "Server") -> None:
    """A stretch of time without records is an empty page."""
    page = listed(server, "after=9999-01-01T00:00:00Z")
    assert page["records"] == []
    assert "next_cursor" not in page


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=all", "limit"),
        ("limit=", "limit"),
        ("order=random", "order"),
        ("cursor=", "cursor"),
        ("cursor=x.y", "cursor"),
        (f"cursor={'9' * 400}", "cursor"),
        ("after=yesterday", "after"),
        ("after=0", "after"),
        ("after=1700000000", "after"),
        ("after=2026-11-10", "after"),
        ("after=2026-13-01T00:00:00Z", "after"),
        ("before=0001-01-01T00:00:00%2B23:59", "before"),
        ("after=9999-12-31T23:59:59-23:59", "after"),
        ("after=%00", "after"),
        ("after=%ff%fe", "after"),
    ],
)
def test_a_question_that_makes_no_sense(server: "Server", query: str, member: str) -> None:
    """Each bad parameter gets 400, with its name in the message."""
    answer = server.get(f"{RECORDS}?{query}", server.home.admin)
    assert (answer.status, answer.code) == (400, "request-malformed")
    assert f"`{member}`" in answer.json()["detail"]


@pytest.mark.parametrize(
    "record_id",
    [
        "0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "no-id",
        "%00",
        "%ff",
        "a/b/c",
        "x" * 5000,
        "%F0%9F%92%A9",
    ],
)
def test_a_record_that_is_not_there(server: "Server", record_id: str) -> None:
    """An id that no record has, or that is none, gets 404."""
    answer = server.get(f"{RECORDS}/{record_id}", server.home.admin)
    assert (answer.status, answer.code) == (404, "not-found")
    assert len(answer.body) < 500


@pytest.mark.parametrize("cursor", ["-1", "x", str(2**53), str(2**63)])
def test_a_cursor_that_is_no_place(server: "Server", cursor: str) -> None:
    """What is no number of a record goes on nowhere, unless it comes with its query."""
    answer = server.get(f"{RECORDS}?cursor={cursor}", server.home.admin)
    assert (answer.status, answer.code) == (422, "cursor-of-another-query")


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("limti=5", "parameter-unknown", "did you mean `limit`?"),
        ("zzz=5", "parameter-unknown", "there are q, after, before, cursor, limit, order"),
        ("limit=5&limit=6", "request-malformed", "`limit` is there twice"),
        ("q=%ff", "request-malformed", "`q`: it is not UTF-8"),
    ],
)
def test_a_parameter_that_there_is_not(server: "Server", query: str, code: str, said: str) -> None:
    """It is refused, since without it the answer would be another, and nobody would know."""
    answer = server.get(f"{RECORDS}?{query}", server.home.admin)
    assert (answer.status, answer.code) == (400, code)
    assert said in answer.json()["detail"]


def test_who_may_list(server: "Server", pep: str) -> None:
    """Auditors and admins list the log, builders what is theirs; nobody else does."""
    builder = server.make_key("builder", units=["sales"])["key"]
    for key in (builder, server.make_key("auditor")["key"]):
        assert server.get(RECORDS, key).status == 200
    for key in (pep, server.make_key("author", "approver")["key"]):
        answer = server.get(RECORDS, key)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert server.get(RECORDS).status == 401


def test_a_builder_sees_the_decisions_on_its_own(server: "Server", asked: list[str]) -> None:
    """A builder reads decisions of its unit, and learns of no other record that it exists."""
    own = server.make_key("builder", units=["sales"])["key"]
    other = server.make_key("builder", units=["hr"], integrations=["webshop/parcel-labels"])["key"]
    policy_change = server.home.records("policy_change")[0]["id"]
    assert server.get(f"{RECORDS}/{asked[0]}", own).json()["record"]["id"] == asked[0]
    refused = [
        server.get(f"{RECORDS}/{asked[0]}", other),
        server.get(f"{RECORDS}/{policy_change}", own),
        server.get(f"{RECORDS}/{asked[0][:-1]}", own),
    ]
    assert {(answer.status, answer.code) for answer in refused} == {(404, "not-found")}


def test_a_pep_reads_no_record(server: "Server", pep: str, asked: list[str]) -> None:
    """A key that only asks does not read, not even the records of its own questions."""
    answer = server.get(f"{RECORDS}/{asked[0]}", pep)
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "text", "rows"),
    [
        (f"{RECORDS}?limit=2", "order:newest limit:2", 2),
        (
            f"{RECORDS}?limit=3&order=oldest&cursor=0&after=2020-01-01T00:00:00Z",
            "after:2020-01-01T00:00:00.000000Z cursor:0 order:oldest limit:3",
            3,
        ),
        (f"{RECORDS}?before=2020-01-01T00:00:00Z", None, 0),
        (f"{RECORDS}/no-id", "id:no-id", 0),
    ],
)
def test_every_look_is_recorded(server: "Server", path: str, text: str | None, rows: int) -> None:
    """Who read the log, what they asked for and how much they got is in the log afterwards."""
    auditor = server.make_key("auditor")
    server.get(path, auditor["key"])
    last = server.home.records("query")[-1]
    assert last["caller"] == {"key": auditor["id"], "address": "127.0.0.1"}
    assert last["rows"] == rows
    assert text in {None, last["text"]}


def test_one_record_is_a_look_too(server: "Server", asked: list[str]) -> None:
    """Reading one record is recorded with its id."""
    server.get(f"{RECORDS}/{asked[0]}", server.home.admin)
    last = server.home.records("query")[-1]
    assert (last["text"], last["rows"]) == (f"id:{asked[0]}", 1)


def test_the_log_is_read_only(server: "Server", asked: list[str]) -> None:
    """There is no way to change or remove a record."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (RECORDS, f"{RECORDS}/{asked[0]}"):
            headers = {"Authorization": f"Bearer {server.home.admin}"}
            answer = server.send(method, path, encode({}), headers)
            assert (answer.status, answer.code) == (405, "method-not-allowed")
            assert answer.headers["allow"] == "GET"
