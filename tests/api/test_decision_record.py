"""The record of a check is what was asked and answered, word for word."""

import hashlib
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from policyd.cli.demo_calls import SCENES
from tests.api.calls import ALLOWED, DENIED, TOKENISED, Call, including

if TYPE_CHECKING:
    from tests.servers import Answer, Server

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
UNITS = ["sales", "webshop", "plants", "hr", "finance"]
VARIES = ("id", "ts", "nonce", "snapshot", "engine")


def recorded(server: "Server", answer: "Answer") -> dict[str, Any]:
    """The record of an answered check, as an admin is shown it."""
    path = f"/v1/audit/records/{answer.headers['x-decision-id']}"
    shown: dict[str, Any] = server.get(path, server.home.admin).json()["record"]
    return shown


def test_the_record_of_an_allow(server: "Server") -> None:
    """All that was sent, all that was made of it, and all that was answered is in the record."""
    key = server.make_key("pep", units=["sales"])
    asked = deepcopy(including(TOKENISED, "reasons", "valid-until"))
    asked["action"] = {"name": "send", "properties": {"rows": 12, "bytes": 0}}
    asked["action"]["properties"]["processing_activity_id"] = "urn:halmfeld:pa:7"
    asked["resource"]["properties"] |= {"labels": ["confidential"], "unheard-of": 1}
    asked["context"]["on_behalf_of"] = [{"type": "person", "id": "j.lind"}]
    asked["context"]["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = server.check(asked, key["key"], X_Request_ID="run 12")
    assert answer.json()["decision"]
    record = recorded(server, answer)
    assert TIME.fullmatch(record["ts"])
    assert UUID7.fullmatch(record["id"])
    assert re.fullmatch("[0-9a-f]{32}", record["nonce"])
    assert record["snapshot"] == server.ready().json()["snapshot"]
    assert {part.partition("/")[0] for part in record["engine"].split()} == {
        *("policyd", "idna", "publicsuffixlist", "tzdata"),
    }
    assert {name: part for name, part in record.items() if name not in VARIES} == {
        "v": 1,
        "kind": "decision",
        "caller": {"key": key["id"], "address": "127.0.0.1"},
        "call": {
            "subject": "sales/customers-to-crm",
            "unit": "sales",
            "roles": ["customer-integrator"],
            "stage": "production",
            "template": "customer-sync",
            "on_behalf_of": [{"type": "person", "id": "j.lind"}],
            "action": "send",
            "system": "erp",
            "dataset": "erp/customers",
            "fields": ["customer_no", "iban"],
            "labels": {
                "asserted": ["confidential"],
                "effective": ["restricted", "payment"],
            },
            "destination": {
                "sent": "crm/api",
                "path": "contacts",
                "method": "POST",
                "canonical": "https://eu1.crm-cloud.example/v3/contacts",
                "name": "crm",
                "zone": "processor",
            },
            "volume": {"rows": 12, "bytes": 0},
            "purpose": "urn:halmfeld:pa:7",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "request_id": "run 12",
            "supported_obligations": ["tokenise"],
        },
        "facts": {"now": record["ts"]},
        "source": "folder",
        "decision": "allow",
        "reasons": [],
        "obligations": answer.json()["context"]["obligations"],
        "valid_until": answer.json()["context"]["valid_until"],
    }


def test_the_record_of_a_deny(server: "Server") -> None:
    """The record of a deny has every reason with its rule, in the order of the answer."""
    key = server.make_key("pep", "auditor", units=["sales"])["key"]
    answer = server.check(including(DENIED, "reasons"), key)
    record = recorded(server, answer)
    told = [
        {name: reason[name] for name in ("code", "check", "rule") if name in reason}
        for reason in answer.json()["context"]["reasons"]
    ]
    assert record["decision"] == "deny"
    assert record["reasons"] == told
    assert record["obligations"] == []
    assert "valid_until" not in record


SCENE_CALLS = {scene.title: scene.call for scene in SCENES}


@pytest.mark.parametrize("title", SCENE_CALLS)
def test_answer_and_record_agree(server: "Server", title: str) -> None:
    """Whatever is asked, decision, reasons and obligations are the same in answer and record."""
    key = server.pep(*UNITS)
    answer = server.check(SCENE_CALLS[title], key)
    record, context = recorded(server, answer), answer.json().get("context", {})
    assert record["decision"] == ("allow" if answer.json()["decision"] else "deny")
    assert [each["code"] for each in record["reasons"]] == [
        each["code"] for each in context.get("reasons", [])
    ]
    assert record["obligations"] == context.get("obligations", [])
    assert record["call"]["subject"] == SCENE_CALLS[title]["subject"]["id"]


def test_what_is_shown_is_what_is_in_the_tree(server: "Server", pep: str) -> None:
    """The record's bytes in the answer have the leaf hash of RFC 6962 that stands beside them."""
    answer = server.check(ALLOWED, pep)
    path = f"/v1/audit/records/{answer.headers['x-decision-id']}"
    shown = server.get(path, server.home.admin)
    leaf = shown.body.partition(b'"record":')[2].removesuffix(b"}")
    assert hashlib.sha256(b"\0" + leaf).hexdigest() == shown.json()["leaf_hash"]
    assert set(shown.json()) == {"index", "leaf_hash", "record"}


QUERY = "https://eu1.crm-cloud.example/v3/contacts?token=s3cret-t0ken"


@pytest.mark.parametrize("place", ["endpoint", "path"])
def test_a_query_string_gets_nowhere(server: "Server", pep: str, place: str) -> None:
    """What stands after `?` may be a secret: it is in no record and no log."""
    sent = {"endpoint": QUERY} if place == "endpoint" else {"path": "contacts?token=s3cret-t0ken"}
    asked: Call = ALLOWED | {"context": ALLOWED["context"] | {"path": ""} | sent}
    answer = server.check(asked, pep)
    assert "s3cret" not in str(recorded(server, answer))
    assert b"s3cret" not in server.log.read_bytes()
    assert all(b"s3cret" not in file.read_bytes() for file in server.home.data.glob("*.db*"))


def test_properties_that_policyd_does_not_know_are_not_kept(server: "Server", pep: str) -> None:
    """Only members of the format enter a record: payloads sent along are not stored."""
    asked = deepcopy(including(ALLOWED)) | {"payload": "Mrs Lind, 12 Elm Row"}
    asked["subject"] = asked["subject"] | {"properties": {"payload": "Mrs Lind, 12 Elm Row"}}
    asked["context"] |= {"payload": "Mrs Lind, 12 Elm Row"}
    assert "Lind" not in str(recorded(server, server.check(asked, pep)))
