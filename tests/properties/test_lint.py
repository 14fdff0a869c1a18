"""What lint says of rules is held to the proof: what it calls superfluous can be taken out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import find, given, settings

from policyd.model.organisation import Role
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Verdict, compare
from policyd.review.lint.excess import exceeding
from policyd.review.lint.refusals import refusals
from policyd.review.lint.sentences import shadows
from tests.properties.companies import snapshots
from tests.properties.pairs import pairs
from tests.properties.world import ROLES

EXAMPLES = settings(max_examples=40)


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
    giving = (Section.CEILING, Section.ALLOW)
    return [e for e in snapshot.rules.values() if e.section in giving and refusals(snapshot, e)]


def excesses(snapshot: Snapshot) -> Iterator[Rule]:
    """What units allow too much, each cell as a rule that allows it and nothing else."""
    for rule in snapshot.rules.values():
        if rule.section is Section.ALLOW:
            for layer, caller, cell in exceeding(snapshot, rule):
                to = (cell.place,) if cell.place else ()
                says = Sentence({cell.action: (cell.data,)}, (caller,), to=to)
                ref = f"{rule.layer}/{layer} {caller} {cell}"
                yield replace(rule, ref=ref, sentence=says)


@EXAMPLES
@given(pairs)
def test_what_is_shadowed_makes_no_difference(pair: tuple[Snapshot, Snapshot]) -> None:
    """Without all of it no call is decided differently, in either direction."""
    for snapshot in map(with_roles, pair):
        found = compare(snapshot, without(snapshot, (rule for rule, _ in shadows(snapshot))))
        assert (found.verdict, found.closing) == (Verdict.PROVED, Verdict.PROVED)


@EXAMPLES
@given(pairs)
def test_what_is_overridden_lets_nothing_through(pair: tuple[Snapshot, Snapshot]) -> None:
    """Without all of it nothing closes."""
    for snapshot in map(with_roles, pair):
        found = compare(snapshot, without(snapshot, dead(snapshot)))
        assert (found.verdict, found.closing) == (Verdict.PROVED, Verdict.PROVED)


@EXAMPLES
@given(pairs)
def test_what_exceeds_the_guardrails_opens_nothing(pair: tuple[Snapshot, Snapshot]) -> None:
    """Were each cell of it allowed by a rule of its own, nothing would open."""
    for snapshot in map(with_roles, pair):
        more = {rule.ref: rule for rule in excesses(snapshot)}
        found = compare(snapshot, replace(snapshot, rules={**snapshot.rules, **more}))
        assert found.verdict is Verdict.PROVED


KINDS: dict[str, Callable[[Snapshot], bool]] = {
    "shadowed": lambda snapshot: any(shadows(snapshot)),
    "overridden": lambda snapshot: bool(dead(snapshot)),
    "exceeding": lambda snapshot: any(excesses(snapshot)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_something_to_find(kind: str) -> None:
    """The companies have rules of each kind, so the properties are not about nothing."""
    find(snapshots, KINDS[kind], settings=settings(max_examples=500))
