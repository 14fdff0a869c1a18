"""Lint of breadth: rules that let through more than anyone will have thought of."""

from collections import defaultdict
from collections.abc import Iterator

from policyd.model.rules import ANYTHING, EVERYONE, Rule, Section
from policyd.model.snapshot import Snapshot
from policyd.review.lint.reach import Reach, rank_range
from policyd.review.lint.rule import ERROR, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject

FEW = 8
"""Datasets of a catalogue that is too small for shares of it to say anything."""


def broad(subject: Subject) -> Iterator[Hit]:
    """Rules that let more than half of the catalogue through by a pattern."""
    known = len(subject.snapshot.datasets)
    for rule in _granting(subject.snapshot):
        for action, names in _by_action(subject.reach, rule).items():
            if len(names) > max(FEW, known / 2):
                path = (*subject.path(rule), action)
                message = (
                    f"this covers {len(names)} of {known} datasets, and those to come; "
                    "name systems, or bound it by `label_at_most`"
                )
                place = subject.place(rule.place.file, path, key=True)
                yield Hit(place, message, f"{rule.ref} {action}")


def open_secrets(subject: Subject) -> Iterator[Hit]:
    """Rules that let data of the highest level through without naming whom or what."""
    levels = subject.snapshot.vocabulary.levels
    top = len(levels) - 1
    for rule in _granting(subject.snapshot):
        says = rule.sentence
        if rank_range(subject.snapshot, says)[1] < top:
            continue
        for action, names in _by_action(subject.reach, rule).items():
            is_any = ANYTHING in says.data[action] or says.who == (EVERYONE,)
            secret = [each for each in names if subject.snapshot.datasets[each].label.rank == top]
            if is_any and secret:
                word = "`anything`" if ANYTHING in says.data[action] else "`everyone`"
                more = f" and {len(secret) - 1} more" if len(secret) > 1 else ""
                message = (
                    f"{word} has `{secret[0]}`{more} in it, which is {levels[top]}; "
                    "name who and what, or bound it by `label_at_most`"
                )
                place = subject.place(rule.place.file, (*subject.path(rule), action), key=True)
                yield Hit(place, message, f"{rule.ref} {action}")


def _granting(snapshot: Snapshot) -> Iterator[Rule]:
    """Ceilings of the guardrails and allows of units; a template grants nothing."""
    for rule in snapshot.rules.values():
        is_ceiling = rule.section is Section.CEILING and rule.layer == "guardrail"
        if is_ceiling or rule.section is Section.ALLOW:
            yield rule


def _by_action(reach: Reach, rule: Rule) -> dict[str, list[str]]:
    """Datasets that are covered, by action, where a pattern or `everyone` stands for several."""
    says = rule.sentence
    found: dict[str, list[str]] = defaultdict(list)
    for each in reach.of(rule):
        if says.who == (EVERYONE,) or any(p.endswith("*") for p in says.data[each.action]):
            found[each.action].append(each.data)
    return {action: sorted(names) for action, names in found.items()}


RULES = (
    LintRule(
        id="PD401",
        name="wildcard-too-broad",
        guardrails=WARNING,
        units=WARNING,
        finds="a ceiling or an allow whose patterns cover more than half of the catalogue",
        avoid="who: [finance-reader]\nread: anything",
        prefer="who: [finance-reader]\nread: [erp/*, analytics/*]",
        why="Nobody can say what it opens, and every new dataset is in it before anyone has "
        "thought about it. Templates may be wide, since they only limit.",
        check=broad,
    ),
    LintRule(
        id="PD402",
        name="wildcard-on-restricted",
        guardrails=ERROR,
        units=WARNING,
        finds="data of the highest level that is let through by `anything` or to `everyone`",
        avoid="who: everyone\nread: [hris/employees]",
        prefer="who: [people-reader]\nread: [hris/employees]",
        why="The highest level is for what must be granted by name: to whom, and which data.",
        check=open_secrets,
    ),
)
