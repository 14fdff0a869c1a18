"""What lint says of rules is held to the proof: what it calls superfluous can be taken out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from policyd.model.labels import Treatment
from policyd.model.organisation import Role
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Verdict, compare
from policyd.review.lint.excess import exceeding
from policyd.review.lint.reach import Reach
from policyd.review.lint.refusals import refusals
from policyd.review.lint.sentences import shadows
from tests.properties.companies import snapshots
from tests.properties.pairs import pairs
from tests.properties.ruling import ALL, NARROWING, WIDE, rule, some
from tests.properties.world import INTEGRATIONS, ROLES

EXAMPLES = settings(max_examples=150)
_LAYERS = ["guardrail", "template:feed", "unit:sales", "unit:hr"]


@st.composite
def _twins(draw: st.DrawFn) -> Snapshot:
    """A company with two rules about everything but for one word, which decides about them."""
    words = [*sorted(NARROWING), "category", "label_at_least", "label_at_most"]
    word, layer = draw(st.sampled_from(words)), draw(st.sampled_from(_LAYERS))
    giving = Section.ALLOW if layer.startswith("unit:") else Section.CEILING
    kinds = [giving] if word == "only_fields" else [giving, giving, Section.FORBID]
    rules = [each for each in WIDE if each.layer != layer]
    for name in ("one", "two"):
        narrow: dict[str, Any] = {word: draw(st.sampled_from(NARROWING[word]))}
        section = draw(st.sampled_from(kinds))
        who = draw(st.sampled_from([*[("everyone",)] * 30, *some(*ROLES, *INTEGRATIONS)]))
        rules.append(rule(f"{layer}/{name}", layer, section, replace(ALL, who=who, **narrow)))
    company = replace(draw(snapshots), rules={each.ref: each for each in rules})
    return _open(company) if draw(st.booleans()) else company


def _open(company: Snapshot) -> Snapshot:
    """The company without a flow table that could decide in place of its rules."""
    passing = dict.fromkeys(company.vocabulary.categories, Treatment.PASS)
    top = company.vocabulary.worst.rank
    zones = {n: replace(e, clearance=top, treatments=passing) for n, e in company.zones.items()}
    return replace(company, zones=zones)


companies = st.one_of(_twins(), _twins(), pairs.map(itemgetter(0)))


def with_roles(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its roles declared, which every unit may give out."""
    roles = {n: Role(n, "it", n, frozenset(snapshot.units), frozenset()) for n in ROLES}
    return replace(snapshot, roles=roles)


def without(snapshot: Snapshot, rules: Iterable[Rule]) -> Snapshot:
    """The snapshot without these rules."""
    gone = {each.ref for each in rules}
    return replace(snapshot, rules={r: e for r, e in snapshot.rules.items() if r not in gone})


def dead(snapshot: Snapshot) -> list[Rule]:
    """Rules that let through what is refused elsewhere."""
    giving, reach = (Section.CEILING, Section.ALLOW), Reach(snapshot)
    return [e for e in snapshot.rules.values() if e.section in giving and refusals(reach, e)]


def excesses(snapshot: Snapshot) -> Iterator[Rule]:
    """What units allow too much, each cell as a rule that allows it and nothing else."""
    reach = Reach(snapshot)
    for each in snapshot.rules.values():
        if each.section is Section.ALLOW:
            for layer, caller, cell in exceeding(reach, each):
                to = (cell.place,) if cell.place else ()
                says = Sentence({cell.action: (cell.data,)}, (caller,), to=to)
                ref = f"{each.layer}/{layer} {caller} {cell}"
                yield replace(each, ref=ref, sentence=says)


@EXAMPLES
@given(companies)
def test_what_is_shadowed_makes_no_difference(company: Snapshot) -> None:
    """Without all of it no call is decided differently, in either direction."""
    snapshot = with_roles(company)
    found = compare(snapshot, without(snapshot, (each for each, _ in shadows(Reach(snapshot)))))
    assert (found.verdict, found.closing) == (Verdict.PROVED, Verdict.PROVED)


@EXAMPLES
@given(companies)
def test_what_is_overridden_lets_nothing_through(company: Snapshot) -> None:
    """Without all of it nothing closes."""
    snapshot = with_roles(company)
    found = compare(snapshot, without(snapshot, dead(snapshot)))
    assert (found.verdict, found.closing) == (Verdict.PROVED, Verdict.PROVED)


@EXAMPLES
@given(companies)
def test_what_exceeds_the_guardrails_opens_nothing(company: Snapshot) -> None:
    """Were each cell of it allowed by a rule of its own, nothing would open."""
    snapshot = with_roles(company)
    more = {each.ref: each for each in excesses(snapshot)}
    found = compare(snapshot, replace(snapshot, rules={**snapshot.rules, **more}))
    assert found.verdict is Verdict.PROVED


KINDS: dict[str, Callable[[Snapshot], bool]] = {
    "shadowed": lambda snapshot: any(shadows(Reach(snapshot))),
    "overridden": lambda snapshot: bool(dead(snapshot)),
    "exceeding": lambda snapshot: any(excesses(snapshot)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_something_to_find(kind: str) -> None:
    """The companies have rules of each kind, so the properties are not about nothing."""
    find(snapshots, KINDS[kind], settings=settings(max_examples=500))
