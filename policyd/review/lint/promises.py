"""Lint of tests: prohibitions that no policy test is about."""

from collections.abc import Iterator

from policyd.model.rules import ANYTHING, Rule, Section
from policyd.review.lint.rule import INFO, OFF, Hit, LintRule
from policyd.review.lint.subject import Subject
from policyd.review.suites import PolicyTest


def untested(subject: Subject) -> Iterator[Hit]:
    """What the guardrails forbid and no test expects to be refused."""
    if not subject.tests:
        return
    named = {name for test in subject.tests for name in _named(test)}
    for rule in subject.snapshot.rules.values():
        is_promise = rule.layer == "guardrail" and rule.section is Section.FORBID
        if is_promise and rule.ref not in named and not _is_promised(subject, rule):
            message = (
                f"no test says `because: [{rule.ref}]` of a refusal, or `never` of what it "
                "forbids: if it went missing, no test would fail"
            )
            yield Hit(rule.place, message, rule.ref)


def _named(test: PolicyTest) -> Iterator[str]:
    """What the entry says of the answer."""
    entry = test.entry
    for each in (entry.because, entry.would_deny, entry.advice):
        yield from each or ()


def _is_promised(subject: Subject, rule: Rule) -> bool:
    """Whether a `never`, or an `only`, is about an action and data that the rule forbids."""
    for test in subject.tests:
        says = test.entry.never or test.entry.may
        for action, patterns in rule.sentence.data.items():
            listed = set(getattr(says, action, None) or ())
            if says and listed & {*patterns, ANYTHING}:
                return True
    return False


RULES = (
    LintRule(
        id="PD801",
        name="untested-promise",
        guardrails=INFO,
        units=OFF,
        finds="a forbid of the guardrails that no policy test is about",
        avoid="forbid:\n  recipes-stay-home: {…}     # and no test that names it",
        prefer="- it: never lets recipes leave the core\n"
        "  never: {send: [mes/recipes], to_zone: [processor, partner, open]}",
        why="Rules go missing in long changes. A test is the only one who notices, and says which "
        "promise is broken. Trees without any tests are not told so, rule by rule.",
        check=untested,
    ),
)
