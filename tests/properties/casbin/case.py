"""One case: a model, a policy, what is registered in code, and questions."""

from collections.abc import Callable
from dataclasses import dataclass
from pprint import pformat
from typing import Any

import casbin
from casbin import util
from casbin.core_enforcer import EnforceContext
from casbin.model import Model
from casbin.persist import Adapter
from casbin.persist.adapter import load_policy_line

EFFECTS = {
    "allow": "some(where (p.eft == allow))",
    "deny": "!some(where (p.eft == deny))",
    "both": "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "priority": "priority(p.eft) || deny",
    "subject": "subjectPriority(p.eft) || deny",
}


class Thing:
    """A value with attributes, as attribute-based rules are asked about."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def __repr__(self) -> str:
        return f"Thing(**{self.__dict__})"


def never(*_: object) -> bool:
    """A condition that does not hold."""
    return False


def fails(*_: object) -> bool:
    """A condition that cannot be asked."""
    raise LookupError("no answer")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "keyGet": util.key_get_func if hasattr(util, "key_get_func") else util.key_get,
    "keyGet2": util.key_get2,
    "startsWith": lambda text, start: text.startswith(start),
    "key_match": util.key_match,
    "key_match2": util.key_match2,
    "key_match3": util.key_match3,
    "key_match4": util.key_match4,
    "glob_match": util.glob_match,
    "regex_match": util.regex_match,
    "time_match": util.time_match_func,
    "never": never,
    "fails": fails,
}
"""What cases register, by the name they say it with."""


@dataclass(frozen=True)
class Section:
    """A request, a policy and a matcher definition; *suffix* is empty or `2`."""

    suffix: str
    request: tuple[str, ...]
    rule: tuple[str, ...]
    matcher: str


@dataclass(frozen=True)
class Question:
    """A request of the section with *suffix*."""

    suffix: str
    values: tuple[Any, ...]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As an enforcer takes it."""
        if not self.suffix:
            return self.values
        return (EnforceContext(*(f"{each}{self.suffix}" for each in "rpem")), *self.values)


@dataclass(frozen=True)
class Case:
    """One policy and questions about it.

    Attributes:
        sections: At least one.
        roles: Role definitions by name, such as `_, _`.
        effect: Of `EFFECTS`.
        lines: Of the policy, rules and links mixed.
        setup: Method of an enforcer and its arguments; functions by their names in `FUNCTIONS`.
        questions: What is asked, in order.
    """

    sections: tuple[Section, ...]
    roles: dict[str, str]
    effect: str
    lines: tuple[tuple[str, ...], ...]
    setup: tuple[tuple[str, ...], ...]
    questions: tuple[Question, ...]

    @property
    def model(self) -> str:
        """The text of the model."""
        parts: dict[str, list[str]] = {
            "request_definition": [],
            "policy_definition": [],
            "role_definition": [f"{name} = {value}" for name, value in self.roles.items()],
            "policy_effect": [f"e = {EFFECTS[self.effect]}"],
            "matchers": [],
        }
        for each in self.sections:
            parts["request_definition"].append(f"r{each.suffix} = {', '.join(each.request)}")
            parts["policy_definition"].append(f"p{each.suffix} = {', '.join(each.rule)}")
            parts["matchers"].append(f"m{each.suffix} = {each.matcher}")
        return "".join(
            f"[{name}]\n" + "".join(f"{line}\n" for line in lines)
            for name, lines in parts.items()
            if lines
        )

    @property
    def policy(self) -> str:
        """The text of the policy."""
        return "\n".join(", ".join(line) for line in self.lines)

    def load(self, kind: Callable[[Model, Adapter], Any]) -> Any:
        """An enforcer of *kind* with all that is registered."""
        model = Model()
        model.load_model_from_text(self.model)
        enforcer = kind(model, Lines(self.policy))
        for method, *arguments in self.setup:
            *plain, name = arguments
            getattr(enforcer, method)(*plain, FUNCTIONS[name])
        return enforcer

    def __str__(self) -> str:
        return (
            f"{self.model}\n{self.policy}\n\n"
            + "".join(f"enforcer.{method}{tuple(rest)}\n" for method, *rest in self.setup)
            + pformat([each.arguments if not each.suffix else each for each in self.questions])
        )


class Lines(Adapter):  # type: ignore[misc]  # casbin has no types
    """A policy given as text; unlike pycasbin's string adapter it may be empty."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def load_policy(self, model: Model) -> None:
        """Load every line as pycasbin's file adapter does."""
        for line in self._lines:
            load_policy_line(line.strip(), model)


def reference_enforcer(case: Case) -> Any:
    """A freshly loaded pycasbin."""
    return case.load(casbin.Enforcer)
