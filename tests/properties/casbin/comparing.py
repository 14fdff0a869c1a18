"""One case put to pycasbin and to `CompiledEnforcer`, and what to make of a difference."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import casbin

from policyd.engine.access import CompiledEnforcer
from tests.properties.casbin.case import Case, Question, reference_enforcer
from tests.properties.casbin.reference import judge

Outcome = Any
"""An answer and the rule that explains it, or the name of the error."""


@dataclass(frozen=True)
class Compared:
    """What both made of one question; None as question: of loading.

    Attributes:
        fault: Code of the fault of pycasbin that explains a difference, or none.
    """

    question: Question | None
    theirs: Outcome
    ours: Outcome
    fault: str = ""

    @property
    def is_unexplained(self) -> bool:
        """Whether they differ for no known reason."""
        return self.theirs != self.ours and not self.fault


def outcome(call: Callable[..., Any], *arguments: Any) -> Outcome:
    """What *call* answers, or the name of the error it raises."""
    try:
        answer = call(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever is raised is compared
        return type(error).__name__
    return answer[0], list(answer[1])


def compare(case: Case) -> Iterator[Compared]:
    """Load *case* in both, and ask both every question in order."""
    loaded = [_loading(case, kind) for kind in (casbin.Enforcer, CompiledEnforcer)]
    if any(isinstance(each, str) for each in loaded):
        theirs, ours = (each if isinstance(each, str) else "loaded" for each in loaded)
        yield Compared(None, theirs, ours)
        return
    theirs, ours = loaded
    for question in case.questions:
        said, found = (outcome(each.enforce_ex, *question.arguments) for each in (theirs, ours))
        fault = _fault(case, question, found) if said != found else ""
        yield Compared(question, said, found, fault)


def _loading(case: Case, kind: Callable[..., Any]) -> Any:
    try:
        return case.load(kind)
    except Exception as error:  # noqa: BLE001 - whatever is raised is compared
        return type(error).__name__


def _fault(case: Case, question: Question, ours: Outcome) -> str:
    """The fault that makes pycasbin differ from *ours*, which must be what is right."""
    right = outcome(judge, case, question)
    fresh = outcome(reference_enforcer(case).enforce_ex, *question.arguments)
    has_patterns = any("matching" in step[0] for step in case.setup)
    return "asked-names" if has_patterns and right == ours == fresh else ""
