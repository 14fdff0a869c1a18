"""Erasure and holds, at a real server: what is personal can be taken out, on the record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policyd_audit.disclosure import digest, disclosure
from tests.api.calls import ALLOWED, Call
from tests.servers import JSON, Answer, Home, Server, bearer, encode

IDA, OLE = "ida.holm@company.example", "ole.berg@company.example"
PURPOSE = f"newsletter, asked for by {IDA}"
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
    """A server that keeps what is personal apart, and keys to it."""

    server: Server
    pep: str
    auditor: str

    @property
    def home(self) -> Home:
        """Its data folder."""
        return self.server.home

    def ask(self, path: str, body: object, key: str | None = None, method: str = "POST") -> Answer:
        """The answer to an admin, or to another key."""
        headers = JSON | bearer(key or self.home.admin)
        return self.server.send(method, path, encode(body), headers)

    def erase(self, person: str, **more: object) -> Answer:
        """The answer to an order to erase."""
        return self.ask(ERASURES, {"subject": f"user:{person}", "reason": "request 17", **more})

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


@pytest.fixture
def keeping(home: Home) -> Iterator[Keeping]:
    """The server at work."""
    with Server(home, variables=PERSONAL) as server:
        yield Keeping(server, server.pep("sales"), server.make_key("auditor")["key"])


def files_of(folder: Path) -> bytes:
    """All that the data folder's files hold."""
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())


def test_what_is_personal_is_not_in_the_record(keeping: Keeping) -> None:
    """The leaf has digests; an auditor is shown the values, an admin only their names."""
    record_id = keeping.check(call_for(IDA, PURPOSE))
    (leaf,) = keeping.home.records("decision")
    assert IDA not in json.dumps(leaf)
    assert leaf["personal"] == ["address", "on_behalf_of", "purpose"]
    assert [len(leaf["call"]["_sd"]), len(leaf["caller"]["_sd"])] == [2, 1]
    shown = keeping.read(record_id)
    assert shown["record"] == leaf
    assert shown["disclosed"] == {
        "call.on_behalf_of": [{"type": "user", "id": IDA}],
        "call.purpose": PURPOSE,
        "caller.address": "127.0.0.1",
    }
    hidden = keeping.read(record_id, keeping.home.admin)
    assert hidden["hidden"] == ["call.on_behalf_of", "call.purpose", "caller.address"]
    assert "disclosed" not in hidden
    assert IDA not in json.dumps(hidden)
    assert keeping.home.verify().returncode == 0


def test_a_list_shows_what_is_personal_too(keeping: Keeping) -> None:
    """Records in a page are shown as one by one."""
    record_id = keeping.check(call_for(IDA))
    page = keeping.server.get("/v1/audit/records?limit=5", keeping.auditor).json()
    (entry,) = [each for each in page["records"] if each["record"]["id"] == record_id]
    assert entry["disclosed"]["call.on_behalf_of"][0]["id"] == IDA


def test_an_erasure_takes_the_values_and_nothing_else(keeping: Keeping) -> None:
    """Of that person all is gone, out of the files too; of others nothing; the log holds."""
    of_ida, of_ole = keeping.check(call_for(IDA, PURPOSE)), keeping.check(call_for(OLE))
    before = keeping.read(of_ida)
    assert IDA.encode() in files_of(keeping.home.data)
    done = keeping.erase(IDA).json()
    assert (done["records"], done["disclosures"]) == (1, 3)
    assert IDA.encode() not in files_of(keeping.home.data)
    after = keeping.read(of_ida)
    assert after["record"] == before["record"]
    assert "disclosed" not in after
    assert after["erased"] == ["address", "on_behalf_of", "purpose"]
    assert [each["id"] for each in after["erased_by"]] == done["acts"]
    assert keeping.read(of_ole)["disclosed"]["call.on_behalf_of"][0]["id"] == OLE
    assert keeping.home.verify().returncode == 0


def test_an_erasure_is_on_record_without_the_value(keeping: Keeping) -> None:
    """Who, why, how many and in which range; never whose."""
    keeping.check(call_for(IDA))
    keeping.check(call_for(OLE))
    keeping.check(call_for(IDA))
    seqs = [at for at, each in enumerate(keeping.home.records()) if each["kind"] == "decision"]
    keeping.erase(IDA)
    (act,) = keeping.home.records("retention")
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
    assert IDA not in json.dumps(act)


def test_a_dry_run_counts(keeping: Keeping) -> None:
    """Nothing is erased; that somebody counted is on record, but not about whom."""
    record_id = keeping.check(call_for(IDA))
    counted = keeping.erase(IDA, dry_run=True).json()
    assert (counted["dry_run"], counted["records"], counted["disclosures"]) == (True, 1, 2)
    assert counted["acts"] == []
    assert "erased" not in keeping.read(record_id)
    assert keeping.home.records("retention") == []
    assert next(each["rows"] for each in keeping.home.records("query")) == 1


def test_an_address_is_erased_alone(keeping: Keeping) -> None:
    """Whoever asks for an address loses that, and not what stands beside it."""
    record_id = keeping.check(call_for(IDA))
    keeping.ask(ERASURES, {"subject": "address:127.0.0.1", "reason": "moved"})
    shown = keeping.read(record_id)
    assert shown["erased"] == ["address"]
    assert list(shown["disclosed"]) == ["call.on_behalf_of"]


def test_nobody_of_that_name(keeping: Keeping) -> None:
    """Erasing somebody whom no record names erases nothing, and needs no record."""
    keeping.check(call_for(OLE))
    assert keeping.erase(IDA).json()["records"] == 0
    assert keeping.home.records("retention") == []


@pytest.mark.parametrize(
    "body",
    [
        {"subject": f"user:{IDA}"},
        {"subject": IDA, "reason": "x"},
        {"subject": "user:", "reason": "x"},
        {"subject": f"user:{IDA}", "reason": ""},
        {"subject": f"user:{IDA}", "reason": "x", "all": True},
        {},
    ],
)
def test_an_order_that_makes_no_sense(keeping: Keeping, body: object) -> None:
    """Without a reason, or without a type and an id, nothing is erased."""
    keeping.check(call_for(IDA))
    answer = keeping.ask(ERASURES, body)
    assert (answer.status, answer.code) == (400, "request-malformed")
    assert keeping.home.records("retention") == []


def test_who_may(keeping: Keeping) -> None:
    """Admins erase and prune, auditors release holds; neither can do the other's part."""
    body = {"subject": f"user:{IDA}", "reason": "x"}
    for key in (keeping.auditor, keeping.pep):
        assert keeping.ask(ERASURES, body, key).status == 403
        assert keeping.ask("/v1/audit/prunings", {}, key).status == 403
    assert keeping.ask(HOLDS, {}, keeping.pep).status == 403
    keeping.ask(HOLDS, {"name": "case-1", "reason": "x", "unit": "sales"})
    assert keeping.ask(f"{HOLDS}/case-1", {"reason": "x"}, method="DELETE").status == 403
    assert keeping.server.send("POST", ERASURES, encode(body), JSON).status == 401


def test_a_hold_stops_erasure(keeping: Keeping) -> None:
    """What is under a hold is refused by name and stays; released, it can be erased."""
    record_id = keeping.check(call_for(IDA))
    placed = {"name": "case-1", "reason": "court order", "subject": f"user:{IDA}"}
    held = keeping.ask(HOLDS, placed)
    assert held.status == 201, held
    for dry_run in (True, False):
        refused = keeping.erase(IDA, dry_run=dry_run)
        assert (refused.status, refused.code) == (409, "held")
        assert "`case-1`" in refused.json()["detail"]
    assert "erased" not in keeping.read(record_id)
    release = {"reason": "closed"}
    done = keeping.ask(f"{HOLDS}/case-1", release, keeping.auditor, "DELETE").json()
    assert done["released"] is not None
    # The hold's own record named her too.
    assert keeping.erase(IDA).json()["records"] == 2
    assert IDA.encode() not in files_of(keeping.home.data)
    assert [each["act"] for each in keeping.home.records("hold")] == ["placed", "released"]
    assert keeping.home.verify().returncode == 0


@pytest.mark.parametrize(
    "scope", [{"unit": "sales"}, {"first": 0}, {"end": 100_000}, {"unit": "sales", "first": 1}]
)
def test_a_hold_on_a_unit_or_a_range(keeping: Keeping, scope: dict[str, object]) -> None:
    """Whatever a hold is on, it stops the erasure of any record there."""
    keeping.check(call_for(IDA))
    keeping.ask(HOLDS, {"name": "case-2", "reason": "audit", **scope})
    assert keeping.erase(IDA).code == "held"


@pytest.mark.parametrize(
    "scope", [{"unit": "hr"}, {"first": 1 << 40}, {"end": 1}, {"subject": f"user:{OLE}"}]
)
def test_a_hold_elsewhere_stops_nothing(keeping: Keeping, scope: dict[str, object]) -> None:
    """A hold on other records is no reason to keep these."""
    keeping.check(call_for(IDA))
    keeping.ask(HOLDS, {"name": "case-3", "reason": "audit", **scope})
    assert keeping.erase(IDA).json()["records"] == 1


def test_holds_last(home: Home) -> None:
    """A hold outlives the server; whom it is on is shown to auditors."""
    body = {"name": "case-4", "reason": "court order", "subject": f"user:{IDA}"}
    with Server(home, variables=PERSONAL) as server:
        server.send("POST", HOLDS, encode(body), JSON | bearer(home.admin))
    with Server(home, variables=PERSONAL) as server:
        auditor = server.make_key("auditor")["key"]
        (seen,) = server.get(HOLDS, auditor).json()["holds"]
        assert (seen["scope"], seen["released"]) == ({"subject": f"user:{IDA}"}, None)
        (hidden,) = server.get(HOLDS, home.admin).json()["holds"]
        assert hidden["scope"] == {"subject": "hidden"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "case", "reason": "x"},
        {"name": "Case 1", "reason": "x", "unit": "hr"},
        {"name": "case", "reason": "x", "first": 5, "end": 5},
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
    gone = keeping.ask(f"{HOLDS}/other", {"reason": "x"}, keeping.auditor, "DELETE")
    assert (gone.status, gone.code) == (404, "not-found")


def test_without_the_setting_nothing_is_kept_apart(home: Home) -> None:
    """By default a record is whole, and there is nothing to erase."""
    with Server(home) as server:
        server.check(call_for(IDA), server.pep("sales"))
        body = {"subject": f"user:{IDA}", "reason": "x"}
        done = server.send("POST", ERASURES, encode(body), JSON | bearer(home.admin))
        assert done.json()["records"] == 0
    (leaf,) = home.records("decision")
    assert leaf["call"]["on_behalf_of"] == [{"type": "user", "id": IDA}]
    assert "personal" not in leaf


def test_the_vector_of_the_standard() -> None:
    """The digest is that of RFC 9901, section 4.2.3: over its disclosure, byte for byte."""
    made = disclosure("_26bc4LT-ac6q2KI6cBW5es", "family_name", "M\u00f6bius")
    assert json.loads(made) == ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "M\u00f6bius"]
    spaced = made.replace(b'","', b'", "')
    assert digest(spaced) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
