"""Mutants: a rule as it would be after a small slip, which a good test would notice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from policyd.model.rules import ANYTHING, EVERYONE, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot

_CONDITIONS = (
    *("to", "to_zone", "to_systems_of", "in_systems_of", "stage", "category", "only_fields"),
    *("during", "outside", "excepted"),
)
_WORDS = {"excepted": "except"}
_Slip = tuple[str, Sentence, bool]
"""In words, what is said then, and whether it speaks about more calls."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, slipped.

    Attributes:
        ref: The rule.
        slip: How it slipped, in words.
        rule: As it is then; None if it is not there.
        opens: Whether it lets more calls through, or asks for less; else it can only close.
    """

    ref: str
    slip: str
    rule: Rule | None
    opens: bool

    def on(self, snapshot: Snapshot) -> Snapshot:
        """*snapshot* with it; what lifts a rule that is not there lifts nothing, and goes too."""
        if self.rule:
            return replace(snapshot, rules={**snapshot.rules, self.ref: self.rule})
        return replace(
            snapshot,
            rules={ref: each for ref, each in snapshot.rules.items() if ref != self.ref},
            exemptions={
                name: each for name, each in snapshot.exemptions.items() if each.lifts != self.ref
            },
        )


def mutants_of(rule: Rule, levels: tuple[str, ...]) -> Iterator[Mutant]:
    """The rule deleted, each word of it a step wider, each duty dropped, each bound moved.

    Args:
        rule: Of a tree.
        levels: The company's levels, lowest first.
    """
    covers = rule.section in {Section.CEILING, Section.ALLOW}
    yield Mutant(rule.ref, "the rule deleted", None, opens=not covers)
    for slip, says, is_wider in _sentences(rule.sentence, levels):
        if says != rule.sentence:
            yield Mutant(rule.ref, slip, replace(rule, sentence=says), opens=is_wider is covers)
    if len(rule.duties) > 1:
        for duty in rule.duties:
            less = {name: value for name, value in rule.duties.items() if name != duty}
            yield Mutant(rule.ref, f"{duty} dropped", replace(rule, duties=less), opens=True)
    if rule.limit:
        more = replace(rule.limit, amount=rule.limit.amount + 1)
        yield Mutant(rule.ref, "one more let through", replace(rule, limit=more), opens=True)


def _sentences(says: Sentence, levels: tuple[str, ...]) -> Iterator[_Slip]:
    for action, patterns in says.data.items():
        for each in patterns:
            wide = _wider_data(each)
            found = _with(patterns, each, wide, ANYTHING)
            slip = f"{action} {each} widened to {'anything' if wide == ANYTHING else wide}"
            yield slip, replace(says, data={**says.data, action: found}), True
    for each in says.who:
        wide = each.partition("/")[0] if "/" in each else EVERYONE
        found = _with(says.who, each, wide, EVERYONE)
        yield f"{each} widened to {wide}", replace(says, who=found), True
    for name in _CONDITIONS:
        if getattr(says, name):
            nothing = None if isinstance(getattr(says, name), str) else ()
            yield f"`{_WORDS.get(name, name)}` dropped", _edited(says, name, nothing), True
    for name, wider in (("label_at_least", -1), ("label_at_most", 1)):
        yield from _moved(says, name, levels, wider)


def _moved(says: Sentence, name: str, levels: tuple[str, ...], wider: int) -> Iterator[_Slip]:
    """The bound one level down, and one up; beyond the last one there is none."""
    bound = getattr(says, name)
    if bound is None:
        return
    for step in (-1, 1):
        at = levels.index(bound) + step
        level = levels[at] if 0 <= at < len(levels) else None
        moved = _edited(says, name, level)
        yield f"`{name}` moved from {bound} to {level or 'none'}", moved, step == wider or not level


def _edited(says: Sentence, name: str, value: object) -> Sentence:
    edit: dict[str, Any] = {name: value}
    return replace(says, **edit)


def _wider_data(pattern: str) -> str:
    """One step wider.

    >>> [_wider_data(each) for each in ("erp/a/b", "erp/a/*", "erp/*")]
    ['erp/a/*', 'erp/*', '*']
    """
    above = pattern.removesuffix("/*").rpartition("/")[0]
    return f"{above}/*" if above else ANYTHING


def _with(values: tuple[str, ...], old: str, new: str, whole: str) -> tuple[str, ...]:
    """The values with one in place of another; what stands for all stands alone."""
    if new == whole:
        return (whole,)
    return tuple(dict.fromkeys(new if each == old else each for each in values))
