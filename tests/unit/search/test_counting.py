"""Counts: facets, histogram, flows and pairs say of the records found what a naive count says."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from policyd.ledger import record
from policyd.search.asking import (
    Bounds,
    Facets,
    FacetsFound,
    Flows,
    FlowsFound,
    Histogram,
    HistogramFound,
    Pairing,
    PairingFound,
    Ways,
)

if TYPE_CHECKING:
    from tests.small_log import Asker, SmallLog


def facets(asker: Asker, *fields: str, most: int = 50, **other: Any) -> FacetsFound:  # noqa: ANN401
    """The facets of these fields."""
    found = asker.ask(Facets(asker.scope(**other), fields, most))
    assert isinstance(found, FacetsFound), found
    return found


def histogram(asker: Asker, by: str | None, buckets: int = 60, **other: Any) -> HistogramFound:  # noqa: ANN401
    """The histogram of a field."""
    found = asker.ask(Histogram(asker.scope(**other), buckets, by))
    assert isinstance(found, HistogramFound), found
    return found


def flows(asker: Asker, **asked: Any) -> FlowsFound:  # noqa: ANN401 - members of `Ways`
    """The flows that are asked for."""
    found = asker.ask(Flows(asker.scope(), Ways(**{"most": 50} | asked)))
    assert isinstance(found, FlowsFound), found
    return found


def test_facets_count(filled: SmallLog) -> None:
    """Each value with its records, the most frequent first; lists count for each of theirs."""
    calls = [json.loads(leaf) for leaf in filled.leaves]
    found = facets(filled.asker(), "unit", "label", "category", "reason", "decision")
    by_field = {each.field: each for each in found.facets}
    assert found.records == 1100
    for field, values in {
        "unit": [each["call"]["unit"] for each in calls],
        "label": [each["call"]["labels"]["effective"][0] for each in calls],
        "category": ["personal"] * 1100,
        "reason": ["label-too-high" for each in calls if each["decision"] == "deny"],
        "decision": [each["decision"] for each in calls],
    }.items():
        counts = Counter(values)
        assert list(by_field[field].counts) == sorted(
            counts.items(), key=lambda each: (-each[1], each[0])
        )
        assert by_field[field].without == (1100 - len(values))
        assert by_field[field].others == 0


def test_facets_are_bounded(filled: SmallLog) -> None:
    """Beyond the most frequent values, only their number is told."""
    (found,) = facets(filled.asker(), "id", most=10).facets
    assert (len(found.counts), found.others) == (10, 1090)


def test_facets_of_what_is_found(filled: SmallLog) -> None:
    """Query and bounds hold for counts as they do for records."""
    asker = filled.asker()
    found = facets(asker, "unit", text="decision:deny")
    assert found.records == len(filled.numbers(lambda each: each % 3 == 1 and each % 2 == 0))
    bound = facets(asker, "unit", bounds=Bounds(("sales",), ()))
    assert bound.facets[0].counts == (("sales", 367),)


def test_facets_that_take_too_long(filled: SmallLog) -> None:
    """A facet without time is told as cut, not as empty."""
    found = facets(filled.asker(), "unit", seconds=0.0)
    assert found.seen.cut == found.facets[0].seen.cut == "time"


@pytest.mark.parametrize("by", [None, "decision", "label", "unit"])
@pytest.mark.parametrize("buckets", [1, 5, 60])
def test_histogram(filled: SmallLog, by: str | None, buckets: int) -> None:
    """Every record is in one bucket, which begins at a round time; there are not too many."""
    found = histogram(filled.asker(), by, buckets)
    assert sum(each.records for each in found.buckets) == 1100
    assert len(found.buckets) <= buckets
    assert [each.start for each in found.buckets] == sorted(each.start for each in found.buckets)
    for each in found.buckets:
        assert sum(count for _, count in each.counts) == each.records
    if buckets == 60:
        assert found.seconds == 60
        assert [each.records for each in found.buckets] == [60] * 18 + [20]
        assert found.buckets[0].start == "2026-03-01T12:00:00.000000Z"


def test_histogram_of_nothing(filled: SmallLog) -> None:
    """Where nothing is found there are no buckets."""
    assert histogram(filled.asker(), None, text="unit:nobody").buckets == ()


def test_flows(filled: SmallLog) -> None:
    """From each system to each place, by label: how often, how much, from when to when."""
    found = flows(filled.asker()).flows
    calls = [json.loads(leaf) for leaf in filled.leaves]
    expected = Counter(
        (each["call"]["system"], each["call"]["labels"]["effective"][0], each["decision"])
        for each in calls
    )
    for each in found:
        assert each.target == ("destination", "mailer")
        key = each.source[1], each.level
        assert each.allowed == expected[(*key, "allow")]
        assert each.denied == expected[(*key, "deny")]
        assert each.rows == sum(
            one["call"]["volume"]["rows"]
            for one in calls
            if (one["call"]["system"], one["call"]["labels"]["effective"][0]) == key
            and one["decision"] == "allow"
            and "rows" in one["call"]["volume"]
        )
        newest = calls[each.example]["call"]
        assert (newest["system"], newest["labels"]["effective"][0]) == key
        assert each.last == calls[each.example]["ts"]
    assert sum(each.allowed + each.denied for each in found) == 1100


def moved(
    small: SmallLog,
    subject: str,
    action: str,
    dataset: str,
    *sources: str,
    to: str | None = None,
    decision: str = "allow",
) -> None:
    """Add a decision on a call that moves data."""
    stamp = small.stamp()
    call = record.Call(
        subject=subject,
        action=action,
        system=dataset.partition("/")[0],
        dataset=dataset,
        sources=sources,
        labels=record.Labels(effective=("internal",)),
        destination=record.Destination(name=to),
    )
    made = record.Decision(
        **stamp,
        caller=record.Caller(key="k", address="::1"),
        call=call,
        facts=record.Facts(now=stamp["ts"]),
        snapshot="sha256:" + "0" * 64,
        source="folder",
        engine="policyd/1",
        decision=decision,
        reasons=(),
        obligations=(),
    )
    small.put([record.encode(made)])


@pytest.fixture
def moving(small: SmallLog) -> Asker:
    """A log in which customers go from the ERP to the CRM, and from there to the mailer."""
    moved(small, "sales/sync", "send", "erp/customers", to="crm")
    moved(small, "sales/push", "send", "crm/contacts", to="mailer")
    moved(small, "sales/lake", "write", "lake/contacts", "crm/contacts", "shop/orders")
    moved(small, "bi/cube", "read", "lake/contacts")
    moved(small, "bi/cube", "write", "cube/sums")
    moved(small, "bi/leak", "send", "lake/contacts", to="drop", decision="deny")
    moved(small, "hr/pay", "send", "payroll/slips", to="bank")
    return small.asker()


def steps(found: FlowsFound) -> set[tuple[int, str, str]]:
    """Step, source and target of each flow."""
    return {(each.step, each.source[1], each.target[1]) for each in found.flows}


def test_lineage_downstream(moving: Asker) -> None:
    """From a dataset on, across systems, as far as it is allowed; a denial leads nowhere."""
    found = flows(moving, dataset="erp/customers", depth=10)
    assert steps(found) == {
        (1, "erp/customers", "crm"),
        (2, "crm/contacts", "mailer"),
        (2, "crm/contacts", "lake/contacts"),
        (3, "lake/contacts", "bi/cube"),
        (3, "lake/contacts", "drop"),
        (4, "bi/cube", "cube/sums"),
    }
    near = flows(moving, dataset="erp/customers", depth=1)
    assert steps(near) == {(1, "erp/customers", "crm")}


def test_lineage_upstream(moving: Asker) -> None:
    """Where the data of a dataset has come from, step by step."""
    found = flows(moving, dataset="lake/contacts", depth=10, upstream=True)
    assert steps(found) == {
        (1, "crm/contacts", "lake/contacts"),
        (1, "shop/orders", "lake/contacts"),
        (2, "erp/customers", "crm"),
    }


def test_lineage_of_what_nobody_moves(moving: Asker) -> None:
    """A dataset that is in no record has no flows."""
    assert flows(moving, dataset="no/where", depth=10).flows == ()


def test_pairing(small: SmallLog) -> None:
    """Each decision is counted by what was reported of it, wherever the report lies."""
    small.grow(600)
    small.seal()
    reports = {0: "ok", 1: "ok", 2: "failed", 4: "ran-despite-deny", 599: "ok"}
    for index, status in reports.items():
        report = record.Outcome(
            **small.stamp(),
            caller=record.Caller(key="k", address="::1"),
            decision="x",
            index=index,
            status=status,
        )
        small.put([record.encode(report)])
    asker = small.asker()
    found = asker.ask(Pairing(asker.scope(), "unit", 10))
    assert isinstance(found, PairingFound), found
    by_unit = {each.value: each for each in found.pairs}
    told = {
        name: (each.allowed, each.denied, each.done, each.failed, each.missing)
        for name, each in by_unit.items()
    }
    assert told == {
        "sales": (200, 0, 1, 0, 199),
        "hr": (100, 100, 1, 0, 99),
        "plants": (200, 0, 1, 1, 198),
    }
    assert [by_unit[each].ran_despite_deny for each in ("sales", "hr", "plants")] == [0, 1, 0]
    assert asker.numbers("outcome:done") == [599, 1, 0]
    assert asker.numbers("outcome:ran-despite-deny") == [4]
