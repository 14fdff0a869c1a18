"""Strategies for rules.

What has few values is drawn at once from a list of them all, because every draw costs time.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from policyd.model.rules import ACTIONS, Place, Rule, Section, Sentence
from tests.properties.world import (
    DATASETS,
    FIELDS,
    INTEGRATIONS,
    LAYERS,
    ROLES,
    UNITS,
    WORDS,
    ZONES,
)


def some(*names: str) -> list[tuple[str, ...]]:
    """Each of *names*, and each two of them."""
    return [*combinations(names, 1), *combinations(names, 2)]


NARROWING: dict[str, Sequence[object]] = {
    "excepted": some(*ROLES, *UNITS, *INTEGRATIONS),
    "to": some("crm", "bank", "flows"),
    "to_zone": some(*ZONES),
    "to_systems_of": ["record", "engagement"],
    "in_systems_of": ["record", "engagement"],
    "stage": ["sandbox", "production"],
    "label_at_least": WORDS.levels,
    "label_at_most": WORDS.levels,
    "category": some(*sorted(WORDS.categories)),
    "only_fields": some(*FIELDS),
    "during": some("night", "freeze"),
    "outside": some("night", "freeze"),
}
_ANYONE = ("everyone",)
_data = st.sampled_from([*[("*",)] * 12, *some("erp/*", "hris/*", *DATASETS)])
_who = st.sampled_from([*[_ANYONE] * 40, *some("everyone", *ROLES, *UNITS, *INTEGRATIONS)])
_actions = st.sampled_from([found for n in (1, 2, 4) for found in combinations(ACTIONS, n)])
_narrow = st.lists(
    st.sampled_from(sorted(NARROWING)).flatmap(
        lambda word: st.tuples(st.just(word), st.sampled_from(NARROWING[word]))
    ),
    max_size=2,
)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """What any rule may say: a few actions, whom, and at most two words that narrow."""
    data = {action: draw(_data) for action in draw(_actions)}
    narrow: dict[str, Any] = dict(draw(_narrow))
    return Sentence(data, draw(_who), **narrow)


says = sentences()
_layers = st.sampled_from(LAYERS)


def rule(ref: str, layer: str, section: Section, says: Sentence) -> Rule:
    """The rule *ref* of *layer*."""
    return Rule(ref, layer, section, says, "it", f"reason of {ref}", None, Place("x.yaml", 1, 1))


@st.composite
def rules(draw: st.DrawFn, ref: str, section: Section | None = None) -> Rule:
    """A rule of any layer, of *section* or of any that the layer has."""
    layer = draw(_layers)
    covers = Section.ALLOW if layer.startswith("unit:") else Section.CEILING
    chosen = section or (Section.FORBID if draw(st.booleans()) else covers)
    return rule(f"{layer}/{ref}", layer, chosen, draw(says))


ALL = Sentence(dict.fromkeys(ACTIONS, ("*",)), ("everyone",))
WIDE = [
    rule("guardrail:all", "guardrail", Section.CEILING, ALL),
    rule("template:feed/all", "template:feed", Section.CEILING, ALL),
    rule("unit:sales/all", "unit:sales", Section.ALLOW, ALL),
    rule("unit:hr/all", "unit:hr", Section.ALLOW, ALL),
]


_DRAWN = [rules(f"r{n}") for n in range(12)]


@st.composite
def _rule_set(draw: st.DrawFn) -> dict[str, Rule]:
    """Up to six rules, with or without some that cover everything."""
    wide = [each for each in WIDE if draw(_often)]
    drawn = [draw(each) for each in _DRAWN[: draw(_up_to_six)]]
    return {each.ref: each for each in (*wide, *drawn)}


_often, _up_to_six = st.integers(0, 4), st.integers(0, 6)
rule_sets = _rule_set()
"""Rules by reference."""

many_rules = st.tuples(*_DRAWN).map(lambda drawn: {each.ref: each for each in drawn})
"""A dozen rules by reference, none of which covers everything."""
