"""What policy tests came to, for a terminal and for programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from policyd.cli.output import say
from policyd.review.coverage import Coverage
from policyd.review.failures import call_words, decided_by, unasked
from policyd.review.mutation import Fate, Score
from policyd.review.policy_tests import Failure, Report, Result, Verdict

_MARKS = {
    Verdict.PASSED: ("ok", "green"),
    Verdict.FAILED: ("FAIL", "bold red"),
    Verdict.NOT_PROVED: ("????", "bold yellow"),
    Verdict.ERROR: ("ERROR", "bold yellow"),
    Verdict.SKIPPED: ("skip", "yellow"),
}


def show(report: Report, coverages: list[Coverage], folder: Path, *, is_full: bool) -> None:
    """Print each test of the tree at *folder*, then the counts; if full, what is not covered."""
    file = ""
    for result in report.results:
        if result.test.place.file != file:
            file = result.test.place.file
            say(f"{folder / file}: {result.test.suite}", "bold")
        for text, style in _told(result, folder):
            say(text, style)
    for each in coverages:
        for title, refs in each.missing() if is_full else ():
            say(title, "bold")
            for ref in refs or ("none",):
                say(f"  {ref}")
    for each in coverages:
        say(f"{each.words()}{'' if is_full else ' (--coverage names the rest)'}")
    good = report.count(Verdict.PASSED) + report.count(Verdict.SKIPPED)
    say(counted(report), "green" if good == len(report.results) else "red")


def show_score(score: Score) -> None:
    """Print the slips that no test notices, each with the test that would, then the count."""
    for each in score.survivors():
        say(f"Not noticed: {each.mutant.ref} with {each.mutant.slip}", "bold")
        say(f"  {each.region}")
        for line in (each.missing or "").splitlines():
            say(line)
    say(score.words(), "green" if not any(score.survivors()) else "yellow")


def counted(report: Report) -> str:
    """The last line: `84 tests: 84 passed, 0 failed`, and whatever else there was."""
    counts = {each: report.count(each) for each in Verdict}
    usual = (Verdict.PASSED, Verdict.FAILED)
    words = ", ".join(f"{n} {each}" for each, n in counts.items() if n or each in usual)
    return f"{len(report.results)} tests: {words}"


def _told(result: Result, folder: Path) -> Iterator[tuple[str, str]]:
    test = result.test
    mark, style = _MARKS[result.verdict]
    calls = f" ({result.calls or 'all'} call{'s' if result.calls != 1 else ''})"
    is_run = result.verdict is not Verdict.SKIPPED
    yield f"  {mark:<5} {test.entry.it}{calls if is_run else ''}", style
    for line in unasked(result):
        yield f"        {line}", style
    place = test.place
    for failure in result.failures:
        what = f": {call_words(failure.call)}" if failure.call else ""
        yield f"        {folder / place.file}:{place.line}:{place.column}{what}", ""
        for problem in failure.problems:
            yield f"          {problem}", "red"
        for line in decided_by(failure):
            yield f"          {line}", ""


def as_json(
    report: Report, coverages: list[Coverage], score: Score | None = None
) -> dict[str, Any]:
    """All of it, failures with the explanation of their call."""
    told = {
        "counts": {str(each): report.count(each) for each in Verdict},
        "tests": [_result(each) for each in report.results],
        "coverage": msgspec.to_builtins(coverages),
    }
    return told | {"mutation": _score(score)} if score else told


def _score(score: Score) -> dict[str, Any]:
    return {
        "percent": score.percent,
        "counts": {str(each): score.count(each) for each in Fate} | {"left-out": score.left_out},
        "mutants": [
            {
                "rule": each.mutant.ref,
                "slip": each.mutant.slip,
                "fate": str(each.fate),
                "noticed_by": each.by,
                "region": each.region,
                "missing": each.missing,
                "gaps": list(each.gaps),
            }
            for each in score.outcomes
        ],
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
    told: dict[str, Any] = msgspec.to_builtins(failure)
    told["call"] = {name: each for name, each in (told["call"] or {}).items() if each is not None}
    return told
