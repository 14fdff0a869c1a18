"""The index of rules against casbin, and both against a matcher that can be read at a glance."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd.engine.access import AccessRules
from policyd.engine.destination import DestinationTable
from policyd.engine.resolve import Asked, resolve
from policyd.model.rules import ACTIONS, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from tests.casbin_rules import CasbinRules
from tests.properties.asking import Asks, asks
from tests.properties.companies import snapshots
from tests.properties.ruling import NARROWING, many_rules, rule
from tests.properties.sampling import more, share
from tests.properties.world import DATASETS, LAYERS, WORDS

Kind = type[AccessRules] | type[CasbinRules]


def speaks_about(rule: Rule, asked: Asked, names: frozenset[str]) -> bool:
    """Whether *rule* is about the call of an integration that answers to *names*."""
    says, call, place = rule.sentence, asked.call, asked.endpoint.destination
    sends, stage = call.action == "send", asked.integration.stage if asked.integration else None
    return (
        any(_covers(pattern, call.resource.id) for pattern in says.data.get(call.action, ()))
        and not names.isdisjoint(says.who)
        and names.isdisjoint(says.excepted)
        and (not (sends and says.to) or (place is not None and place.name in says.to))
        and (not (sends and says.to_zone) or asked.zone.name in says.to_zone)
        and (not (sends and says.to_systems_of) or asked.endpoint.kind == says.to_systems_of)
        and (not says.in_systems_of or asked.system_kind == says.in_systems_of)
        and (not says.stage or stage == says.stage)
        and (not says.only_fields or set(asked.marks) <= set(says.only_fields))
        and (not says.during or not asked.windows.isdisjoint(says.during))
        and asked.windows.isdisjoint(says.outside)
        and _is_such_data(rule, asked)
    )


def _covers(pattern: str, data: str) -> bool:
    return data.startswith(pattern[:-1]) if pattern.endswith("*") else data == pattern


def _is_such_data(rule: Rule, asked: Asked) -> bool:
    """One field that is so makes a forbid; what covers needs all, without the caller's word."""
    says, forbids = rule.sentence, rule.section is Section.FORBID
    enough = any if forbids else all
    known, raised = asked.catalogued.values(), asked.marks.values()
    upward, downward = (raised, known) if forbids else (known, raised)
    least, most, rank = says.label_at_least, says.label_at_most, WORDS.levels.index
    return (
        (not least or enough(mark.rank >= rank(least) for mark in upward))
        and (not most or enough(mark.rank <= rank(most) for mark in downward))
        and (not says.category or enough(mark.categories & set(says.category) for mark in upward))
    )


def _questions(snapshot: Snapshot, asked: Asks) -> list[Asked]:
    table = DestinationTable(snapshot.destinations)
    return [resolve(snapshot, table, call, facts.now) for call, facts in asked]


@more(2)
@given(snapshots, many_rules, asks)
@pytest.mark.parametrize("kind", [AccessRules, CasbinRules])
def test_found_is_what_the_words_say(
    kind: Kind, snapshot: Snapshot, rules: dict[str, Rule], asked: Asks
) -> None:
    """Every layer names exactly the rules that speak about the call, whatever is asked."""
    groups = {name: who.names for name, who in snapshot.integrations.items()}
    access = kind(rules.values(), groups, snapshot.vocabulary)
    for question in _questions(snapshot, asked):
        who = question.call.subject.id
        names = groups.get(who, frozenset({who}))
        for layer in LAYERS:
            speaking = sorted(
                (each.section is Section.FORBID, each.ref)
                for each in rules.values()
                if each.layer == layer and speaks_about(each, question, names)
            )
            found = access.matches(layer, question)
            assert [ref for forbids, ref in speaking if not forbids] == list(found.allows)
            assert [ref for forbids, ref in speaking if forbids] == list(found.forbids)


swaps = st.sets(st.sampled_from(LAYERS))


@given(snapshots, many_rules, many_rules, swaps, st.booleans(), asks)
def test_what_is_taken_over_finds_the_same(
    snapshot: Snapshot,
    rules: dict[str, Rule],
    others: dict[str, Rule],
    swapped: set[str],
    other_words: bool,
    asked: Asks,
) -> None:
    """Rules that share layers with rules before them match as they do by themselves."""
    words = replace(WORDS, levels=WORDS.levels[::-1]) if other_words else snapshot.vocabulary
    groups = {name: who.names for name, who in snapshot.integrations.items()}
    before = AccessRules(others.values(), {}, words)
    kept = [each for each in others.values() if each.layer not in swapped]
    new = [*kept, *(each for each in rules.values() if each.layer in swapped)]
    after = AccessRules(new, groups, snapshot.vocabulary, before)
    alone = AccessRules(new, groups, snapshot.vocabulary)
    for question in _questions(snapshot, asked):
        for layer in LAYERS:
            assert after.matches(layer, question) == alone.matches(layer, question)


def _crowd() -> list[Rule]:
    """Three hundred rules of one layer, most about everyone and everything, all narrowed twice."""
    whom = [("everyone",), ("everyone",), ("reader", "writer"), ("sales",), ("hr/report",)]
    what = [("*",), ("*",), ("erp/*",), ("erp/stock", "hris/*"), DATASETS[:3]]
    narrow = [(word, value) for word in sorted(NARROWING) for value in NARROWING[word]]
    sections = (Section.CEILING, Section.FORBID, Section.REQUIRE, Section.LIMIT)
    found = []
    for number in range(300):
        data = dict.fromkeys(ACTIONS[number % 2 :: 2], what[number // 5 % 5])
        narrowed: dict[str, Any] = dict(
            [narrow[number * 7 % len(narrow)], narrow[number * 13 % len(narrow)]]
        )
        says = Sentence(data, whom[number % 5], **narrowed)
        found.append(rule(f"guardrail:r{number}", "guardrail", sections[number % 4], says))
    return found


CROWD = _crowd()
crowds = st.builds(lambda first, step: CROWD[first::step], st.integers(0, 9), st.integers(1, 4))


@settings(max_examples=settings().max_examples // 2)
@given(snapshots, crowds, asks)
def test_a_crowd_of_rules_is_found_as_casbin_finds_it(
    snapshot: Snapshot, rules: list[Rule], asked: Asks
) -> None:
    """Where rules are many enough to stand in a tree, the same ones match, in the same order."""
    groups = {name: who.names for name, who in snapshot.integrations.items()}
    index = AccessRules(rules, groups, snapshot.vocabulary)
    reference = CasbinRules(rules, groups, snapshot.vocabulary)
    for question in _questions(snapshot, asked):
        expected = reference.matches("guardrail", question)
        assert index.matches("guardrail", question) == expected


def _speaking(drawn: tuple[Snapshot, dict[str, Rule], Asks]) -> list[bool]:
    """For every rule and call, whether it is about it."""
    snapshot, rules, asked = drawn
    return [
        speaks_about(each, question, question.integration.names)
        for question in _questions(snapshot, asked)
        for each in rules.values()
        if question.integration
    ]


def test_rules_and_calls_meet() -> None:
    """The comparison is about something: drawn rules speak about drawn calls, and often do not."""
    assert 0.05 <= share(st.tuples(snapshots, many_rules, asks), _speaking, 60) <= 0.5
