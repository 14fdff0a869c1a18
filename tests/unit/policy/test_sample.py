"""The sample company is sound, and shows what policyd can do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from policyd.engine.decide import Engine
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.labels import Treatment
from policyd.model.rules import Mode, Section
from policyd.model.snapshot import Snapshot
from policyd.policy.load import check, load

POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="module")
def company() -> Snapshot:
    """The sample company."""
    return load(POLICIES)


def test_the_sample_has_no_findings() -> None:
    """What we show is right."""
    assert check(POLICIES) == []


def test_every_treatment_is_in_the_flow_table(company: Snapshot) -> None:
    """Each duty can be seen in the demo."""
    cells = {cell for zone in company.zones.values() for cell in zone.treatments.values()}
    assert cells == set(Treatment)


def test_the_company_is_a_whole_one(company: Snapshot) -> None:
    """Large enough that every part of the format is needed."""
    kinds = {system.kind for system in company.systems.values()}
    assert kinds == {"record", "engagement"}
    assert len(company.units) >= 5
    assert len(company.systems) >= 15
    assert len(company.datasets) >= 40
    assert len(company.destinations) >= 30
    assert len(company.zones) >= 4
    assert len(company.templates) >= 5
    assert len(company.integrations) >= 25
    assert company.calendar.freezes.keys() == {"change-freeze", "harvest-peak"}


def test_every_duty_and_every_kind_of_limit_is_shown(company: Snapshot) -> None:
    """By guardrails, by templates and by units."""
    duties = {duty for rule in company.rules.values() for duty in rule.duties}
    assert duties == {"mask", "tokenise", "drop-fields", "row-limit", "log-outcome", "approval"}
    limits = [rule.limit for rule in company.rules.values() if rule.limit]
    assert {limit.measure for limit in limits} == {"rows", "calls"}
    assert {limit.per for limit in limits} == {"call", "hour", "day", "month"}
    assert {limit.for_each for limit in limits} == {"integration", "unit", "system", "company"}
    for section in (Section.FORBID, Section.REQUIRE, Section.LIMIT):
        layers = {rule.layer for rule in company.rules.values() if rule.section is section}
        assert {layer.partition(":")[0] for layer in layers} == {"guardrail", "template", "unit"}


def test_what_is_soft_ends(company: Snapshot) -> None:
    """Rules in warn and in observe, a unit in warn, and exemptions, one of which has lapsed."""
    soft = [rule.softening for rule in company.rules.values() if rule.softening]
    assert {each.mode for each in soft} == {Mode.WARN, Mode.OBSERVE}
    assert [name for name, unit in company.units.items() if unit.softening] == ["plants"]
    ends = sorted(each.end.year for each in company.exemptions.values())
    assert ends == [2026, 2030, 2030, 2030]


def test_units_that_own_data_forbid_flows_of_it(company: Snapshot) -> None:
    """A data owner's word reaches the calls of others."""
    rules = company.rules
    assert rules["unit:hr/people-are-no-topic"].sentence.who == ("everyone",)
    assert rules["unit:sales/contacts-are-ours-to-prompt"].sentence.excepted == ("sales",)
    assert company.systems["hris"].unit == "hr"
    assert company.systems["crm"].unit == "sales"


def test_the_ways_into_production_are_shown(company: Snapshot) -> None:
    """By template, by promotion, and not at all."""
    stages = {name: each.stage for name, each in company.integrations.items()}
    assert stages["sales/sales-cube"] == "production"
    assert stages["hr/pay-run"] == "production"
    assert stages["sales/campaign-report"] == "sandbox"


@pytest.mark.parametrize("unit", ["sales", "webshop", "plants", "hr", "finance"])
def test_every_unit_allows_something_to_each_integration(company: Snapshot, unit: str) -> None:
    """No integration of the sample is there for nothing."""
    named = {
        name
        for rule in company.rules.values()
        if rule.layer == f"unit:{unit}" and rule.section is Section.ALLOW
        for name in rule.sentence.who
    }
    assert named == {name for name in company.integrations if name.startswith(f"{unit}/")}


class Shown(NamedTuple):
    """A send of the sample company, and what the answer shows."""

    who: str
    data: str
    to: str
    fields: tuple[str, ...]
    duties: list[str]
    rules: list[str]


@pytest.mark.parametrize(
    "shown",
    [
        Shown(
            "sales/customers-to-crm",
            "erp/customers",
            "crm/api",
            ("email", "iban"),
            ["log-outcome", "tokenise"],
            [],
        ),
        Shown(
            "plants/dock-slots",
            "erp/delivery-notes",
            "dock-booking/slots",
            ("plate",),
            ["mask"],
            [],
        ),
        Shown(
            "finance/remittance-advices",
            "erp/invoices",
            "supplier-hub/advices",
            ("total", "our_iban"),
            ["drop-fields", "log-outcome"],
            [],
        ),
        Shown(
            "webshop/shop-assistant",
            "crm/contacts",
            "llm/chat",
            ("first_name",),
            [],
            ["unit:sales/contacts-are-ours-to-prompt"],
        ),
    ],
    ids=lambda shown: shown.who,
)
def test_duties_and_the_data_owners_word_can_be_seen(company: Snapshot, shown: Shown) -> None:
    """Each treatment, and a refusal by the owner of the data alone, happens to some call."""
    call = Call(
        Entity("integration", shown.who),
        "send",
        Entity("dataset", shown.data),
        fields=shown.fields,
        endpoint=shown.to,
        method="POST",
        rows=20,
        supported_obligations=("mask", "tokenise", "drop-fields", "row-limit", "log-outcome"),
    )
    monday = Facts(datetime(2026, 11, 23, 10, tzinfo=UTC))
    decision = Engine(company).decide(call, monday)
    assert [each.type for each in decision.obligations] == shown.duties
    assert [each.rule for each in decision.reasons] == shown.rules
