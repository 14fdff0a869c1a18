"""The company's access rules as casbin policy: one model, one line for each rule."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import casbin

from tests.benchmarks.company import Company, Question
from tests.benchmarks.timing import Arguments

MODEL = Path(__file__).with_name("model.conf")


def lines(company: Company) -> Iterator[tuple[str, ...]]:
    """The lines of policy.csv: rules, roles of integrations, roles of roles."""
    for rule in company.rules:
        effect = "deny" if rule.is_forbid else "allow"
        yield ("p", rule.role, rule.data, rule.action, effect)
    for held in (company.integrations, company.roles):
        yield from (("g", name, role) for name, roles in held.items() for role in roles)


def write(company: Company, path: Path) -> None:
    """Write policy.csv."""
    path.write_text("".join(f"{', '.join(line)}\n" for line in lines(company)), encoding="utf-8")


def load(policy: Path) -> Any:  # noqa: ANN401 - casbin has no types
    """An enforcer, as the manual makes one."""
    return casbin.Enforcer(str(MODEL), str(policy))


def arguments(question: Question) -> Arguments:
    """What `enforce` is asked."""
    return (question.integration, question.dataset, question.action)
