"""Whatever can open something is seen to open it, and is named as its cause."""

import pytest

from tests.unit.review.edited_pairs import (
    ACCESS,
    COMPANY,
    DESTINATIONS,
    LABELS,
    ROLES,
    SYSTEMS,
    Edit,
    told,
)

TEMPLATES = "guardrails/templates"
OPENING: dict[str, tuple[Edit, str, str]] = {
    "a duty is owed later": (
        (
            ACCESS,
            "{log-outcome: 15m}\n    reason: Whoever asks",
            "{log-outcome: 2h}\n    reason: Whoever asks",
        ),
        *("duty", "guardrail:people-leaving-are-reported"),
    ),
    "a duty is gone": (
        (
            ACCESS,
            "{mask: [personal], drop-fields: [payment], row-limit: 200}",
            "{drop-fields: [payment], row-limit: 200}",
        ),
        *("duty", "guardrail:prompts-are-short-and-masked"),
    ),
    "a limit is raised": (
        (ACCESS, "rows: 500000", "rows: 900000"),
        *("limit", "guardrail:records-read-per-day"),
    ),
    "a limit is observed only": (
        (
            ACCESS,
            "    calls: 60\n",
            "    mode: observe\n    mode_until: 2030-12-31\n    calls: 60\n",
        ),
        *("limit", "guardrail:payment-runs-per-month"),
    ),
    "an exemption lasts longer": (
        ("guardrails/exemptions.yaml", "until: 2030-02-28", "until: 2030-03-31"),
        *("duty", "exemption:EX-2026-006"),
    ),
    "a label is lowered": (
        (LABELS, "plate:       [internal, personal]", "plate:       [internal]"),
        *("duty", "dataset:erp/delivery-notes"),
    ),
    "a cell of the flow table is milder": (
        (DESTINATIONS, "payment: tokenise, ", "payment: mask, "),
        *("duty", "zone:processor"),
    ),
    "a zone takes a higher level": (
        (
            DESTINATIONS,
            "partner:   {clearance: internal, ",
            "partner:   {clearance: confidential, ",
        ),
        *("opens", "zone:partner"),
    ),
    "a place moves to another zone": (
        (DESTINATIONS, "supplier-hub: {zone: partner", "supplier-hub: {zone: core"),
        *("duty", "destination:supplier-hub"),
    ),
    "a place has another method": (
        (
            DESTINATIONS,
            "methods: [GET, POST], who: [plants]",
            "methods: [GET, POST, PUT], who: [plants]",
        ),
        *("opens", "destination:dock-booking"),
    ),
    "a connection leads to another path": (
        (SYSTEMS, "https://slots.dockyard.example/", "https://slots.dockyard.example/v2/"),
        *("none", "connection:dock-booking/slots"),
    ),
    "a role includes more": (
        (
            ROLES,
            "includes: [plant-reader], reason",
            "includes: [plant-reader, order-reader], reason",
        ),
        *("opens", "role:plant-integrator"),
    ),
    "a template covers more": (
        (f"{TEMPLATES}/nightly-extract.yaml", "    during: [night]\n", ""),
        *("opens", "template:nightly-extract/deliver"),
    ),
    "a template promotes by itself": (
        (
            f"{TEMPLATES}/partner-feed.yaml",
            "runs_on: [airflow, flows]\n",
            "runs_on: [airflow, flows]\nself_promotion: true\n",
        ),
        *("none", "template:partner-feed"),
    ),
    "an integration is promoted": (
        (
            "guardrails/promotions.yaml",
            "  sales/case-summaries:\n",
            (
                "  sales/campaign-report:\n    since: 2026-04-01\n    approved_by: [platform]\n"
                "    reason: It works.\n  sales/case-summaries:\n"
            ),
        ),
        *("opens", "promotion:sales/campaign-report"),
    ),
    "a forbid is observed only": (
        (
            ACCESS,
            "    outside: [business-hours]\n",
            "    outside: [business-hours]\n    mode: observe\n    mode_until: 2030-12-31\n",
        ),
        *("opens", "guardrail:money-moves-in-business-hours"),
    ),
    "a unit is softened for longer": (
        (COMPANY, "mode_until: 2026-06-30", "mode_until: 2026-12-31"),
        *("opens", "unit:plants"),
    ),
    "a unit is rolled out": (
        (
            COMPANY,
            "owner: hr-apps, runs_on: [airflow, flows]}",
            (
                "owner: hr-apps, runs_on: [airflow, flows], "
                "rollout: {observe_until: 2026-12-31, owner: ciso, reason: New.}}"
            ),
        ),
        *("roll-out", "unit:hr"),
    ),
    "an owner stays": (
        (COMPANY, ", inactive_from: 2026-02-28", ""),
        *("opens", "owner:campaign-agency"),
    ),
    "an owner's days of grace are more": (
        (COMPANY, "grace_days: 30 ", "grace_days: 60 "),
        *("opens", "policyd.yaml:grace_days"),
    ),
    "a window is wider": (
        ("guardrails/calendar.yaml", "from: 22:00, until: 05:00", "from: 20:00, until: 05:00"),
        *("opens", "window:night"),
    ),
    "a unit allows more": (
        (
            "units/hr/access.yaml",
            "    read: [hris/headcount]\n",
            "    read: [hris/headcount, hris/org-chart]\n",
        ),
        *("opens", "unit:hr/headcount"),
    ),
    "a unit forbids less": (
        (
            "units/sales/access.yaml",
            "    during: [night]\n    reason: Nobody reads",
            "    during: [business-hours]\n    reason: Nobody reads",
        ),
        *("opens", "unit:sales/no-mailing-at-night"),
    ),
    "an integration has another role": (
        (
            "units/webshop/integrations.yaml",
            "    runs_on: flows\n    roles: [order-integrator]\n  parcel-labels:",
            "    runs_on: flows\n    roles: [order-integrator, ai-user]\n  parcel-labels:",
        ),
        *("none", "integration:webshop/stock-to-shop"),
    ),
}


@pytest.mark.parametrize("name", OPENING)
def test_what_opens_is_named(name: str) -> None:
    """Of one change there is a region of the right kind, and it alone is the cause of all."""
    edit, kind, ref = OPENING[name]

    changed, regions = told(edit)

    assert [each.ref for each in changed] == [ref]
    kinds = {each.kind for each in regions if each.side == "opens"}
    assert (kind in kinds) if kind != "none" else not kinds
    assert {each.causes for each in regions} <= {(ref,)}
    assert all(each.verdict == "widens" for each in regions)


def test_two_that_are_needed_together() -> None:
    """A rule of the guardrails and one of the unit: neither opens anything without the other."""
    changed, regions = told(
        (ACCESS, "read: [hris/*, payroll/costs]", "read: [hris/*, payroll/costs, payroll/time]"),
        ("units/hr/access.yaml", "read: [hris/headcount]", "read: [hris/headcount, payroll/time]"),
    )
    both = ("guardrail:people-seen", "unit:hr/headcount")
    assert {each.causes for each in regions if each.side == "opens"} == {both}
    assert [each.regions for each in changed] == [(1,), (1,)]


def test_two_of_which_each_is_enough() -> None:
    """Taking one of them back changes nothing, so both are named."""
    _, regions = told(
        (
            "units/hr/access.yaml",
            "read: [hris/headcount]",
            "read: [hris/headcount, hris/org-chart]",
        ),
        (
            "units/hr/access.yaml",
            "  joiners:\n",
            (
                "  charts:\n    who: [headcount-to-bi]\n    read: [hris/org-chart]\n"
                "    reason: A chart.\n  joiners:\n"
            ),
        ),
    )
    (region,) = regions
    assert region.causes == ("unit:hr/charts", "unit:hr/headcount")


def test_what_only_stands_near_is_not_named() -> None:
    """A rule about the very same call that changes in another way has no part in it."""
    changed, regions = told(
        (
            "units/hr/access.yaml",
            "read: [hris/headcount]",
            "read: [hris/headcount, hris/org-chart]",
        ),
        (ACCESS, "rows: 500000", "rows: 400000"),
    )
    opens = [each for each in regions if each.side == "opens"]
    assert {each.causes for each in opens} == {("unit:hr/headcount",)}
    (limit,) = (each for each in changed if each.ref == "guardrail:records-read-per-day")
    assert {each.number for each in opens}.isdisjoint(limit.regions)


def test_callers_of_one_region_may_have_other_causes() -> None:
    """Two rules that open the same to two integrations stand in one region, and both are named."""
    _, regions = told(
        (
            "units/plants/access.yaml",
            "    read: [mes/batches]\n",
            "    read: [mes/batches, mes/energy]\n",
        ),
        (
            "units/plants/access.yaml",
            "    read: [mes/work-orders]\n",
            "    read: [mes/work-orders, mes/energy]\n",
        ),
    )
    named = {ref for each in regions for ref in each.causes}
    assert named == {"unit:plants/batches", "unit:plants/orders"}


def test_a_forbid_for_one_role_and_a_ceiling_for_another() -> None:
    """Whoever has both roles gains when the forbid goes: no role alone would show it."""
    forbid = (
        ACCESS,
        "forbid:\n  # These two",
        (
            "forbid:\n  no-prompting-readers:\n    who: [customer-reader]\n"
            "    send: [tickets/cases]\n    to: [llm]\n    reason: A test.\n    fix: Wait.\n"
            "  # These two"
        ),
    )
    changed, regions = told((ACCESS, *reversed(forbid[1:])), base=[forbid])
    opens = [each for each in regions if each.side == "opens"]
    assert {each.callers for each in opens} == {("sales/case-summaries",)}
    assert {each.causes for each in opens} == {(changed[0].ref,)}
