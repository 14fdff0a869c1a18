"""Promises about all calls: that they are kept, and what is told when they are not."""

from datetime import datetime

import pytest

from policyd.model.rules import ACTIONS, EVERYONE, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.moments import Span
from policyd.proof.promises import grants, inside, never, only
from policyd.proof.proving import Comparison, Verdict
from tests.unit.proof.conftest import Edit, Edited

ACCESS = "guardrails/access.yaml"
ALL = (EVERYONE,)
RECIPES = Sentence(
    {"send": ("mes/recipes", "lims/formulations")}, ALL, to_zone=("processor", "partner", "open")
)
SLIPS = Sentence(dict.fromkeys(ACTIONS, ("payroll/payslips",)), ALL)
NO_RECIPE_RULE = (ACCESS, "send: [mes/recipes, lims/formulations]", "send: [mes/recipes]")
COUNTS = Sentence({"send": ("hris/headcount",)}, ALL, to=("chat", "mail"))
COUNTS_TO_CHAT = (
    ACCESS,
    "send: [hris/headcount, hris/org-chart]\n    to: [analytics]",
    "send: [hris/headcount, hris/org-chart]\n    to: [analytics, chat]",
)


def shown(found: Comparison) -> list[tuple[str, str, str]]:
    """Whom, what and where of each region; each is shown by its call."""
    assert all(each.is_shown for each in found.opens)
    return [(each.callers[0], each.data[0], each.places[0]) for each in found.opens]


def test_a_promise_that_holds(sample: Snapshot) -> None:
    """What no rule of IT lets through is never allowed, whatever units write."""
    assert never(sample, RECIPES).verdict is Verdict.PROVED


def test_two_rules_hold_a_promise(edited: Edited) -> None:
    """With the forbid gone the ceiling still keeps it: nothing covers the call."""
    assert never(edited(NO_RECIPE_RULE), RECIPES).verdict is Verdict.PROVED


def test_a_promise_that_is_broken(sample: Snapshot, edited: Edited) -> None:
    """Nobody has it registered, and the unit has no rule for it: but it could write one."""
    found = never(edited(COUNTS_TO_CHAT), COUNTS)

    assert never(sample, COUNTS).verdict is Verdict.PROVED
    assert found.verdict is Verdict.WIDENS
    assert {each[1:] for each in shown(found)} == {("hris/headcount", "chat")}
    roles = [each.witness.decisions[1].resolved.roles for each in found.opens]
    assert all({"people-integrator", "payroll-link"} & {*each} for each in roles)


def test_a_promise_about_a_moment(sample: Snapshot) -> None:
    """In a freeze nothing changes in a system of record, and at other times it does."""
    changes = Sentence({"write": ("*",)}, ALL, in_systems_of="record")
    frozen = datetime.fromisoformat("2026-03-29T12:00:00+02:00")
    later = datetime.fromisoformat("2026-04-29T12:00:00+02:00")

    assert never(sample, changes, Span(frozen, only=True)).verdict is Verdict.PROVED
    assert never(sample, changes, Span(later, only=True)).verdict is Verdict.WIDENS
    assert never(sample, changes, Span(frozen)).verdict is Verdict.WIDENS


def test_only_some_may(sample: Snapshot, edited: Edited) -> None:
    """Others than those named are looked at, as they are registered."""
    more = (
        "units/hr/integrations.yaml",
        "roles: [people-integrator]\n  pay-run:",
        "roles: [payroll-link]\n  pay-run:",
    )
    trial = ("units/hr/access.yaml", "who: [pay-run]", "who: everyone")

    assert only(sample, ("hr/pay-run",), SLIPS).verdict is Verdict.PROVED
    assert only(sample, (), SLIPS).opens[0].callers == ("hr/pay-run",)
    found = only(edited(more, trial), ("hr/pay-run",), SLIPS)
    assert {each[0] for each in shown(found)} == {"hr/absences-to-payroll"}


def test_a_unit_stays_inside(sample: Snapshot, edited: Edited) -> None:
    """Whatever a unit allows itself is inside the guardrails; what IT adds to them is not."""
    wide = ("units/hr/access.yaml", "[hris/headcount]", "[hris/headcount, payroll/payslips]")
    assert inside(sample, sample).verdict is Verdict.PROVED
    assert inside(sample, edited(wide)).verdict is Verdict.PROVED
    more: tuple[Edit, ...] = (
        (ACCESS, "read: [hris/*, payroll/costs]", "read: [hris/*, payroll/*]"),
        ("units/hr/access.yaml", "read: [hris/headcount]", "read: [hris/headcount, payroll/time]"),
    )
    found = inside(sample, edited(*more))
    assert shown(found) == [("hr/headcount-to-bi", "payroll/time", "")]


def test_roles_are_sets(sample: Snapshot, edited: Edited) -> None:
    """A role that includes more opens what units may have, though nobody has it today."""
    edge = ("guardrails/roles.yaml", "[customer-reader]", "[customer-reader, order-reader]")
    found = grants(sample, edited(edge))

    assert found.verdict is Verdict.WIDENS
    assert {each.action for each in found.opens} == {"read"}
    assert all("customer-integrator" in found.sides[1].integrations[name].roles
               for each in found.opens for name in each.callers)  # fmt: skip


DENY = (
    ACCESS,
    "forbid:\n",
    """forbid:
  sales-or-ai:
    who: [ai-user]
    write: [crm/*]
    reason: A model does not change customers.
    fix: Let a person do it.
""",
)


def test_a_forbid_of_one_role_and_a_ceiling_of_another(sample: Snapshot, edited: Edited) -> None:
    """Removing the forbid opens for who has both roles, though no role alone gains anything."""
    found = grants(edited(DENY), sample)

    assert found.verdict is Verdict.WIDENS
    for each in found.opens:
        for name in each.callers:
            assert {"ai-user", "customer-integrator"} <= {*found.sides[1].integrations[name].roles}


@pytest.mark.parametrize("widest", [never, None])
def test_too_many_roles_are_not_guessed(sample: Snapshot, edited: Edited, widest: object) -> None:
    """A unit that may give out more roles than are looked at: not proved, with the reason."""
    names = [f"extra-{n}" for n in range(9)]
    roles = "".join(f"  {name}: {{units: [hr], reason: More.}}\n" for name in names)
    edits = (
        ("guardrails/roles.yaml", "roles:\n", f"roles:\n{roles}"),
        (ACCESS, "who: [people-reader]", f"who: [people-reader, {', '.join(names)}]"),
    )
    many = edited(*edits)
    found = never(many, RECIPES) if widest else grants(sample, many)

    assert found.verdict is Verdict.NOT_PROVED
    assert found.gaps == ("unit `hr` may give out 12 roles that rules name",)
