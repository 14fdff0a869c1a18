"""`GET /v1/audit/tail`: what is new, on record once, and no record for nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.calls import ALLOWED, DENIED
from tests.servers import Home, Server

PATH = "/v1/audit/tail"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a log of its own."""
    with Server(Home.make(tmp_path_factory.mktemp("tail") / "data")) as running:
        yield running


def ask(server: Server, key: str, **asked: object) -> dict[str, Any]:
    """What it shows."""
    given = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = server.get(f"{PATH}?{given}", key)
    assert answer.status == 200, answer
    news: dict[str, Any] = answer.json()
    return news


def size(server: Server) -> int:
    """How many records there are."""
    return len(server.home.records())


def test_who_watches_a_log_that_rests_is_on_record_once(server: Server) -> None:
    """However often they ask, and however many they are: their own asking is nothing new."""
    keys = [str(server.make_key("auditor")["key"]) for _ in range(2)]
    before = size(server)
    cursors = [ask(server, key)["cursor"] for key in keys]
    assert size(server) == before + 2
    for _ in range(5):
        for at, key in enumerate(keys):
            cursors[at] = ask(server, key, cursor=cursors[at])["cursor"]
    assert cursors == [before + 1] * 2
    assert size(server) == before + 2
    begun = server.home.records("query")[-2:]
    assert [(each["ask"], each["rows"], each["role"]) for each in begun] == [
        ("tail", 0, "auditor")
    ] * 2


def test_a_page_with_something_is_on_record(server: Server) -> None:
    """With the query, how much it gave, and which stretch of the log was looked at."""
    key, pep = str(server.make_key("auditor")["key"]), server.pep("sales")
    cursor = ask(server, key)["cursor"]
    ids = [server.check(call, pep).headers["x-decision-id"] for call in (ALLOWED, DENIED, ALLOWED)]
    news = ask(server, key, cursor=cursor, q="decision:deny")
    assert [each["record"]["id"] for each in news["records"]] == [ids[1]]
    noted = server.home.records("query")[-1]
    assert (noted["ask"], noted["text"], noted["rows"]) == ("tail", "decision:deny", 1)
    assert (noted["first"], noted["end"]) == (cursor + 1, news["cursor"] + 1)
    assert noted["options"] == {"cursor": str(cursor), "limit": "200"}
    before = size(server)
    assert ask(server, key, cursor=news["cursor"], q="decision:deny")["records"] == []
    assert size(server) == before  # it got nothing


def test_pages_follow_each_other_without_a_gap(server: Server) -> None:
    """Each record is on one page, in order, with its place and hash as everywhere."""
    key = str(server.make_key("auditor")["key"])
    cursor, numbers = -1, []
    while True:
        news = ask(server, key, cursor=cursor, limit=3)
        numbers += [each["index"] for each in news["records"]]
        cursor = news["cursor"]
        if not news.get("more"):
            break
    assert numbers == list(range(len(numbers)))
    shown = server.get("/v1/audit/records?order=oldest&limit=3", key).json()["records"]
    assert ask(server, key, cursor=-1, limit=3)["records"] == shown


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("cursor=99999", 409, "cursor-ahead"),
        ("cursor=-2", 400, "request-malformed"),
        ("cursor=x", 400, "request-malformed"),
        ("limit=201", 400, "request-malformed"),
        ("from=7", 400, "parameter-unknown"),
        ("q=outcome:missing", 422, "query-not-live"),
        ("q=-(unit:a%20OR%20outcome:*)", 422, "query-not-live"),
        ("q=unti:sales", 422, "query-unknown-field"),
        (f"q={'a' * 4097}", 422, "query-too-long"),
    ],
)
def test_what_cannot_be_asked(server: Server, asked: str, status: int, code: str) -> None:
    """It is refused before anything is looked at, and is no reading of the log."""
    key = str(server.make_key("auditor")["key"])
    before = size(server)
    answer = server.get(f"{PATH}?{asked}", key)
    assert (answer.status, answer.code) == (status, code)
    assert size(server) == before


@pytest.mark.parametrize(("role", "units"), [("auditor", ["sales"]), ("builder", ["sales"])])
def test_who_is_bound_does_not_watch(server: Server, role: str, units: list[str]) -> None:
    """They see what is theirs by searching; without a key nobody sees anything."""
    key = str(server.make_key(role, units=units)["key"])
    assert server.get(PATH, key).status == 403
    assert server.get(PATH).status == 401
    assert ask(server, server.home.admin)["records"] == []
