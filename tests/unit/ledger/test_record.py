"""Records: one spelling, nothing but what is named, never beyond the bound."""

from __future__ import annotations

import json
from bisect import bisect_right
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd.engine.destination import UrlRefused, canonical
from policyd.ledger import record
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.record import RecordTooLarge, encode, id_of, stamped, time_of
from policyd.ledger.stamp import Stamp
from policyd.model.call import Call, Entity
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Obligation, Reason, Resolved
from policyd.model.destinations import CanonicalUrl
from policyd.model.facts import Facts
from policyd.model.labels import Label, Vocabulary
from policyd_audit import record as audit

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
STAMP = Stamp(NOW, "2026-03-01T12:00:00.250000Z", "019ca972-72fa-7abc-8def-0123456789ab", "0f" * 16)
LEVELS = ("public", "internal", "confidential", "restricted")
VOCABULARY = Vocabulary(LEVELS, frozenset({"personal", "payment"}))
BASIS = Basis("sha256:" + "5f" * 32, "folder", "policyd 0.1.0", VOCABULARY)
REQUEST = Request("127.0.0.1", "k7", "req-1")
CALL = Call(
    subject=Entity("integration", "hr/pay-run"),
    action="send",
    resource=Entity("dataset", "payroll/slips"),
    fields=("iban", "name"),
    labels=("confidential",),
    endpoint="bank/api",
    path="/v1/pay",
    method="POST",
    on_behalf_of=(Entity("person", "ada"),),
    rows=12,
    bytes=0,
    purpose="payroll",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    supported_obligations=("mask",),
)
RESOLVED = Resolved(
    unit="hr",
    roles=("payroll",),
    stage="production",
    template="file-drop",
    system="payroll",
    label=Label(3, frozenset({"personal", "payment"})),
    url=CanonicalUrl("https", "bank.example", 443, "/v1/pay"),
    destination="bank",
    zone="partners",
)
UNKNOWN = Resolved(None, (), None, None, "x", Label(0, frozenset()), None, None, None)


def decided(
    allow: bool = True,
    reasons: tuple[Reason, ...] = (),
    obligations: tuple[Obligation, ...] = (),
    resolved: Resolved = RESOLVED,
    until: datetime | None = None,
) -> Decision:
    """A decision, an allow without obligations unless said otherwise."""
    return Decision(
        allow=allow,
        reasons=reasons,
        more=0,
        obligations=obligations,
        resolved=resolved,
        valid_until=until,
    )


def recorded(call: Call, decision: Decision) -> dict[str, Any]:
    """What the auditor's tool reads in the record."""
    leaf = decision_record(STAMP, REQUEST, call, Facts(NOW), decision, BASIS)
    return dict(audit.parse(leaf))


ALLOWED = {
    "v": 1,
    "id": STAMP.id,
    "ts": STAMP.ts,
    "nonce": STAMP.nonce,
    "kind": "decision",
    "caller": {"key": "k7", "address": "127.0.0.1"},
    "call": {
        "subject": "hr/pay-run",
        "unit": "hr",
        "roles": ["payroll"],
        "stage": "production",
        "template": "file-drop",
        "on_behalf_of": [{"type": "person", "id": "ada"}],
        "action": "send",
        "system": "payroll",
        "dataset": "payroll/slips",
        "fields": ["iban", "name"],
        "labels": {
            "asserted": ["confidential"],
            "effective": ["restricted", "payment", "personal"],
        },
        "destination": {
            "sent": "bank/api",
            "path": "/v1/pay",
            "method": "POST",
            "canonical": "https://bank.example/v1/pay",
            "name": "bank",
            "zone": "partners",
        },
        "volume": {"rows": 12, "bytes": 0},
        "purpose": "payroll",
        "traceparent": CALL.traceparent,
        "request_id": "req-1",
        "supported_obligations": ["mask"],
    },
    "facts": {"now": STAMP.ts},
    "snapshot": BASIS.snapshot,
    "source": "folder",
    "engine": "policyd 0.1.0",
    "decision": "allow",
    "reasons": [],
    "obligations": [{"id": "mask", "type": "mask", "properties": {"fields": ["iban"]}}],
    "valid_until": "2026-03-01T12:01:00.250000Z",
}


def test_an_allow_is_recorded_whole() -> None:
    """The record of an allow has what was asked, what was known, by what it was decided."""
    mask = Obligation("mask", {"fields": ("iban",)})
    until = NOW.replace(minute=1)
    assert recorded(CALL, decided(obligations=(mask,), until=until)) == ALLOWED


def test_a_denial_names_its_reasons_and_nothing_absent() -> None:
    """A denial has codes, checks and rules; what the call did not say is absent, not null."""
    call = Call(Entity("person", "ada"), "read", Entity("table", "x"))
    reasons = (
        Reason("unit-forbids", "unit", "secret words", "fix", "mail", "hr", rule="units/hr#3"),
        Reason("integration-unregistered", "registered", "m", "f", "c", "it"),
    )
    found = recorded(call, decided(allow=False, reasons=reasons, resolved=UNKNOWN))
    assert found["decision"] == "deny"
    assert found["reasons"] == [
        {"code": "unit-forbids", "check": "unit", "rule": "units/hr#3"},
        {"code": "integration-unregistered", "check": "registered"},
    ]
    assert found["call"] == {
        "subject": "ada",
        "subject_type": "person",
        "action": "read",
        "system": "x",
        "dataset": "x",
        "resource_type": "table",
        "labels": {"effective": ["public"]},
        "destination": {},
        "request_id": "req-1",
    }
    assert "valid_until" not in found


def test_reasons_beyond_the_bound_are_counted() -> None:
    """The record says how many reasons it leaves out."""
    decision = Decision(
        allow=False, reasons=(), more=7, obligations=(), resolved=RESOLVED, valid_until=None
    )
    assert recorded(CALL, decision)["more"] == 7


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (record.Epoch, {"origin": "policyd.example/log"}),
        (record.PolicyChange, {"snapshot": "sha256:1", "source": "folder", "reason": "start"}),
        (record.Admin, {"act": "key-created", "target": "k1", "by": "k0"}),
        (record.Query, {"caller": {"key": "k", "address": "::1"}, "text": "after:…", "rows": 3}),
        (
            record.Refusals,
            {
                "from": "2026-03-01T11:59:00.000000Z",
                "until": "2026-03-01T12:00:00.000000Z",
                "counts": [{"address": "::1", "code": "unauthenticated", "count": 4}],
            },
        ),
    ],
)
def test_other_kinds_are_records_too(kind: type[record.Record], members: dict[str, Any]) -> None:
    """Every kind has the common members and its own, and the auditor's tool can read it."""
    convert = msgspec.convert
    name = kind.__struct_config__.tag
    leaf = encode(convert({**stamped(STAMP), "kind": name, **members}, kind))
    assert audit.parse(leaf) == {**stamped(STAMP), "kind": name, **members}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SEVERAL = st.lists(TEXT, max_size=5).map(tuple)


@given(
    subject=TEXT,
    dataset=TEXT,
    fields=SEVERAL,
    purpose=st.none() | TEXT,
    rows=st.none() | st.integers(0, 2**53 - 1),
    properties=st.dictionaries(st.sampled_from(["fields", "rows"]), SEVERAL),
)
def test_records_have_one_spelling(
    subject: str,
    dataset: str,
    fields: tuple[str, ...],
    purpose: str | None,
    rows: int | None,
    properties: dict[str, tuple[str, ...]],
) -> None:
    """Whatever the texts, the bytes are what RFC 8785 makes of the same value."""
    call = Call(
        Entity("integration", subject), "read", Entity("dataset", dataset), fields=fields,
        purpose=purpose, rows=rows,
    )  # fmt: skip
    decision = decided(obligations=(Obligation("mask", properties),))
    leaf = decision_record(STAMP, REQUEST, call, Facts(NOW), decision, BASIS)
    respelled = json.dumps(
        json.loads(leaf), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    assert leaf == respelled.encode()


@given(TEXT)
def test_time_and_id_are_found_whatever_the_texts(text: str) -> None:
    """No text in a record can be taken for its time or its id."""
    for hostile in (text, ',"ts":"' + text, '\\",\\"ts\\":\\"', ',"id":"x"'):
        entity = Entity("integration", hostile)
        call = Call(entity, hostile, entity, on_behalf_of=(entity,), purpose=hostile)
        decision = decided(obligations=(Obligation(hostile, {"ts": (hostile,)}),))
        leaf = decision_record(STAMP, REQUEST, call, Facts(NOW), decision, BASIS)
        assert (time_of(leaf), id_of(leaf)) == (STAMP.ts, STAMP.id)


MOST_BYTES = 4096  # of one call as JSON; the API refuses more
UNITS = st.sampled_from(["a", "é", "€", "\u2028", "😀", '"', "\\", "\x01", "%e2", "/"])


def size_of(call: Call) -> int:
    """Bytes of the call, as the API counts them."""
    return len(msgspec.json.encode(call))


@st.composite
def largest_calls(draw: st.DrawFn) -> Call:
    """Calls filled up to the bound with one character in one member, whichever they are."""
    unit = draw(UNITS)
    entity = Entity("integration", "hr/x")
    member = draw(
        st.sampled_from(["subject", "resource", "path", "purpose", "fields", "labels", "people"])
    )

    def filled(count: int) -> Call:
        text, several = unit * count, (unit,) * count
        parts: dict[str, Any] = {"subject": entity, "action": "send", "resource": entity}
        fillings: dict[str, dict[str, Any]] = {
            "subject": {"subject": Entity("t", text)},
            "resource": {"resource": Entity("dataset", text)},
            "path": {"endpoint": "crm/api", "path": text},
            "purpose": {"purpose": text},
            "fields": {"fields": several},
            "labels": {"labels": several},
            "people": {"on_behalf_of": (Entity(unit, unit),) * count},
        }
        return Call(**(parts | fillings[member]))

    return filled(bisect_right(range(MOST_BYTES), MOST_BYTES, key=lambda n: size_of(filled(n))) - 1)


def longest_reasons() -> tuple[Reason, ...]:
    """As many reasons as a decision names, each at its longest."""
    longest = max(CODES.values(), key=lambda each: len(each.code + each.check))
    rule = "r" * 130
    return (Reason(longest.code, longest.check, "m", "f", "c", "o", rule=rule),) * 24


def resolved_at_most(call: Call) -> Resolved:
    """What a snapshot can add to *call*: names at their longest, the URL as it is compared."""
    name = "n" * 64
    try:
        url = canonical(f"https://{'h' * 63}.{'h' * 63}.example:65535/{call.path or ''}")
    except UrlRefused:
        url = None
    return Resolved(
        unit=name,
        roles=(name,) * 8,
        stage="production",
        template=name,
        system=call.resource.id.partition("/")[0],
        label=Label(3, VOCABULARY.categories),
        url=url,
        destination=name,
        zone=name,
    )


@settings(max_examples=300)
@given(largest_calls(), st.booleans())
def test_the_largest_call_fits(call: Call, allow: bool) -> None:
    """A record stays below its bound, whatever a request within its own bound says."""
    assert size_of(call) > MOST_BYTES - 100
    resolved = resolved_at_most(call)
    if allow:
        masked = (Obligation("mask", {"fields": call.fields}),)
        decision = decided(obligations=masked, resolved=resolved, until=NOW)
    else:
        decision = decided(allow=False, reasons=longest_reasons(), resolved=resolved)
    leaf = decision_record(STAMP, REQUEST, call, Facts(NOW), decision, BASIS)
    audit.parse(leaf)


def test_a_record_beyond_the_bound_is_refused() -> None:
    """What should have been bounded when it was read is refused here, with the way out."""
    call = Call(CALL.subject, "read", CALL.resource, purpose="x" * record.MAX_RECORD)
    with pytest.raises(RecordTooLarge, match=r"beyond the 16,384 .* shorten") as caught:
        decision_record(STAMP, REQUEST, call, Facts(NOW), decided(), BASIS)
    assert caught.value.code == "audit-unavailable"


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**64])
def test_a_number_that_readers_round_is_refused(number: int) -> None:
    """No record holds a number that two JSON readers could read differently."""
    call = Call(CALL.subject, "read", CALL.resource, rows=number)
    with pytest.raises(RecordTooLarge, match="9,007,199,254,740,991"):
        decision_record(STAMP, REQUEST, call, Facts(NOW), decided(), BASIS)


@pytest.mark.parametrize("leaf", [b"", b"{}", b"not json"])
def test_what_is_no_record_has_no_time(leaf: bytes) -> None:
    """A damaged record is a ValueError, never a wrong time."""
    with pytest.raises(ValueError, match="not found"):
        time_of(leaf)
