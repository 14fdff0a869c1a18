"""Reviews replay the server's own log: over HTTP, and by `policyd review --url`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.published import ACCESS, CALL, SMALL, Someone, edited, files_of, small_home
from tests.servers import JSON, Answer, Server, bearer, encode, policyd

TREE = files_of()
PLENTY = "2026-01-01..2100-01-01"


class Company:
    """The small company: what was asked, and people who see more or less of that."""

    def __init__(self, server: Server) -> None:
        """Ask something five times, and something else that is never allowed."""
        self.server = server
        self.url = f"http://127.0.0.1:{server.port}"
        self.ann = Someone(server, "Ann", "author")
        self.hana = Someone(server, "Hana", "author", units=["hr"])
        self.hera = Someone(server, "Hera", "approver", owner="hr-team")
        self.axel = Someone(server, "Axel", "auditor")
        pep = server.pep("hr")
        for _ in range(5):
            assert server.check(CALL, pep).json() == {"decision": True}
        other = CALL | {"action": {"name": "delete"}}
        assert server.check(other, pep).json() == {"decision": False}

    def review(self, by: Someone, *arguments: str | Path, **variables: str) -> Any:  # noqa: ANN401
        """What `policyd review` says with somebody's key."""
        more = ("--url", self.url)
        return policyd("review", *arguments, *more, POLICYD_KEY=by.key, **variables)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """One that all tests share."""
    home = small_home(tmp_path_factory.mktemp("replayed") / "data")
    with Server(home, None) as server:
        yield Company(server)


@pytest.fixture(scope="module")
def changed(company: Company) -> dict[str, Any]:
    """A proposed change that closes what was asked, once it is reviewed."""
    return company.ann.reviewed(edited(TREE))


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """The same tree as a folder."""
    for path, text in edited(TREE).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def replay_of(told: dict[str, Any]) -> dict[str, Any]:
    """The replay in a change, or in the result of a job."""
    review = told["review"]
    found: dict[str, Any] = (review.get("review") or review)["replay"]
    return found


def test_a_proposed_change_is_replayed(company: Company, changed: dict[str, Any]) -> None:
    """Whoever approves sees what it would have done to calls, each with a record."""
    seen = replay_of(company.hera.get(f"/changes/{changed['id']}"))
    assert seen["counts"]["lost"] == 5
    assert (seen["calls"], seen["by_base"], seen["drifted"]) == (6, 6, 0)
    assert (seen["matched"], seen["sampled"], seen["contradictions"]) == (5, 1, [])
    (row,) = seen["rows"]
    assert (row["outcome"], row["caller"], row["count"]) == ("lost", "hr/sync", 5)
    assert row["regions"] == [1]
    for name in row["records"]:
        path = f"/v1/audit/records/{name}"
        record = company.server.get(path, company.axel.key).json()["record"]
        assert (record["kind"], record["call"]["subject"]) == ("decision", "hr/sync")


def test_who_may_see_which_calls(company: Company, changed: dict[str, Any]) -> None:
    """An author who speaks for no unit sees how many; one of the unit, an auditor: which."""
    path = f"/changes/{changed['id']}"
    stranger = replay_of(company.ann.get(path))
    assert (stranger["rows"], stranger["withheld"]) == ([], 5)
    assert stranger["counts"]["lost"] == 5
    for by in (company.hana, company.axel, company.hera):
        seen = replay_of(by.get(path))
        assert (len(seen["rows"]), seen["withheld"]) == (1, 0)
    approved = company.hera.approve(changed).json()
    assert len(replay_of(approved)["rows"]) == 1
    again = company.ann.ask("POST", f"{path}/withdrawal", {"why": "done"}).json()
    assert replay_of(again)["rows"] == []


def test_a_review_of_what_nobody_proposed(company: Company, closed: Path) -> None:
    """The same review as without a server, and the replay; who asked is on record."""
    before = len(company.hana.get("/changes?limit=500")["changes"])
    alone = policyd("review", SMALL, closed, "--json")
    ended = company.review(company.hana, SMALL, closed, "--json")
    told = company.review(company.hana, closed, "--window", "12h", "--detailed-exitcode")

    found, plain = json.loads(ended.stdout), json.loads(alone.stdout)
    assert found | {"replay": None, "today": None} == plain | {"today": None}
    assert found["digest"] == plain["digest"]
    assert found["replay"]["counts"]["lost"] == 5
    assert "  - 5 calls lost: `hr/sync` read `books/staff` at `books` (region 1)" in told.stdout
    assert told.returncode == 14
    assert len(company.hana.get("/changes?limit=500")["changes"]) == before
    (noted, *_) = [r for r in company.server.home.records("query") if r.get("ask") == "review"]
    assert (noted["caller"]["key"], noted["role"]) == (company.hana.key_id, "author")
    assert (noted["rows"], noted["first"]) == (6, 0)
    assert noted["options"]["base"] == company.hana.in_force()


def test_a_lost_call_becomes_a_test(
    company: Company, changed: dict[str, Any], closed: Path
) -> None:
    """It expects what was recorded, and fails on the tree that loses the call."""
    (row,) = replay_of(company.hera.get(f"/changes/{changed['id']}"))["rows"]

    def case(tree: Path, *more: str) -> str:
        asked = ("--from-audit", row["records"][0], *more, "--url", company.url)
        return policyd("test", tree, *asked, POLICYD_KEY=company.axel.key).stdout

    lost = case(closed)
    assert "# It fails on this tree, which decides: deny, because unit-does-not-allow" in lost
    assert "    expect: allow\n" in lost
    assert case(SMALL).splitlines()[1:] == lost.splitlines()[2:]
    assert "    expect: deny\n    because: [unit-does-not-allow]\n" in case(
        closed, "--expect", "tree"
    )


def test_a_window_without_calls(company: Company, closed: Path) -> None:
    """Nothing was recorded then, which is said, and is no "nothing would change"."""
    told = company.review(company.hana, closed, "--window", "2026-01-01..2026-01-02", COLUMNS="200")
    assert "replay      NO CALLS were recorded from 2026-01-01T00:00Z" in told.stdout
    assert told.returncode == 0


REFUSED = {
    "no such window": (("--window", "soon"), "bad-window"),
    "a window that ends first": (("--window", "2026-03-02..2026-03-01"), "bad-window"),
    "a base that is not kept": ((), "snapshot-missing"),
    "another clock": (("--now", "2026-03-01"), "server-clock"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(company: Company, closed: Path, name: str) -> None:
    """Before anything is reviewed, with a code."""
    arguments, code = REFUSED[name]
    (closed / ACCESS).write_text("allow: {}\nforbid: {}\n# never proposed\n")
    ended = company.review(company.hana, closed, SMALL, *arguments)
    assert ended.returncode == 2
    assert f"[{code}]" in ended.stderr


def dry(company: Company, by: Someone, asked: dict[str, Any]) -> Answer:
    """The answer to the order to review something."""
    headers = JSON | bearer(by.key)
    return company.server.send("POST", "/v1/policies/reviews", encode(asked), headers)


def test_whose_review_it_is(company: Company) -> None:
    """Another key sees of the same job what it may see of the log."""
    files = edited(TREE, ACCESS, f"{TREE[ACCESS]}# why\n")
    job = company.hana.done(dry(company, company.hana, {"files": files}))
    assert replay_of(job["result"])["counts"]["same"] >= 6
    lost = company.hana.done(dry(company, company.hana, {"files": edited(TREE)}))
    seen = company.ann.get(f"/jobs/{lost['id']}")["result"]
    assert replay_of(seen)["rows"] == []
    assert replay_of(seen)["withheld"] == 5
    builder = Someone(company.server, "Bill", "builder", units=["hr"])
    assert dry(company, builder, {"files": files}).code == "forbidden"


def test_a_tree_that_does_not_load(company: Company) -> None:
    """It is blocked, as without a server, and no call is looked at."""
    files = edited(TREE, ACCESS, "allow: [\n")
    job = company.hana.done(dry(company, company.hana, {"files": files}))
    assert job["result"]["blocked_by"] == ["lint"]
    assert replay_of(job["result"]) is None
