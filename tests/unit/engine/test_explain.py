"""Each part of an explanation: what a check goes by, what is near, what is owed and used."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from policyd.model.exemptions import Exemption
from policyd.model.explanation import Outcome, Period
from policyd.model.rules import Limit, Mode, Place, Rule, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot
from tests.unit.engine.conftest import NOON, rule
from tests.unit.engine.telling import Explain, check

LATER = datetime(2026, 3, 9)  # noqa: DTZ001 - wall clock


def test_an_allowed_call(tell: Explain) -> None:
    """Every check has passed, by the rules and the listing that cover the call."""
    told = tell()

    assert told.would == "allow"
    assert {each.outcome for each in told.checks} == {Outcome.PASSED}
    by = {each.name: [ground.ref for ground in each.grounds] for each in told.checks}
    assert by == {
        "registered": ["integration:sales/sync"],
        "complete": [],
        "forbid": [],
        "ceiling": ["guardrail:all"],
        "destination": ["destination:crm"],
        "label-flow": ["zone:processor"],
        "limit": [],
        "unit": ["unit:sales/all"],
        "data-owner": [],
        "obligation": [],
    }
    ground = check(told, "ceiling").grounds[0]
    assert ground.place == Place("x.yaml", 1, 1)
    assert (ground.owner, ground.contact) == ("it", "it@test.example")
    assert told.call.zone == "processor"
    assert told.call.url == "https://crm.example/v3/"


def test_places_of_what_is_no_rule(tell: Explain) -> None:
    """A listing's place in the files is told where the snapshot knows it."""
    where = Place("guardrails/destinations.yaml", 7, 3)
    told = tell(change={"places": {"destination:crm": where}})

    assert check(told, "destination").grounds[0].place == where
    assert check(told, "label-flow").grounds[0].place is None


def test_of_an_unknown_integration_nothing_else_is_asked(tell: Explain) -> None:
    """The checks that were not made say so, and nothing is near to somebody unknown."""
    told = tell(who="sales/nobody")

    assert told.would == "deny"
    assert check(told, "registered").outcome is Outcome.FAILED
    rest = {each.outcome for each in told.checks if each.name != "registered"}
    assert rest == {Outcome.NOT_ASKED}
    assert told.call.unit is None
    assert told.duties == ()


def test_fields_and_the_cells_that_decide(tell: Explain) -> None:
    """Each field has its labels, what becomes of it, and by which cell."""
    processor = tell(fields=("no", "iban"), labels=("health",))
    opened = tell(fields=("no",), endpoint="https://weather.example/")
    treated = tell(fields=("iban",))
    mixed = tell(data="hris/absences", fields=("no", "days"))

    assert [(each.field, each.outcome, each.cell) for each in processor.fields] == [
        ("no", "never", "zone:processor/health"),
        ("iban", "never", "zone:processor/health"),
    ]
    assert processor.fields[0].catalogued == ("internal",)
    assert processor.fields[0].label == ("internal", "health")
    assert opened.fields[0].outcome == "above-clearance"
    assert opened.fields[0].cell == "zone:open/clearance"
    assert treated.fields[0].outcome == "tokenise"
    (duty,) = treated.duties
    assert (duty.type, duty.ground.ref, duty.fields) == ("tokenise", "zone:processor", ("iban",))
    assert duty.supported
    assert [each.outcome for each in mixed.fields] == ["pass", "never"]


def owed(**duties: Any) -> Rule:  # noqa: ANN401 - fields of any type
    """A guardrail that asks for these duties."""
    base = rule("guardrail:owed", Section.REQUIRE, data={"send": ("*",)})
    return replace(base, duties={name.replace("_", "-"): value for name, value in duties.items()})


def test_duties_of_rules(tell: Explain) -> None:
    """A duty is told with its rule, and whether the caller declared it."""
    told = tell(owed(row_limit=500))
    approved = tell(owed(approval="it"))

    (duty,) = told.duties
    assert (duty.type, duty.value, duty.supported) == ("row-limit", "500", False)
    assert duty.ground.ref == "guardrail:owed"
    assert check(told, "obligation").outcome is Outcome.FAILED
    assert approved.approvers == ("it",)


def test_limits_with_what_is_used(tell: Explain) -> None:
    """A limit is told with its use before the call and what the call would add."""
    base = rule("guardrail:cap", Section.LIMIT, data={"send": ("*",)})
    cap = replace(base, limit=Limit("rows", 100, "day", "unit"))

    told = tell(cap, used=70, rows=40)
    unsaid = tell(cap)

    (use,) = told.limits
    assert (use.used, use.adds, use.amount, use.for_each) == (70, 40, 100, "unit")
    assert check(told, "limit").outcome is Outcome.FAILED
    assert unsaid.limits[0].adds is None


PERIODS = [
    ("upcoming", timedelta(hours=1), timedelta(days=1), Outcome.FAILED),
    ("live", timedelta(hours=-1), timedelta(hours=1), Outcome.SOFTENED),
    ("lapsed", timedelta(days=-2), timedelta(hours=-1), Outcome.FAILED),
]


@pytest.mark.parametrize(
    ("period", "start", "end", "outcome"), PERIODS, ids=[p for p, *_ in PERIODS]
)
def test_exemptions_for_the_call(
    tell: Explain, period: str, start: timedelta, end: timedelta, outcome: Outcome
) -> None:
    """Exemptions are told whether they hold, are to come, or have lapsed; others are not."""
    no = rule("guardrail:no", Section.FORBID, data={"send": ("*",)})
    noon = NOON.replace(tzinfo=None)
    scope = Sentence(data={"send": ("erp/*",)}, who=("sales/sync",))
    mine = Exemption(
        "EX-1", "guardrail:no", scope, noon + start, noon + end, "T-1", "why", "it", ("a", "b")
    )
    others = replace(mine, id="EX-2", scope=replace(scope, who=("hr",)))

    told = tell(no, change={"exemptions": {"EX-1": mine, "EX-2": others}})

    (found,) = told.exemptions
    assert (found.id, found.period, found.lifts) == ("EX-1", Period(period), "guardrail:no")
    assert check(told, "forbid").outcome is outcome


def test_a_mode_and_its_end(tell: Explain) -> None:
    """A softened rule lets the call pass, and its ground says until when."""
    no = rule("guardrail:no", Section.FORBID, data={"send": ("*",)})
    for until, mode in ((LATER, Mode.WARN), (datetime(2026, 1, 1), Mode.ENFORCE)):  # noqa: DTZ001 - wall clock
        told = tell(replace(no, softening=Softening(Mode.WARN, until, "it")))
        (ground,) = check(told, "forbid").grounds
        assert ground.mode is mode
        assert ground.until == (until if mode is Mode.WARN else None)
        assert told.would == ("allow" if mode is Mode.WARN else "deny")


def test_what_lets_a_denial_pass(tell: Explain, company: Snapshot) -> None:
    """A roll-out of the company or of the unit is named, while it lasts."""
    no = rule("guardrail:no", Section.FORBID, data={"send": ("*",)})
    observe = Softening(Mode.OBSERVE, LATER, "it")
    sales = {**company.units, "sales": replace(company.units["sales"], rollout=observe)}

    whole = tell(no, change={"rollout": observe})
    unit = tell(no, change={"units": sales})
    none = tell(change={"rollout": observe})

    assert whole.rollout
    assert (whole.would, whole.rollout.ref, whole.rollout.until) == (
        "allow",
        "rollout:company",
        LATER,
    )
    assert unit.rollout
    assert unit.rollout.ref == "rollout:sales"
    assert none.rollout is None


def test_sources_of_a_write_are_apart(tell: Explain) -> None:
    """What is wrong with a source is told under its own question, not with the written data."""
    told = tell(
        action="write",
        data="erp/stock",
        fields=(),
        endpoint="erp/api",
        sources=("hris/absences", "erp/customers"),
    )
    plain = tell(action="write", data="erp/stock", fields=(), endpoint="erp/api")

    assert check(told, "sources").outcome is Outcome.FAILED
    assert "hris/absences" in check(told, "sources").reasons[0].message
    assert check(told, "data-owner").reasons == ()
    assert [each.name for each in plain.checks].count("sources") == 0
