"""Lint of the words about lint itself."""

from policyd.review.lint.rule import ERROR, OFF, LintRule

UNKNOWN = "PD805"

RULES = (
    LintRule(
        id=UNKNOWN,
        name="unknown-lint-rule",
        guardrails=ERROR,
        units=OFF,
        finds="a level in policyd.yaml for a lint rule that there is not",
        avoid="lint: {PD999: off}",
        prefer="lint: {PD708: off}",
        why="Whoever wrote it believes that something is louder or quieter than it is. It is no "
        "load finding, since no decision depends on it and rules come and go with versions.",
        check=None,
    ),
)
