"""Changes far from the calls that they concern."""

from dataclasses import replace

from policyd.model.snapshot import Snapshot
from policyd.proof.proving import compare


def test_a_connection_that_leads_elsewhere(sample: Snapshot) -> None:
    """No rule and no place has changed, but what was read there is there no more."""
    moved = {**sample.connections, "crm/api": sample.connections["analytics/load"]}
    found = compare(sample, replace(sample, connections=moved))

    closed = {name for each in found.closes if each.action == "read" for name in each.data}
    assert {"crm/contacts", "crm/campaigns"} <= closed
    assert all(each.is_shown for each in found.closes)


def test_a_source_that_is_relabelled(sample: Snapshot) -> None:
    """A write of other data may no longer bring it along."""
    known = sample.datasets["erp/materials"]
    worst = replace(known, label=sample.vocabulary.worst, fields={})
    found = compare(sample, replace(sample, datasets={**sample.datasets, known.id: worst}))

    assert any(
        each.action == "write" and known.id in each.sources and known.id not in each.data
        for each in found.closes
    )
    assert found.opens == ()
