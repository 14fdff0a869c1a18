"""Running lint: every rule over one tree, then what its comments silence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from policyd.review.lint.registry import (
    RULES,
    Levels,
    is_guardrail,
    level_in,
    levels_of,
    suppressible,
    unknown_ids,
)
from policyd.review.lint.rule import Hit
from policyd.review.lint.subject import Subject
from policyd.review.lint.suppressions import Suppression, suppressions, told
from policyd.review.notices import Level, Notice, ordered

Told = tuple[Notice, Hit]


def lint(subject: Subject, levels: Levels | None = None) -> list[Notice]:
    """All that lint finds in a tree, by place, with what its comments silence.

    Args:
        subject: The tree.
        levels: How much each rule weighs; those of the tree itself if None. In a review they are
            those of the base.
    """
    return ordered(notice for notice, _ in hits(subject, levels))


def hits(subject: Subject, levels: Levels | None = None) -> list[Told]:
    """The same, each with the hit that it was made of, in the order of the rules."""
    levels = levels or levels_of(subject.tree.company)
    found = [
        (notice(rule.id, hit, level), hit)
        for rule in RULES.values()
        if rule.check and any(levels[rule.id])
        for hit in rule.check(subject)
        if (level := level_in(levels, rule.id, hit.place.file))
    ]
    comments = _comments(subject)
    silenced = [(_silenced(each, comments, subject), hit) for each, hit in found]
    about = [*unknown_ids(subject.tree.company), *_about(comments, found, subject)]
    more = [
        (notice(rule, hit, level), hit)
        for rule, hit in about
        if (level := level_in(levels, rule, hit.place.file))
    ]
    return [*silenced, *more]


def notice(rule: str, hit: Hit, level: Level) -> Notice:
    """What is told of a hit."""
    place = hit.place
    return Notice(
        file=place.file,
        line=place.line,
        column=place.column,
        id=rule,
        name=RULES[rule].name,
        level=level,
        message=hit.message,
        about=hit.about,
        fix=hit.fix,
    )


Comments = Mapping[str, list[Suppression]]
"""By file."""


def _comments(subject: Subject) -> Comments:
    owners, known = list(subject.snapshot.owners), suppressible()
    return {
        file: suppressions(file, subject.text(file), owners, known)
        for file, source in subject.files.items()
        if file.endswith(".yaml") and b"policyd" in source
    }


def _silencing(each: Notice, comments: Comments, subject: Subject) -> Iterator[Suppression]:
    """The comments that are about a notice and in force, whether they may silence it or not."""
    for comment in comments.get(each.file, ()):
        is_meant = comment.line == each.line and each.id in comment.ids
        if is_meant and not comment.problems and not comment.is_over(subject.clock):
            yield comment


def _is_firm(each: Notice) -> bool:
    """Whether no comment may silence it."""
    return each.level is Level.ERROR and is_guardrail(each.file)


def _silenced(each: Notice, comments: Comments, subject: Subject) -> Notice:
    comment = next(_silencing(each, comments, subject), None)
    if comment is None or _is_firm(each):
        return each
    return replace(each, silence=comment.silence)


def _about(
    comments: Comments, found: Iterable[Told], subject: Subject
) -> Iterator[tuple[str, Hit]]:
    """What is to be said of the comments themselves."""
    used: dict[tuple[str, int], set[str]] = {}
    firm: dict[tuple[str, int], set[str]] = {}
    for each, _ in found:
        for comment in _silencing(each, comments, subject):
            into = firm if _is_firm(each) else used
            into.setdefault((each.file, comment.place.line), set()).add(each.id)
    for file, listed in comments.items():
        for comment in listed:
            at = (file, comment.place.line)
            yield from told(
                comment,
                subject.clock,
                frozenset(used.get(at, ())),
                is_firm=frozenset(firm.get(at, ())),
            )
