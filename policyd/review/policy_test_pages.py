"""Results of policy tests as Markdown, and as annotations on GitHub."""

from collections.abc import Iterator

from policyd.review.coverage import Coverage
from policyd.review.failures import call_words, decided_by, unasked
from policyd.review.mutation import Score
from policyd.review.policy_tests import Failure, Report, Result, Verdict

MAX_ANNOTATIONS = 10
"""As many of one kind as GitHub shows for one step."""
_SIGNS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "**failed**",
    Verdict.NOT_PROVED: "**not proved**",
    Verdict.ERROR: "**error**",
    Verdict.SKIPPED: "skipped",
}


def markdown(report: Report, coverages: list[Coverage], score: Score | None = None) -> str:
    """The totals, then what did not pass, then all tests in a fold; for a summary or a comment."""
    counts = ", ".join(
        f"{n} {each}" for each in Verdict if (n := report.count(each)) or each is Verdict.PASSED
    )
    lines = [f"### Policy tests: {counts}", ""]
    lines += [f"{each.words()}  " for each in coverages]
    lines += [f"{score.words()}  "] if score else []
    for result in report.results:
        if result.verdict is not Verdict.PASSED:
            lines += ["", *_section(result)]
    for each in score.survivors() if score else ():
        lines += ["", f"#### Not noticed: {_plain(f'{each.mutant.ref} with {each.mutant.slip}')}"]
        lines += [_plain(each.region or ""), "", "```yaml", f"{each.missing}```"]
    lines += [
        "",
        "<details><summary>All tests</summary>",
        "",
        "| test | | calls |",
        "|---|---|---|",
    ]
    for result in report.results:
        calls = "all" if result.calls is None else result.calls
        lines.append(f"| {_cell(_title(result))} | {_SIGNS[result.verdict]} | {calls} |")
    return "\n".join([*lines, "", "</details>", ""])


def annotations(report: Report, folder: str) -> Iterator[str]:
    """A workflow command for each test that did not pass, failures first; at the tree's *folder*.

    Source: GitHub, workflow commands (`::error file=…,line=…::message`).
    """
    bad = [each for each in report.results if each.verdict is Verdict.FAILED]
    unsure = [
        each for each in report.results if each.verdict in {Verdict.NOT_PROVED, Verdict.ERROR}
    ]
    skipped = [each for each in report.results if each.verdict is Verdict.SKIPPED]
    for kind, results in (("error", [*bad, *unsure]), ("warning", skipped)):
        for result in results[: MAX_ANNOTATIONS - 1]:
            yield _annotation(kind, result, folder)
        if results[MAX_ANNOTATIONS - 1 :]:
            yield f"::{kind}::{len(results) - MAX_ANNOTATIONS + 1} more tests: see the whole report"


def _section(result: Result) -> Iterator[str]:
    place = result.test.place
    yield f"#### {_SIGNS[result.verdict]}: {_plain(_title(result))} (`{place.file}:{place.line}`)"
    yield from (f"- {_plain(line)}" for line in unasked(result))
    for failure in result.failures:
        yield from _failure(failure)


def _failure(failure: Failure) -> Iterator[str]:
    what = f"`{call_words(failure.call)}`: " if failure.call else ""
    yield f"- {what}{_plain('; '.join(failure.problems))}"
    yield from (f"  - {_plain(line)}" for line in decided_by(failure))


def _annotation(kind: str, result: Result, folder: str) -> str:
    place = result.test.place
    lines = [*unasked(result)]
    for each in result.failures:
        lines += [call_words(each.call)] if each.call else []
        lines += each.problems
    where = f"file={_property(f'{folder}/{place.file}')},line={place.line},col={place.column}"
    message = _escaped("\n".join([_title(result), *lines]))
    return f"::{kind} {where},title={_property(f'policy test {result.verdict}')}::{message}"


def _title(result: Result) -> str:
    return f"{result.test.suite}: it {result.test.entry.it}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """Text that Markdown takes as it stands."""
    return "".join(f"\\{each}" if each in "\\*_[]<>|`#" else each for each in text)


def _cell(text: str) -> str:
    return _plain(text).replace("\n", " ")
