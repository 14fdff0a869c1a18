"""Access rules through casbin: layers, groups, exceptions, patterns and places."""

from dataclasses import replace

import pytest

from policyd.engine.access import AccessRules, Matches
from policyd.engine.destination import DestinationTable
from policyd.engine.resolve import Asked, resolve
from policyd.model.call import Call, Entity
from policyd.model.rules import Section
from policyd.model.snapshot import Snapshot
from tests.unit.engine.conftest import NOON, VOCABULARY, rule

ANY_SEND = {"send": ("*",)}
RULES = [
    rule("guardrail:b-prefix", Section.CEILING, data={"send": ("erp/*",)}),
    rule("guardrail:a-exact", Section.CEILING, data={"send": ("erp/stock",)}),
    rule("guardrail:other-prefix", Section.CEILING, data={"send": ("erp2/*", "er/*")}),
    rule("guardrail:other-action", Section.CEILING, data={"read": ("*",)}),
    rule("guardrail:by-role", Section.CEILING, who=("writer",), data=ANY_SEND),
    rule("guardrail:by-unit", Section.CEILING, who=("hr", "sales"), data=ANY_SEND),
    rule("guardrail:by-name", Section.CEILING, who=("sales/sync",), data=ANY_SEND),
    rule("guardrail:to-crm", Section.CEILING, to=("llm", "crm"), data=ANY_SEND),
    rule("guardrail:to-llm", Section.CEILING, to=("llm",), data=ANY_SEND),
    rule("guardrail:not-writers", Section.FORBID, excepted=("writer",), data=ANY_SEND),
    rule("guardrail:not-sales", Section.FORBID, excepted=("hr", "sales"), data=ANY_SEND),
    rule("guardrail:not-sync", Section.FORBID, excepted=("sales/sync",), data=ANY_SEND),
    rule("guardrail:no-stock", Section.FORBID, data={"send": ("erp/stock",)}),
    rule("unit:sales/ours", Section.ALLOW, data=ANY_SEND),
]
SEND = Call(
    Entity("integration", "sales/sync"),
    "send",
    Entity("dataset", "erp/stock"),
    endpoint="crm/api",
    method="POST",
)


@pytest.fixture
def rules(company: Snapshot) -> AccessRules:
    """The rules above, for the integrations of the company."""
    groups = {name: who.names for name, who in company.integrations.items()}
    return AccessRules(RULES, groups, VOCABULARY)


def _asked(company: Snapshot, call: Call) -> Asked:
    return resolve(company, DestinationTable(company.destinations), call, NOON)


def test_every_match_is_named(company: Snapshot, rules: AccessRules) -> None:
    """Every rule of the layer that speaks about the call is named, in order, and no other."""
    found = rules.matches("guardrail", _asked(company, SEND))
    covers = ("a-exact", "b-prefix", "by-name", "by-role", "by-unit", "to-crm")
    assert found.allows == tuple(f"guardrail:{name}" for name in covers)
    assert found.forbids == ("guardrail:no-stock",)


def test_exceptions_are_of_those_they_name(company: Snapshot, rules: AccessRules) -> None:
    """Who is in no excepted role, unit or integration is spoken about."""
    other = replace(SEND, subject=Entity("integration", "hr/report"))
    found = rules.matches("guardrail", _asked(company, other))
    assert found.forbids == ("guardrail:no-stock", "guardrail:not-sync", "guardrail:not-writers")
    trial = replace(SEND, subject=Entity("integration", "sales/trial"))
    found = rules.matches("guardrail", _asked(company, trial))
    assert found.forbids == ("guardrail:no-stock", "guardrail:not-sync", "guardrail:not-writers")


def test_a_place_on_no_list_is_no_place(company: Snapshot, rules: AccessRules) -> None:
    """A rule for certain destinations does not cover a send to nowhere."""
    for endpoint in (None, "https://evil.example/"):
        found = rules.matches("guardrail", _asked(company, replace(SEND, endpoint=endpoint)))
        assert "guardrail:to-crm" not in found.allows
        assert "guardrail:by-name" in found.allows


def test_a_layer_is_asked_alone(company: Snapshot, rules: AccessRules) -> None:
    """One layer's rules say nothing in another, and a layer without rules says nothing."""
    asked = _asked(company, SEND)
    assert rules.matches("unit:sales", asked) == Matches(("unit:sales/ours",), ())
    assert rules.matches("unit:hr", asked) == Matches((), ())


@pytest.mark.parametrize("data", ["*", "erp/*", "erp", "erp2", "", "erp/stock/*", "ERP/stock"])
def test_what_is_asked_about_is_no_pattern(
    company: Snapshot, rules: AccessRules, data: str
) -> None:
    """Only rules have patterns: asking about `*` does not ask about everything."""
    asked = _asked(company, replace(SEND, resource=Entity("dataset", data)))
    assert "guardrail:a-exact" not in rules.matches("guardrail", asked).allows
    assert rules.matches("guardrail", asked).forbids == ()


@pytest.mark.parametrize("name", ["everyone", "writer", "sales", "nobody"])
def test_a_subject_named_like_a_group_is_not_in_it(company: Snapshot, name: str) -> None:
    """An integration's names are those it was given; who asks under a group's name has none."""
    engine_rules = AccessRules(RULES[:9], {"sales/sync": frozenset({"sales/sync"})}, VOCABULARY)
    asked = _asked(company, SEND)
    assert engine_rules.matches("guardrail", asked).allows == ("guardrail:by-name",)
    groups = {"sales/sync": frozenset({"sales/sync", name})}
    found = AccessRules(RULES[:9], groups, VOCABULARY).matches("guardrail", asked)
    assert ("guardrail:by-role" in found.allows) is (name == "writer")


@pytest.mark.parametrize(("fields", "found"), [(("f7",), ("r07",)), (("f7", "f8"), ()), ((), ())])
def test_many_rules_that_fields_tell_apart(
    company: Snapshot, fields: tuple[str, ...], found: tuple[str, ...]
) -> None:
    """Of a hundred rules about one field each, those are found that cover all of the call's."""
    crowd = [
        rule(f"guardrail:r{n:02}", Section.CEILING, data=ANY_SEND, only_fields=(f"f{n}",))
        for n in range(100)
    ]
    groups = {name: who.names for name, who in company.integrations.items()}
    asked = _asked(company, replace(SEND, fields=fields))
    allows = AccessRules(crowd, groups, VOCABULARY).matches("guardrail", asked).allows
    assert allows == tuple(f"guardrail:{name}" for name in found)


def test_layers_of_the_same_rules_are_taken_over(company: Snapshot, rules: AccessRules) -> None:
    """Rules made of others share each layer that has the very same rules, and answer alike."""
    groups = {name: who.names for name, who in company.integrations.items()}
    changed = [*RULES[:-1], replace(RULES[-1], reason="another")]
    after = AccessRules(changed, groups, VOCABULARY, rules)
    asked = _asked(company, SEND)
    for layer in ("guardrail", "unit:sales"):
        assert after.matches(layer, asked) == rules.matches(layer, asked)
    before = {id(each) for each in rules.pieces()}
    shared = {id(each) in before for each in after.pieces()}
    assert shared == {True, False}
    words = replace(VOCABULARY, categories=frozenset({"personal"}))
    other = AccessRules(RULES, groups, words, rules)
    assert not before & {id(each) for each in other.pieces()}
