"""Changes that a company makes, and what each of them opens and closes."""

import pytest

from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Region, Verdict, compare
from tests.unit.proof.conftest import Edit, Edited

ACCESS = "guardrails/access.yaml"
PLACES = "guardrails/destinations.yaml"
SYSTEMS = "guardrails/systems.yaml"
Told = tuple[str, ...]


def told(region: Region) -> Told:
    """Who may do what with which data where, which fields, when, and what is not owed."""
    return (
        *(region.kind, " ".join(region.callers), region.action, " ".join(region.data)),
        *(" ".join(region.places), region.saying, region.when),
        *(each for each in (region.duty, region.limit) if each),
    )


EVERY, ALWAYS = "whatever it names", "at any time"
CHANGES: dict[str, tuple[tuple[Edit, ...], list[Told], list[Told]]] = {
    "formatting only": (
        ((ACCESS, "owner: ciso\n", "owner:   ciso   # unchanged\n"),),
        [],
        [],
    ),
    "another reason and owner": (
        (
            (ACCESS, "reason: Trials use invented people.", "reason: Trials need no people."),
            (ACCESS, "owner: data-office", "owner: ciso"),
        ),
        [],
        [],
    ),
    "a unit reads more": (
        (("units/hr/access.yaml", "[hris/headcount]", "[hris/headcount, hris/employees]"),),
        [
            (
                *("opens", "hr/headcount-to-bi", "read", "hris/employees", ""),
                "if it names fields, but not `salary_band`, a field that is not listed",
                ALWAYS,
            )
        ],
        [],
    ),
    "a host is swapped": (
        (
            (PLACES, "relay.mail-host.example", "relay.post-host.example"),
            (SYSTEMS, "relay.mail-host.example", "relay.post-host.example"),
        ),
        [
            (
                *("opens", "finance/kpi-mail", "send", "analytics/kpi"),
                "smtps://relay.post-host.example:465/unlisted (unlisted before, mail after)",
                *(EVERY, ALWAYS),
            ),
            (
                *("opens", "plants/dock-slots plants/machine-alerts plants/work-orders"),
                *("send", "analytics/kpi"),
                "smtps://relay.post-host.example:465/unlisted (unlisted before, mail after)",
                *(EVERY, "until 2026-07-01"),
            ),
        ],
        [
            (
                *("opens", "finance/kpi-mail", "send", "analytics/kpi"),
                "smtps://relay.mail-host.example:465/unlisted (mail before, unlisted after)",
                *(EVERY, ALWAYS),
            ),
            (
                *("opens", "plants/dock-slots plants/machine-alerts plants/work-orders"),
                *("send", "analytics/kpi"),
                "smtps://relay.mail-host.example:465/unlisted (mail before, unlisted after)",
                *(EVERY, "until 2026-07-01"),
            ),
        ],
    ),
    "an address of a network in two halves": (
        ((PLACES, "[10.20.0.0/16, ", "[10.20.0.0/17, 10.20.128.0/17, "),),
        [],
        [],
    ),
    "an exemption lasts longer": (
        (("guardrails/exemptions.yaml", "until: 2030-06-30", "until: 2030-07-20"),),
        [],
        [],
    ),
    "an exemption and what it is for last longer": (
        (
            ("guardrails/exemptions.yaml", "until: 2030-06-30", "until: 2030-07-20"),
            ("units/hr/integrations.yaml", "until: 2030-06-30", "until: 2030-07-20"),
        ),
        [
            (
                *("opens", "hr/hris-trial", "read", "hris/org-chart", ""),
                "if it names `cost_centre`, `department`",
                "from 2030-07-01 until 2030-07-21",
            ),
            (
                *("opens", "hr/hris-trial", "read", "hris/employees", ""),
                *(EVERY, "from 2030-07-01 until 2030-07-21"),
            ),
        ],
        [],
    ),
    "a limit is raised": (
        (("units/plants/access.yaml", "calls: 50", "calls: 60"),),
        [
            (
                *("limit", "plants/machine-alerts", "send", "mes/downtime", "chat", EVERY, when),
                "unit:plants/alerts-per-hour",
            )
            for when in ("from 2031-01-01", "until 2031-01-01")
        ],
        [],
    ),
    "a limit is lowered": (
        (("units/plants/access.yaml", "calls: 50", "calls: 40"),),
        [],
        [
            (
                *("limit", "plants/machine-alerts", "send", "mes/downtime", "chat", EVERY, when),
                "unit:plants/alerts-per-hour",
            )
            for when in ("from 2031-01-01", "until 2031-01-01")
        ],
    ),
    "a forbid speaks of fewer zones": (
        ((ACCESS, "[payroll/*]\n    to_zone: [processor, ", "[payroll/*]\n    to_zone: ["),),
        [
            ("opens", who, "write", data, "", EVERY, ALWAYS)
            for who, data in (
                ("sales/campaign-mailer", "newsletter/subscribers"),
                ("sales/case-summaries", "tickets/cases"),
                ("sales/customers-to-crm", "crm/contacts"),
            )
        ],
        [],
    ),
    "a forbid is observed only": (
        (
            (
                ACCESS,
                "    reason: A wrong payment can be stopped",
                "    mode: observe\n    mode_until: 2030-12-31\n    reason: A wrong payment",
            ),
        ),
        [
            (
                *("opens", "finance/payments-to-bank", "send", "treasury/payment-runs", "bank"),
                *(EVERY, "until 2031-01-01, outside `business-hours`"),
            )
        ],
        [],
    ),
    "a unit is rolled out": (
        (
            (
                "policyd.yaml",
                "owner: hr-apps, runs_on: [airflow, flows]",
                (
                    "owner: hr-apps, runs_on: [airflow, flows], "
                    "rollout: {observe_until: 2026-12-31, owner: ciso, reason: New here.}"
                ),
            ),
        ),
        [
            (
                "roll-out",
                (
                    "hr/absences-to-payroll hr/headcount-to-bi hr/hris-trial "
                    "hr/joiners-to-tickets hr/pay-run"
                ),
                *("anything", "anything", "", EVERY, "until 2027-01-01"),
            )
        ],
        [],
    ),
    "a role that nobody has includes more": (
        (("guardrails/roles.yaml", "[customer-reader]", "[customer-reader, order-reader]"),),
        [],
        [],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_change_opens_and_closes(sample: Snapshot, edited: Edited, name: str) -> None:
    """Every region of a change is told, and each with a call that shows it."""
    edits, opens, closes = CHANGES[name]

    found = compare(sample, edited(*edits))

    assert [told(each) for each in found.opens] == opens
    assert [told(each) for each in found.closes] == closes
    assert all(each.is_shown for each in (*found.opens, *found.closes))
    assert found.verdict is (Verdict.WIDENS if opens else Verdict.PROVED)
    assert found.closing is (Verdict.WIDENS if closes else Verdict.PROVED)
