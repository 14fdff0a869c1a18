"""Erasure and holds, at a real server: what is personal can be taken out, on the record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.api.calls import ALLOWED, Call
from tests.servers import JSON, Answer, Home, Server, bearer, encode

PERSONAL = {"POLICYD_PERSONAL": "address,on_behalf_of,purpose,request_id,subject,text"}
ERASURES, HOLDS = "/v1/audit/erasures", "/v1/audit/holds"


def call_for(person: str, purpose: str | None = None) -> Call:
    """A call on behalf of somebody."""
    context = ALLOWED["context"] | {"on_behalf_of": [{"type": "user", "id": person}]}
    properties = {"processing_activity_id": purpose} if purpose else {}
    action = ALLOWED["action"] | {"properties": properties}
    return ALLOWED | {"context": context, "action": action}


@dataclass(frozen=True, slots=True)
class Keeping:
    """A server that keeps what is personal apart, keys to it, and two persons of the test's own.

    `before` is how many records there were when the test began.
    """

    server: Server
    pep: str
    auditor: str
    ida: str
    ole: str
    before: int = 0

    @property
    def purpose(self) -> str:
        """A purpose that names one of them."""
        return f"newsletter, asked for by {self.ida}"

    @property
    def home(self) -> Home:
        """Its data folder."""
        return self.server.home

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind that were made in this test."""
        return [each for each in self.home.records()[self.before :] if each["kind"] == kind]

    def ask(self, path: str, body: object, key: str | None = None) -> Answer:
        """The answer to an admin, or to another key."""
        headers = JSON | bearer(key or self.home.admin)
        return self.server.send("POST", path, encode(body), headers)

    def erase(self, person: str, **more: object) -> Answer:
        """The answer to an order to erase."""
        return self.ask(ERASURES, {"subject": f"user:{person}", "reason": "request 17", **more})

    def release(self, name: str, key: str) -> Answer:
        """The answer to whoever would release a hold."""
        return self.server.send("DELETE", f"{HOLDS}/{name}?reason=over", headers=bearer(key))

    def check(self, call: Call) -> str:
        """The id of the record of one check."""
        answer = self.server.check(call, self.pep)
        assert answer.json()["decision"] is True, answer
        return answer.headers["x-decision-id"]

    def read(self, record_id: str, key: str | None = None) -> dict[str, Any]:
        """A record as an auditor, or another key, is shown it."""
        shown: dict[str, Any]
        shown = self.server.get(f"/v1/audit/records/{record_id}", key or self.auditor).json()
        return shown


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    """The server at work."""
    home = Home.make(tmp_path_factory.mktemp("erasure") / "data")
    with Server(home, variables=PERSONAL) as server:
        yield Keeping(server, server.pep("sales"), server.make_key("auditor")["key"], "", "")


@pytest.fixture
def keeping(shared: Keeping) -> Iterator[Keeping]:
    """The server, which nothing is held at before or after."""
    size = len(shared.home.records())
    ida, ole = (f"{name}-{size}@company.example" for name in ("ida", "ole"))
    yield replace(shared, ida=ida, ole=ole, before=size)
    for hold in shared.server.get(HOLDS, shared.auditor).json()["holds"]:
        if hold["released"] is None:
            shared.release(hold["name"], shared.auditor)


def files_of(folder: Path) -> bytes:
    """All that the data folder's files hold."""
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())


def test_what_is_personal_is_not_in_the_record(keeping: Keeping) -> None:
    """The leaf has digests; an auditor is shown the values, an admin only their names."""
    record_id = keeping.check(call_for(keeping.ida, keeping.purpose))
    (leaf,) = keeping.records("decision")
    assert keeping.ida not in json.dumps(leaf)
    assert leaf["personal"] == ["address", "on_behalf_of", "purpose"]
    assert [len(leaf["call"]["_sd"]), len(leaf["caller"]["_sd"])] == [2, 1]
    shown = keeping.read(record_id)
    assert shown["record"] == leaf
    assert shown["disclosed"] == {
        "call.on_behalf_of": [{"type": "user", "id": keeping.ida}],
        "call.purpose": keeping.purpose,
        "caller.address": "127.0.0.1",
    }
    hidden = keeping.read(record_id, keeping.home.admin)
    assert hidden["hidden"] == ["call.on_behalf_of", "call.purpose", "caller.address"]
    assert "disclosed" not in hidden
    assert keeping.ida not in json.dumps(hidden)
    assert keeping.home.verify().returncode == 0


def test_a_list_shows_what_is_personal_too(keeping: Keeping) -> None:
    """Records in a page are shown as one by one."""
    record_id = keeping.check(call_for(keeping.ida))
    page = keeping.server.get("/v1/audit/records?limit=5", keeping.auditor).json()
    (entry,) = [each for each in page["records"] if each["record"]["id"] == record_id]
    assert entry["disclosed"]["call.on_behalf_of"][0]["id"] == keeping.ida


def test_an_erasure_takes_the_values_and_nothing_else(keeping: Keeping) -> None:
    """Of that person all is gone, out of the files too; of others nothing; the log holds."""
    of_ida, of_ole = (
        keeping.check(call_for(keeping.ida, keeping.purpose)),
        keeping.check(call_for(keeping.ole)),
    )
    before = keeping.read(of_ida)
    assert keeping.ida.encode() in files_of(keeping.home.data)
    done = keeping.erase(keeping.ida).json()
    assert (done["records"], done["disclosures"]) == (1, 3)
    assert keeping.ida.encode() not in files_of(keeping.home.data)
    after = keeping.read(of_ida)
    assert after["record"] == before["record"]
    assert "disclosed" not in after
    assert after["erased"] == ["address", "on_behalf_of", "purpose"]
    assert [each["id"] for each in after["erased_by"]] == done["acts"]
    assert keeping.read(of_ole)["disclosed"]["call.on_behalf_of"][0]["id"] == keeping.ole
    assert keeping.home.verify().returncode == 0


def test_an_erasure_is_on_record_without_the_value(keeping: Keeping) -> None:
    """Who, why, how many and in which range; never whose."""
    keeping.check(call_for(keeping.ida))
    keeping.check(call_for(keeping.ole))
    keeping.check(call_for(keeping.ida))
    all_of_them = enumerate(keeping.home.records())
    seqs = [at for at, each in all_of_them if at >= keeping.before and each["kind"] == "decision"]
    keeping.erase(keeping.ida)
    (act,) = keeping.records("retention")
    by = keeping.home.admin.split("_")[1]
    assert {name: act[name] for name in ("act", "by", "reason", "count", "records", "names")} == {
        "act": "erase",
        "by": by,
        "reason": "request 17",
        "count": 4,
        "records": 2,
        "names": ["address", "on_behalf_of"],
    }
    assert (act["first"], act["end"]) == (seqs[0], seqs[2] + 1)
    assert keeping.ida not in json.dumps(act)


def test_a_dry_run_counts(keeping: Keeping) -> None:
    """Nothing is erased; that somebody counted is on record, but not about whom."""
    record_id = keeping.check(call_for(keeping.ida))
    counted = keeping.erase(keeping.ida, dry_run=True).json()
    assert (counted["dry_run"], counted["records"], counted["disclosures"]) == (True, 1, 2)
    assert counted["acts"] == []
    assert "erased" not in keeping.read(record_id)
    assert keeping.records("retention") == []
    assert next(each["rows"] for each in keeping.records("query")) == 1


def test_an_address_is_erased_alone(keeping: Keeping) -> None:
    """Whoever asks for an address loses that, and not what stands beside it."""
    record_id = keeping.check(call_for(keeping.ida))
    keeping.ask(ERASURES, {"subject": "address:127.0.0.1", "reason": "moved"})
    shown = keeping.read(record_id)
    assert shown["erased"] == ["address"]
    assert list(shown["disclosed"]) == ["call.on_behalf_of"]


def test_nobody_of_that_name(keeping: Keeping) -> None:
    """Erasing somebody whom no record names erases nothing, and needs no record."""
    keeping.check(call_for(keeping.ole))
    assert keeping.erase(keeping.ida).json()["records"] == 0
    assert keeping.records("retention") == []


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "user:ida"},
        {"subject": "user:ida", "dry_run": True},
        {"subject": "ida", "reason": "x"},
        {"subject": "user:", "reason": "x"},
        {"subject": "user:ida", "reason": ""},
        {"subject": "user:ida", "reason": "x", "all": True},
        {},
    ],
)
def test_an_order_that_makes_no_sense(keeping: Keeping, body: object) -> None:
    """Without a reason, or without a type and an id, nothing is erased."""
    keeping.check(call_for(keeping.ida))
    answer = keeping.ask(ERASURES, body)
    assert (answer.status, answer.code) == (400, "request-malformed")
    assert keeping.records("retention") == []


def test_who_may(keeping: Keeping) -> None:
    """Admins erase and prune, auditors release holds; neither can do the other's part."""
    body = {"subject": f"user:{keeping.ida}", "reason": "x"}
    for key in (keeping.auditor, keeping.pep):
        assert keeping.ask(ERASURES, body, key).status == 403
        assert keeping.ask("/v1/audit/prunings", {}, key).status == 403
    assert keeping.ask(HOLDS, {}, keeping.pep).status == 403
    keeping.ask(HOLDS, {"name": "case-1", "reason": "x", "unit": "sales"})
    assert keeping.release("case-1", keeping.home.admin).status == 403
    assert keeping.server.send("POST", ERASURES, encode(body), JSON).status == 401


def test_a_hold_stops_erasure(keeping: Keeping) -> None:
    """What is under a hold is refused by name and stays; released, it can be erased."""
    record_id = keeping.check(call_for(keeping.ida))
    placed = {"name": "case-1", "reason": "court order", "subject": f"user:{keeping.ida}"}
    held = keeping.ask(HOLDS, placed)
    assert held.status == 201, held
    for dry_run in (True, False):
        refused = keeping.erase(keeping.ida, dry_run=dry_run)
        assert (refused.status, refused.code) == (409, "held")
        assert "`case-1`" in refused.json()["detail"]
    assert "erased" not in keeping.read(record_id)
    done = keeping.release("case-1", keeping.auditor).json()
    assert done["released"] is not None
    # The hold's own record named her too.
    assert keeping.erase(keeping.ida).json()["records"] == 2
    assert keeping.ida.encode() not in files_of(keeping.home.data)
    assert [each["act"] for each in keeping.records("hold")] == ["placed", "released"]
    assert keeping.home.verify().returncode == 0


@pytest.mark.parametrize(
    "scope", [{"unit": "sales"}, {"first": 0}, {"count": 100_000}, {"unit": "sales", "first": 1}]
)
def test_a_hold_on_a_unit_or_a_range(keeping: Keeping, scope: dict[str, object]) -> None:
    """Whatever a hold is on, it stops the erasure of any record there."""
    keeping.check(call_for(keeping.ida))
    keeping.ask(HOLDS, {"name": "case-2", "reason": "audit", **scope})
    assert keeping.erase(keeping.ida).code == "held"


@pytest.mark.parametrize(
    "scope", [{"unit": "hr"}, {"first": 1 << 40}, {"count": 1}, {"subject": "user:ole"}]
)
def test_a_hold_elsewhere_stops_nothing(keeping: Keeping, scope: dict[str, object]) -> None:
    """A hold on other records is no reason to keep these."""
    keeping.check(call_for(keeping.ida))
    keeping.ask(HOLDS, {"name": "case-3", "reason": "audit", **scope})
    assert keeping.erase(keeping.ida).json()["records"] == 1


def test_holds_last(home: Home) -> None:
    """A hold outlives the server; whom it is on is shown to auditors."""
    body = {"name": "case-4", "reason": "court order", "subject": "user:ida"}
    with Server(home, variables=PERSONAL) as server:
        server.send("POST", HOLDS, encode(body), JSON | bearer(home.admin))
    with Server(home, variables=PERSONAL) as server:
        auditor = server.make_key("auditor")["key"]
        (seen,) = server.get(HOLDS, auditor).json()["holds"]
        assert (seen["scope"], seen["released"]) == ({"subject": "user:ida"}, None)
        (hidden,) = server.get(HOLDS, home.admin).json()["holds"]
        assert hidden["scope"] == {"subject": "hidden"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "case", "reason": "x"},
        {"name": "Case 1", "reason": "x", "unit": "hr"},
        {"name": "case", "reason": "x", "first": 5, "count": 0},
        {"name": "case", "unit": "hr"},
        {"name": "case", "reason": "x", "first": -1},
    ],
)
def test_a_hold_that_makes_no_sense(keeping: Keeping, body: object) -> None:
    """A hold has a name, a reason and something it is on."""
    answer = keeping.ask(HOLDS, body)
    assert (answer.status, answer.code) == (400, "request-malformed")


def test_names_of_holds(keeping: Keeping) -> None:
    """Two holds at a time have two names; what is not there cannot be released."""
    body = {"name": "case", "reason": "x", "unit": "hr"}
    assert keeping.ask(HOLDS, body).status == 201
    assert keeping.ask(HOLDS, body).code == "conflict"
    gone = keeping.release("other", keeping.auditor)
    assert (gone.status, gone.code) == (404, "not-found")


def test_without_the_setting_nothing_is_kept_apart(home: Home) -> None:
    """By default a record is whole, and there is nothing to erase."""
    with Server(home) as server:
        server.check(call_for("ida"), server.pep("sales"))
        body = {"subject": "user:ida", "reason": "x"}
        done = server.send("POST", ERASURES, encode(body), JSON | bearer(home.admin))
        assert done.json()["records"] == 0
    (leaf,) = home.records("decision")
    assert leaf["call"]["on_behalf_of"] == [{"type": "user", "id": "ida"}]
    assert "personal" not in leaf
