"""`policyd test`: the tests that policy owners wrote, run on their tree."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from policyd.cli.exits import FAILED, FINE, UNDECIDED
from policyd.cli.findings import check_folder, told_in
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say_json, say_text
from policyd.cli.policy_test_cases import Expect
from policyd.cli.server import DEFAULT_URL, Url
from policyd.model.errors import PolicyInvalid, UsageError

if TYPE_CHECKING:
    from policyd.engine.decide import Engine
    from policyd.model.snapshot import Snapshot
    from policyd.review.coverage import Coverage
    from policyd.review.mutation import Score
    from policyd.review.policy_tests import Report
    from policyd.review.suites import PolicyTest

_EXAMPLE = """\
policyd test policies
policyd test policies --unit sales -k newsletter --coverage
policyd test policies --changed-since origin/main --mutate --format markdown
policyd test policies --from-witness 1 review.json >> policies/units/hr/tests/hr_test.yaml"""
_CODES = (
    "0 all passed, or are skipped, 1 some failed, 2 nothing to run, or findings,"
    " 3 some could not be proved or asked"
)


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"


class Selection(NamedTuple):
    """Which tests are run; each part narrows."""

    word: str
    suite: str
    unit: str | None
    files: tuple[Path, ...]

    def takes(self, test: "PolicyTest", folder: Path) -> bool:
        """Whether *test* of the tree at *folder* is run."""
        words = f"{test.suite} {test.entry.it} {test.place.file}".lower()
        of_unit = self.unit is None or test.place.file.startswith(f"units/{self.unit}/")
        here = (folder / test.place.file).resolve()
        of_file = not self.files or any(
            here in {each.resolve(), (folder / each).resolve()} for each in self.files
        )
        of_suite = self.suite.lower() in test.suite.lower()
        return of_unit and of_file and of_suite and self.word.lower() in words


_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The root of a policy tree.")]
_Word = Annotated[
    str, typer.Option("-k", metavar="WORD", help="Only tests whose words contain this.")
]
_Suite = Annotated[str, typer.Option(metavar="WORD", help="Only suites whose name contains this.")]
_Unit = Annotated[str | None, typer.Option(metavar="UNIT", help="Only this unit's own tests.")]
_Files = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Only tests of this file; repeat it.")
]
_Coverage = Annotated[
    bool, typer.Option("--coverage", help="Name the rules that no test tried, or would miss.")
]
_ChangedSince = Annotated[
    str | None,
    typer.Option(
        metavar="REV", help="Cover rules changed since this revision, or folder (`./old`)."
    ),
]
_Mutate = Annotated[
    bool,
    typer.Option(
        "--mutate",
        help="Slip each rule a little, with --changed-since the changed ones, and see whether"
        " a test notices.",
    ),
]
_FromWitness = Annotated[
    tuple[int, Path] | None,
    typer.Option(
        metavar="N REVIEW",
        help="Run nothing: print the test of region N's witness in this review.json.",
    ),
]
_FromAudit = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Run nothing: print the test of this record's call."),
]
_Expected = Annotated[
    Expect | None,
    typer.Option(
        help="What such a test expects: of a record what was decided, of a witness what this"
        " tree decides, where nothing is said."
    ),
]
_Junit = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML too.")
]
_Output = Annotated[Format, typer.Option("--format", help="How the results are printed.")]


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("test", epilog=ending(_EXAMPLE, _CODES))(run_tests)


def run_tests(  # noqa: PLR0913 - options of a command
    folder: _Folder,
    *,
    word: _Word = "",
    suite: _Suite = "",
    unit: _Unit = None,
    file: _Files = None,
    coverage: _Coverage = False,
    changed_since: _ChangedSince = None,
    mutate: _Mutate = False,
    from_witness: _FromWitness = None,
    from_audit: _FromAudit = None,
    expect: _Expected = None,
    url: Url = DEFAULT_URL,
    junit: _Junit = None,
    output: _Output = Format.TEXT,
    as_json: AsJson = False,
) -> int:
    """Run the tests of a policy tree, each `*_test.yaml` of it."""
    from policyd.cli.policy_test_cases import say_case_of_record, say_case_of_witness
    from policyd.review.junit import junit_xml

    if from_witness:
        say_case_of_witness(folder, *from_witness, expect)
        return FINE
    if from_audit:
        say_case_of_record(folder, from_audit, url, expect)
        return FINE
    tested = _tested(
        folder, Selection(word, suite, unit, tuple(file or ())), changed_since, mutate=mutate
    )
    if junit:
        _write(junit, junit_xml(tested.report))
    _RENDERINGS[Format.JSON if as_json else output](tested, folder, coverage)
    return _exit_code(tested.report)


class _Tested(NamedTuple):
    """What a run came to."""

    report: "Report"
    coverages: "list[Coverage]"
    score: "Score | None"


def _tested(
    folder: Path, selection: Selection, changed_since: str | None, *, mutate: bool
) -> _Tested:
    from policyd.review.coverage import changed_rules, coverage
    from policyd.review.policy_tests import run

    check_folder(folder)
    engine, tests = _read(folder)
    wanted = [each for each in tests if selection.takes(each, folder)]
    if not wanted:
        raise UsageError(
            f"none of the {len(tests)} tests in `{folder}` is meant: look at -k, --suite, --unit"
            " and --file",
            code="no-tests",
        )
    others = _others(folder)
    base = _others(Path.cwd(), folder)(changed_since) if changed_since else None
    report = run(engine, wanted, today=_today(), others=others)
    coverages = [coverage(report, engine.snapshot.rules)]
    refs = frozenset(engine.snapshot.rules)
    if base:
        refs = changed_rules(base, engine.snapshot)
        coverages.append(coverage(report, refs, "changed rules"))
    score = _score(engine, report, refs, others) if mutate else None
    return _Tested(report, coverages, score)


def _score(
    engine: "Engine",
    report: "Report",
    refs: frozenset[str],
    others: "Callable[[str], Snapshot]",
) -> "Score | None":
    """What the tests make of mutants; nothing while some do not pass, since they notice nothing."""
    from policyd.review.mutation import Outcome
    from policyd.review.mutation import mutate as tried
    from policyd.review.policy_tests import Verdict

    if any(report.count(each) for each in (Verdict.FAILED, Verdict.NOT_PROVED, Verdict.ERROR)):
        remark("no rule was slipped: first let all tests pass")
        return None
    seen: set[str] = set()

    def watch(outcome: Outcome) -> None:
        if outcome.mutant.ref not in seen:
            seen.add(outcome.mutant.ref)
            remark(f"  {len(seen)} of {len(refs)} rules slipped: {outcome.mutant.ref}")

    passed = [each.test for each in report.results if each.verdict is Verdict.PASSED]
    return tried(engine, passed, refs, watch, others=others)


def _read(folder: Path) -> "tuple[Engine, list[PolicyTest]]":
    from policyd.engine.decide import Engine
    from policyd.policy.load import load
    from policyd.review.suites import read_suites

    with told_in(folder):
        engine = Engine(load(folder))
        tests, findings = read_suites(folder, engine.snapshot)
        if findings:
            raise PolicyInvalid(findings)
    return engine, tests


def _others(start: Path, folder: Path | None = None) -> "Callable[[str], Snapshot]":
    """Other versions of the tree at *folder*, or at *start*, from where folders are looked for."""

    @cache
    def read(name: str) -> "Snapshot":
        from policyd.review.revisions import named, snapshot_of

        is_folder = name.startswith(("./", "../", "/"))
        return snapshot_of(named(start if is_folder or folder is None else folder, name))

    return read


def _today() -> date:
    return datetime.now().astimezone().date()


def _exit_code(report: "Report") -> int:
    from policyd.review.policy_tests import Verdict

    if report.count(Verdict.FAILED):
        return FAILED
    undecided = report.count(Verdict.NOT_PROVED) + report.count(Verdict.ERROR)
    return UNDECIDED if undecided else FINE


def _as_text(tested: _Tested, folder: Path, is_full: bool) -> None:  # noqa: FBT001 - one of a table
    from policyd.cli.policy_test_report import show, show_score

    show(tested.report, tested.coverages, folder, is_full=is_full)
    if tested.score:
        show_score(tested.score)


def _as_json(tested: _Tested, _folder: Path, _is_full: bool) -> None:  # noqa: FBT001 - as above
    from policyd.cli.policy_test_report import as_json

    say_json(as_json(tested.report, tested.coverages, tested.score))


def _as_junit(tested: _Tested, _folder: Path, _is_full: bool) -> None:  # noqa: FBT001 - as above
    from policyd.review.junit import junit_xml

    say_text(junit_xml(tested.report))


def _as_markdown(tested: _Tested, _folder: Path, _is_full: bool) -> None:  # noqa: FBT001 - as above
    from policyd.review.policy_test_pages import markdown

    say_text(markdown(tested.report, tested.coverages, tested.score))


def _as_annotations(tested: _Tested, folder: Path, _is_full: bool) -> None:  # noqa: FBT001 - as above
    from policyd.cli.policy_test_report import counted
    from policyd.review.policy_test_pages import annotations

    say_text("\n".join([*annotations(tested.report, str(folder)), counted(tested.report), ""]))


_RENDERINGS = {
    Format.TEXT: _as_text,
    Format.JSON: _as_json,
    Format.JUNIT: _as_junit,
    Format.MARKDOWN: _as_markdown,
    Format.GITHUB: _as_annotations,
}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"`{path}` cannot be written: {error.strerror}", code="file-unwritable"
        ) from None
