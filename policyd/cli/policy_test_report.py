"""What policy tests came to, for a terminal and for programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from policyd.cli.output import say
from policyd.review.policy_tests import Failure, Report, Result, Verdict

_MARKS = {
    Verdict.PASSED: ("ok", "green"),
    Verdict.FAILED: ("FAIL", "bold red"),
    Verdict.NOT_PROVED: ("????", "bold yellow"),
}


def show(report: Report, untried: list[str], folder: Path, *, coverage: bool) -> None:
    """Print each test of the tree at *folder*, then the counts; with `coverage` what is untried."""
    file = ""
    for result in report.results:
        if result.test.place.file != file:
            file = result.test.place.file
            say(f"{folder / file}: {result.test.suite}", "bold")
        for text, style in _told(result, folder):
            say(text, style)
    if coverage:
        say("Rules that no test tried", "bold")
        for ref in untried:
            say(f"  {ref}")
    counts = {each: report.count(each) for each in Verdict}
    rules = len(report.tried)
    say(f"{rules} of {rules + len(untried)} rules were tried{'' if coverage else ' (--coverage)'}")
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    say(
        f"{len(report.results)} tests: {words}",
        "green" if counts[Verdict.PASSED] == len(report.results) else "red",
    )


def _told(result: Result, folder: Path) -> Iterator[tuple[str, str]]:
    test = result.test
    mark, style = _MARKS[result.verdict]
    calls = f"{result.calls or 'all'} call{'s' if result.calls != 1 else ''}"
    yield f"  {mark:<5} {test.entry.it} ({calls})", style
    for gap in result.gaps:
        yield f"        not proved: {gap}", style
    place = test.place
    for failure in result.failures:
        yield f"        {folder / place.file}:{place.line}:{place.column}: {_call(failure)}", ""
        for problem in failure.problems:
            yield f"          {problem}", "red"
        for line in _deciding(failure):
            yield f"          {line}", ""


def _call(failure: Failure) -> str:
    call = failure.call
    fields = f" ({', '.join(call.fields)})" if call.fields else ""
    return f"{call.subject.id} {call.action} {call.resource.id}{fields} at {call.endpoint}"


def _deciding(failure: Failure) -> Iterator[str]:
    """What decided a call that came out in another way, and what would have turned it."""
    for check in failure.explanation.checks:
        for reason in check.reasons:
            yield f"{check.name}: {reason.message} [{reason.code}]"
        if failure.wanted == "deny" and check.name in {"ceiling", "template", "unit"}:
            for ground in check.grounds:
                where = f"{ground.place.file}:{ground.place.line}" if ground.place else ""
                yield f"{check.name}: allowed by {ground.ref}  {where}"
        for near in check.near:
            words = ", ".join(miss.word for miss in near.misses)
            yield f"{check.name}: {near.ground.ref} would allow it but for its {words}"


def as_json(report: Report, untried: list[str]) -> dict[str, Any]:
    """All of it, failures with the explanation of their call."""
    return {
        "counts": {str(each): report.count(each) for each in Verdict},
        "tests": [_result(each) for each in report.results],
        "rules_tried": sorted(report.tried),
        "rules_not_tried": untried,
    }


def _result(result: Result) -> dict[str, Any]:
    test = result.test
    place = {"file": test.place.file, "line": test.place.line, "column": test.place.column}
    return {
        "suite": test.suite,
        "it": test.entry.it,
        **place,
        "verdict": str(result.verdict),
        "calls": result.calls,
        "gaps": list(result.gaps),
        "failures": [_failure(each) for each in result.failures],
    }


def _failure(failure: Failure) -> dict[str, Any]:
    call = {
        name: value
        for name, value in msgspec.to_builtins(failure.call).items()
        if value is not None
    }
    told = msgspec.to_builtins(failure.explanation)
    return {"call": call, "problems": list(failure.problems), "explanation": told}
