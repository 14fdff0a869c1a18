"""Forms of records: what others publish as their rules holds, and the record can be proved."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jsonschema
import pytest

from policyd.forms import cloudevents, ocsf
from policyd.forms.entry import Entry
from policyd.forms.openlineage import Hours
from policyd.ledger import record
from policyd.ledger.personal import FIELDS, Personal
from policyd_audit.record import KINDS
from policyd_audit.tree import leaf_hash
from tests.published_formats import validator
from tests.sample_log import ORIGIN, SAMPLE, Made, reason

_HIDE = Personal(FIELDS, lambda size: b"\7" * size).hide
HIDDEN = [_HIDE(leaf)[0] for leaf in SAMPLE]
ENTRIES = [Entry.of(ORIGIN, index, leaf) for index, leaf in enumerate(SAMPLE)]
ALL = [*ENTRIES, *(Entry.of(ORIGIN, index, leaf) for index, leaf in enumerate(HIDDEN))]


def events(entries: list[Entry]) -> list[dict[str, Any]]:
    """The OpenLineage events of some records."""
    hours = Hours()
    told = [event for entry in entries for event in hours.add(entry)]
    return told + hours.end()


def only(entries: list[Entry], **parts: object) -> list[Entry]:
    """Those that have these members."""
    return [each for each in entries if parts.items() <= each.record.items()]


def test_the_sample_has_every_kind_there_is() -> None:
    """So nothing that is tested with it leaves one out."""
    kinds = {entry.record["kind"] for entry in ENTRIES}
    assert kinds == KINDS - {"gap", "retention"}


def test_every_record_is_valid_ocsf() -> None:
    """Also one of which everything personal is kept apart."""
    good = validator("ocsf_6003")
    for entry in ALL:
        good.validate(ocsf.event(entry))


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "retention", "act": "erase", "by": "k", "first": 0, "end": 1, "count": 1},
        {"kind": "gap"},
    ],
)
def test_kinds_that_are_rare(members: dict[str, Any]) -> None:
    """They are valid events too."""
    leaf = json.dumps({**ENTRIES[0].record} | members).encode()
    entry = Entry.of(ORIGIN, 0, leaf)
    validator("ocsf_6003").validate(ocsf.event(entry))
    validator("cloudevents_1_0").validate(json.loads(cloudevents.event(entry)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"severity_id": 7}, "7 is not one of"),
        ({"type_uid": 600301}, "is not valid under any"),
        ({"metadata": {"version": "1.8.0"}}, "'product' is a required property"),
        ({"actor": {}}, "is not valid under any"),
        ({"src_endpoint": {"ip": "nowhere"}}, "is not valid under any"),
        ({"colour": "red"}, "'colour' was unexpected"),
    ],
)
def test_the_schema_finds_faults(change: dict[str, Any], told: str) -> None:
    """What would not be OCSF is told, so that what is found good is."""
    (entry, *_) = only(ENTRIES, kind="decision")
    with pytest.raises(jsonschema.ValidationError, match=told):
        validator("ocsf_6003").validate(ocsf.event(entry) | change)


def test_a_copy_elsewhere_can_be_held_to_the_log() -> None:
    """The raw data are the leaf, so their hash with a zero byte before is the leaf's hash."""
    for entry in ENTRIES:
        event = ocsf.event(entry)
        raw = event["raw_data"].encode()
        assert raw == entry.leaf
        assert event["raw_data_hash"]["value"] == hashlib.sha256(raw).hexdigest()
        assert hashlib.sha256(b"\0" + raw).digest() == leaf_hash(entry.leaf)
        assert event["unmapped"] == {"policyd": {"origin": ORIGIN, "index": entry.seq}}


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("sales/customers-to-crm", (1, 1)),
        ("sales/campaign-mailer", (4, 1)),
        ("sales/pandas-script", (2, 26)),
        ("plants/lab-report", (3, 17)),
    ],
)
def test_what_was_decided_is_told(subject: str, said: tuple[int, int]) -> None:
    """Allowed, allowed with changes, denied, and what would have been denied."""
    decisions = [each for each in ENTRIES if each.part("call", "subject") == subject]
    event = ocsf.event(decisions[0])
    assert (event["action_id"], event["disposition_id"]) == said
    assert event["is_alert"] == (said[0] == 2)


def test_what_a_decision_says_is_in_its_event() -> None:
    """Who, from where, what, whereto, by which policy, in which trace."""
    (entry, *_) = only(ENTRIES, kind="decision")
    event = ocsf.event(entry)
    assert event["actor"]["app_uid"] == "sales/customers-to-crm"
    assert event["actor"]["user"]["uid"] == "ksalespep"
    assert event["api"]["operation"] == "send"
    assert event["src_endpoint"]["ip"] == "10.1.2.3"
    assert event["dst_endpoint"] == {
        "hostname": "crm.example",
        "name": "crm",
        "zone": "processor",
    }
    assert event["resources"][0]["uid"] == "erp/customers"
    assert event["resources"][0]["labels"] == ["internal"]
    assert event["policy"]["uid"] == entry.record["snapshot"]
    assert event["trace"] == {"uid": "0af7651916cd43dd8448eb211c80319c"}
    assert event["metadata"]["correlation_uid"] == "r0"
    assert event["metadata"]["profiles"] == ["security_control", "trace"]
    assert event["time"] == 1_772_438_400_001


def test_every_record_is_a_valid_cloudevent() -> None:
    """Its data are the record's very bytes."""
    good = validator("cloudevents_1_0")
    for entry in ALL:
        made = cloudevents.event(entry)
        event = json.loads(made)
        good.validate(event)
        assert entry.leaf in made
        assert event["data"] == entry.record
        assert event["type"] == f"dev.policyd.{entry.record['kind']}.v1"


def test_events_are_told_apart_and_put_in_order() -> None:
    """No two have one id, and their sequence sorts as text."""
    made = [json.loads(cloudevents.event(entry)) for entry in ENTRIES]
    assert len({event["id"] for event in made}) == len(made)
    assert [each["sequence"] for each in made] == sorted(each["sequence"] for each in made)


def test_lost_records_are_an_event_too() -> None:
    """So whoever takes events learns that some are missing."""
    event = json.loads(cloudevents.lost(ORIGIN, range(256, 512)))
    validator("cloudevents_1_0").validate(event)
    assert event["data"] == {"first": 256, "end": 512}


def test_a_trace_that_is_none_is_no_attribute() -> None:
    """What somebody sent as a trace may be anything."""
    leaf = SAMPLE[3].replace(b"00-0af7651916cd43dd8448eb211c80319c", b"00-nonsense")
    entry = Entry.of(ORIGIN, 3, leaf)
    assert "traceparent" not in json.loads(cloudevents.event(entry))
    validator("ocsf_6003").validate(ocsf.event(entry))


def test_flows_are_valid_openlineage() -> None:
    """Each has both ends, so a catalogue draws it."""
    told = events(ENTRIES)
    assert told
    for event in told:
        validator("openlineage_2_0_2").validate(event)


def test_calls_of_one_hour_are_one_event() -> None:
    """Their rows add up, and the next hour is another run of the same job."""
    told = [each for each in events(ENTRIES) if each["job"]["name"] == "sales/customers-to-crm"]
    flows = [each["run"]["facets"]["policyd_flow"] for each in told]
    assert [each["calls"] for each in flows] == [2, 1, 1]
    first = told[0]
    assert first["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 200
    assert first["outputs"][0]["name"] == "crm"
    assert first["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-03-02T08:00:00Z"
    assert len({each["run"]["runId"] for each in told}) == 3


def test_the_same_records_are_the_same_runs() -> None:
    """An hour that is told again, after more of it was recorded, has the run ids of before."""
    assert events(ENTRIES) == events(ENTRIES)
    some = {each["run"]["runId"] for each in events(ENTRIES[:6])}
    assert some <= {each["run"]["runId"] for each in events(ENTRIES)}


def test_what_moved_nothing_is_no_flow() -> None:
    """A denial, a delete, and an allow whose caller is kept apart."""
    log = Made()
    place = ("erp", "core")
    log.decide("sales/x", "delete", "erp/customers", place)
    log.decide(
        "sales/x", "send", "erp/customers", place, ("internal",), reason("c", "k"), allow=False
    )
    log.decide("ada", "send", "erp/customers", place, subject_type="person")
    hidden = [_HIDE(leaf)[0] for leaf in log.leaves]
    assert not events([Entry.of(ORIGIN, index, leaf) for index, leaf in enumerate(hidden)])


@pytest.mark.parametrize(
    ("action", "sources", "expected"),
    [
        ("send", (), [("erp", "customers", "destinations", "crm")]),
        ("read", (), [("erp", "customers", "integrations", "sales/x")]),
        ("write", (), [("integrations", "sales/x", "erp", "customers")]),
        (
            "write",
            ("shop/orders", "crm/deals"),
            [("crm", "deals", "erp", "customers"), ("shop", "orders", "erp", "customers")],
        ),
    ],
)
def test_the_ends_of_a_flow(
    action: str, sources: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    """Where the data comes from and where it comes to rest."""
    log = Made()
    log.decide("sales/x", action, "erp/customers", ("crm", "processor"), sources=sources)
    told = events([Entry.of(ORIGIN, 0, log.leaves[0])])
    ends = [
        tuple(
            part
            for side in ("inputs", "outputs")
            for part in (
                each[side][0]["namespace"].removeprefix(f"policyd://{ORIGIN}/"),
                each[side][0]["name"],
            )
        )
        for each in told
    ]
    assert sorted(ends) == expected


def test_a_record_of_every_struct_can_be_told() -> None:
    """A kind of record that is new is told before anybody thinks of its form."""
    for kind in record.Record.__subclasses__():
        tag = kind.__struct_config__.tag
        leaf = json.dumps({**ENTRIES[3].record} | {"kind": tag}).encode()
        validator("ocsf_6003").validate(ocsf.event(Entry.of(ORIGIN, 0, leaf)))
