"""Rules and listings that nearly cover a call, and the words that they miss."""

from typing import Any

import pytest

from policyd.model.organisation import Role
from policyd.model.rules import Rule, Section
from policyd.model.snapshot import Snapshot
from tests.unit.engine.conftest import place, rule
from tests.unit.engine.telling import Explain, check, near

DELETE: dict[str, Any] = {"action": "delete", "endpoint": "erp/api", "data": "erp/customers"}


def narrowed(data: tuple[str, ...] = ("erp/*",), **says: Any) -> Rule:  # noqa: ANN401 - fields of any type
    """A guardrail that lets everyone delete in the ERP, but for these words."""
    return rule("guardrail:x", Section.CEILING, data={"delete": data}, **says)


MISSES = [
    (narrowed(who=("hr",)), {}, "who"),
    (narrowed(excepted=("sales",)), {}, "except"),
    (narrowed(stage="sandbox"), {}, "stage"),
    (narrowed(in_systems_of="engagement"), {}, "in_systems_of"),
    (narrowed(label_at_least="restricted"), {}, "label_at_least"),
    (narrowed(label_at_most="public"), {}, "label_at_most"),
    (narrowed(category=("health",)), {"fields": ("iban",)}, "category"),
    (narrowed(only_fields=("email",)), {}, "only_fields"),
    (narrowed(during=("night",)), {}, "during"),
    (narrowed(data=("erp/stock",)), {}, "data"),
    (narrowed(who=("hr",), stage="sandbox"), {}, "who stage"),
]


@pytest.mark.parametrize(("added", "parts", "words"), MISSES, ids=[words for *_, words in MISSES])
def test_a_near_rule(tell: Explain, added: Rule, parts: dict[str, Any], words: str) -> None:
    """A rule that would cover the call but for a word or two is near, and the words are told."""
    told = tell(added, **DELETE, **parts)

    assert f"guardrail:x: {words}" in near(check(told, "ceiling"))
    (found,) = [n for n in check(told, "ceiling").near if n.ground.ref == "guardrail:x"]
    for miss in found.misses:
        assert miss.wants
        assert miss.hint


def test_what_a_near_rule_of_a_send_misses(tell: Explain) -> None:
    """Words about the place count for a send."""
    gives = [
        rule("guardrail:a", Section.CEILING, data={"send": ("erp/*",)}, to=("partner",)),
        rule("guardrail:b", Section.CEILING, data={"send": ("erp/*",)}, to_zone=("core",)),
        rule("guardrail:c", Section.CEILING, data={"send": ("*",)}, to_systems_of="record"),
    ]

    told = tell(change={"rules": {each.ref: each for each in gives}})
    nowhere = tell(change={"rules": {gives[0].ref: gives[0]}}, endpoint="https://x.example/")

    assert near(check(told, "ceiling")) == [
        "guardrail:a: to",
        "guardrail:b: to_zone",
        "guardrail:c: to_systems_of",
    ]
    assert check(nowhere, "ceiling").near[0].misses[0].has == ("a place on no list",)


def test_a_window_that_is_closed_or_open(tell: Explain) -> None:
    """A rule that does not cover the call now may cover it at another hour."""
    hours: list[dict[str, Any]] = [{"during": ("night",)}, {"outside": ("noon",)}]
    gives = [
        rule(f"guardrail:{n}", Section.CEILING, data={"delete": ("erp/*",)}, **each)
        for n, each in enumerate(hours)
    ]
    told = tell(*gives, **DELETE)

    closed = tell(gives[0], **DELETE)

    assert "guardrail:0: during" in near(check(closed, "ceiling"))
    assert [each.ref for each in check(told, "ceiling").grounds] == ["guardrail:1"]


def test_far_rules_are_not_near(tell: Explain) -> None:
    """Three words off, about another system, or about another action and more: not near."""
    far = [
        rule("guardrail:a", Section.CEILING, data={"delete": ("hris/*",)}),
        rule("guardrail:b", Section.CEILING, data={"write": ("erp/*",)}, who=("hr",)),
        rule(
            "guardrail:c",
            Section.CEILING,
            data={"delete": ("erp/*",)},
            who=("hr",),
            stage="sandbox",
            label_at_most="public",
        ),
        rule("guardrail:d", Section.FORBID, data={"delete": ("erp/*",)}, who=("hr",)),
    ]
    told = tell(change={"rules": {each.ref: each for each in far}}, **DELETE)

    assert check(told, "ceiling").near == ()


def test_the_nearest_come_first_and_only_a_few(tell: Explain) -> None:
    """One word off before two, the same action before another one, three at most."""
    several = [
        rule("guardrail:a", Section.CEILING, data={"read": ("erp/*",)}),
        rule("guardrail:b", Section.CEILING, data={"delete": ("*",)}, who=("hr",), stage="sandbox"),
        rule("guardrail:c", Section.CEILING, data={"delete": ("erp/stock",)}),
        rule("guardrail:d", Section.CEILING, data={"delete": ("erp/customers",)}, who=("hr",)),
    ]
    told = tell(change={"rules": {each.ref: each for each in several}}, **DELETE)

    found = near(check(told, "ceiling"))
    assert found == ["guardrail:d: who", "guardrail:a: action", "guardrail:c: data"]


def test_roles_that_would_do(tell: Explain) -> None:
    """Who lacks a role is told whether its own unit may give it, or whom to ask."""
    roles = {
        "keeper": Role("keeper", "it", "", frozenset({"sales"}), frozenset()),
        "auditor": Role("auditor", "hr", "", frozenset({"hr"}), frozenset()),
    }
    wants = {name: narrowed(who=(name,)) for name in (*roles, "hr/report")}

    hints = {}
    for name, each in wants.items():
        told = tell(change={"rules": {each.ref: each}, "roles": roles}, **DELETE)
        hints[name] = check(told, "ceiling").near[0].misses[0].hint

    assert hints == {
        "keeper": "give it the role `keeper` in units/sales/integrations.yaml",
        "auditor": "unit `sales` may not give out the role `auditor`;"
        " ask its owner `hr` (guardrails/roles.yaml)",
        "hr/report": "the rule is for others by name; ask its owner",
    }


def test_near_rules_of_the_unit_and_the_template(tell: Explain) -> None:
    """Each layer that covers nothing names its own near rules."""
    unit = tell(**{**DELETE, "who": "sales/sync"})
    template = tell(who="sales/feed", data="erp/stock", fields=())

    assert near(check(unit, "unit")) == ["unit:sales/all: action"]
    assert near(check(template, "template")) == [
        "template:feed/give: to_zone",
        "template:feed/take: action",
    ]
    assert [each.name for each in unit.checks].count("template") == 0


NEAR_PLACES = [
    ("https://eu.partner.example/", ["destination:partner: host"]),
    ("https://crm.example:8443/", ["destination:crm: port"]),
    ("sftp://crm.example/", ["destination:crm: scheme"]),
    ("https://shop.example/v1/", ["destination:shop: path"]),
    ("https://nothing.test/", []),
    ("no url", []),
]


@pytest.mark.parametrize(("url", "found"), NEAR_PLACES, ids=[url for url, _ in NEAR_PLACES])
def test_near_destinations(tell: Explain, company: Snapshot, url: str, found: list[str]) -> None:
    """A URL on no list is told of the listings that nearly have it, and by which word not."""
    shop = place("shop", "partner", paths=("/v2/*",))
    partner = place("partner", "partner", hosts=frozenset({"x.partner.example"}))
    places = {"crm": company.destinations["crm"], "shop": shop, "partner": partner}
    kept = {**company.destinations, **places}

    told = tell(change={"destinations": kept}, endpoint=url)

    names = {each.split(":")[1] for each in found}
    shown = near(check(told, "destination"))
    assert [each for each in shown if each.split(":")[1] in names or not names] == found


def test_a_listing_for_others(tell: Explain) -> None:
    """A destination that is listed for other callers or methods says for which."""
    told = tell(endpoint="https://bank.example/", method="PUT")
    bare = tell(who="sales/bank", endpoint="https://bank.example/", method=None)
    fine = tell(action="read")

    assert near(check(told, "destination")) == ["destination:bank: who method"]
    assert near(check(bare, "destination")) == ["destination:bank: method"]
    assert check(fine, "destination").reasons[0].code == "endpoint-mismatch"
    assert check(fine, "destination").near == ()
