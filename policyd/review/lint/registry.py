"""The one list of lint rules, and how much each weighs where."""

from collections.abc import Mapping

from policyd.policy.fitting import Read
from policyd.policy.guardrail_shapes import CompanyFile, LintLevels
from policyd.policy.wording import did_you_mean
from policyd.review.lint import (
    breadth,
    classification,
    confusables,
    destinations,
    endings,
    ownership,
    promises,
    sentences,
    suppressions,
    unused,
    words,
)
from policyd.review.lint.rule import Hit, LintRule
from policyd.review.notices import Level

_FAMILIES = (
    *(unused, sentences, breadth, endings, ownership, classification, destinations),
    *(confusables, promises, suppressions, words),
)
RULES: Mapping[str, LintRule] = {
    rule.id: rule
    for rule in sorted((r for family in _FAMILIES for r in family.RULES), key=lambda r: r.id)
}
"""Every rule, by its id and in order of it."""
OWN_FILES = "units/"
"""Files of units begin so; all others are IT's."""

Levels = Mapping[str, tuple[Level | None, Level | None]]
"""By rule: its level in IT's files, and in those of units; None: off."""


def levels_of(company: Read[CompanyFile]) -> Levels:
    """The levels that policyd.yaml sets; in a review they are those of the base."""
    found = {}
    for rule in RULES.values():
        said = company.content.lint.get(rule.id)
        if isinstance(said, LintLevels):
            guardrails, units = said.guardrails, said.units
        else:
            guardrails = units = said
        found[rule.id] = (_level(guardrails, rule.guardrails), _level(units, rule.units))
    return found


def _level(word: str | None, usual: Level | None) -> Level | None:
    if word is None:
        return usual
    return None if word == "off" else Level(word)


def level_in(levels: Levels, rule: str, file: str) -> Level | None:
    """The level of a rule in a file."""
    guardrails, units = levels[rule]
    return units if file.startswith(OWN_FILES) else guardrails


def is_guardrail(file: str) -> bool:
    """Whether a file is IT's."""
    return not file.startswith(OWN_FILES)


def suppressible() -> list[str]:
    """Ids of the rules that may be suppressed; what is said of suppressions may not."""
    return [rule.id for rule in RULES.values() if rule.check]


def explained(rule: LintRule) -> str:
    """The rule for a terminal."""
    fix = "`policyd lint --fix` takes it out." if rule.is_fixed else "There is no automatic fix."
    guardrails, units = (each.value if each else "off" for each in (rule.guardrails, rule.units))
    return "\n".join(
        (
            f"{rule.id} {rule.name} (guardrails: {guardrails}, units: {units})",
            "",
            f"Finds {rule.finds}.",
            "",
            "Avoid",
            *(f"    {line}" for line in rule.avoid.split("\n")),
            "",
            "Prefer",
            *(f"    {line}" for line in rule.prefer.split("\n")),
            "",
            f"Why: {rule.why}",
            "",
            fix,
        )
    )


def unknown_ids(company: Read[CompanyFile]) -> list[tuple[str, Hit]]:
    """Levels of rules that there are not."""
    return [
        (
            words.UNKNOWN,
            Hit(
                company.document.place(("lint", each), key=True),
                f"there is no lint rule `{each}`{did_you_mean(each, RULES)}",
                f"lint {each}",
            ),
        )
        for each in company.content.lint
        if each not in RULES
    ]
