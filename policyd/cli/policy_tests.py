"""`policyd test`: the tests that policy owners wrote, run on their tree."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyd.cli.exits import FAILED, FINE, UNDECIDED
from policyd.cli.findings import check_folder, told_in
from policyd.cli.options import AsJson, ending
from policyd.cli.output import say_json
from policyd.model.errors import PolicyInvalid, UsageError

if TYPE_CHECKING:
    from policyd.review.suites import PolicyTest

_EXAMPLE = """\
policyd test policies
policyd test policies --unit sales -k newsletter --coverage"""
_CODES = "0 all passed, 1 some failed, 2 nothing to run, or findings, 3 some could not be proved"


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    app.command("test", epilog=ending(_EXAMPLE, _CODES))(run_tests)


def run_tests(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The root of a policy tree.")],
    *,
    word: Annotated[
        str, typer.Option("-k", metavar="WORD", help="Only tests whose words contain this.")
    ] = "",
    unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Only this unit's own tests.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Name the rules that no test tried.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML too.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run the tests of a policy tree: every `*_test.yaml` of it and of its units."""
    from policyd.cli.policy_test_report import as_json as report_json
    from policyd.cli.policy_test_report import show
    from policyd.engine.decide import Engine
    from policyd.policy.load import load
    from policyd.review.junit import junit_xml
    from policyd.review.policy_tests import Verdict, run
    from policyd.review.suites import read_suites

    check_folder(folder)
    with told_in(folder):
        engine = Engine(load(folder))
        tests, findings = read_suites(folder, engine.snapshot)
        if findings:
            raise PolicyInvalid(findings)
    wanted = [each for each in tests if _is_wanted(each, word, unit)]
    if not wanted:
        raise UsageError(
            f"none of the {len(tests)} tests in `{folder}` is meant: look at -k and --unit",
            code="no-tests",
        )
    report = run(engine, wanted)
    untried = sorted(engine.snapshot.rules.keys() - report.tried)
    if junit:
        _write(junit, junit_xml(report))
    if as_json:
        say_json(report_json(report, untried))
    else:
        show(report, untried, folder, coverage=coverage)
    if report.count(Verdict.FAILED):
        return FAILED
    return UNDECIDED if report.count(Verdict.NOT_PROVED) else FINE


def _is_wanted(test: "PolicyTest", word: str, unit: str | None) -> bool:
    words = f"{test.suite} {test.entry.it} {test.place.file}".lower()
    of_unit = unit is None or test.place.file.startswith(f"units/{unit}/")
    return of_unit and word.lower() in words


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"`{path}` cannot be written: {error.strerror}", code="file-unwritable"
        ) from None
