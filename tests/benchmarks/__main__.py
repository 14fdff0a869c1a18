"""`./run bench`: measure, show, keep.

./run bench [NAME ...] [--quick] [--rounds N] [--seconds S] [--json FILE] [--docs]
./run bench --from FILE --docs
./run bench --peers
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from tests.benchmarks import document, machine, peers_setup
from tests.benchmarks.plan import BENCH, ROOT, Plan
from tests.benchmarks.report import Report, Table
from tests.benchmarks.tables import (
    access,
    batch,
    decision,
    http,
    ledger,
    reload,
    replay,
    review,
    sealing,
    search,
    survival,
    verify,
)
from tests.benchmarks.terminal import progress, show

Tables = Mapping[str, Callable[[Plan], Table]]
TABLES: Tables = {
    "access": access.run,
    "decision": decision.run,
    "http": http.run,
    "batch": batch.run,
    "ledger": ledger.run,
    "sealing": sealing.run,
    "survival": survival.run,
    "verify": verify.run,
    "reload": reload.run,
    "review": review.run,
    "replay": replay.run,
    "search": search.run,
}
FINE, FAILED, USAGE = 0, 1, 2
_EPILOG = """\
exit status: 0 measured, 1 something could not be measured, 2 usage.
A whole run takes about 17 minutes, with --quick 3; let the machine do nothing else meanwhile."""


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(
        prog="./run bench",
        description="Measure policyd, beside its peers where they are installed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"only these, and keep the others that are in the file: {', '.join(TABLES)}",
    )
    made.add_argument("--quick", action="store_true", help="only see that everything works")
    made.add_argument("--rounds", type=_positive, metavar="N", help="turns of each  [3; quick: 1]")
    made.add_argument(
        "--seconds", type=_positive, metavar="S", help="of a turn under load  [5; quick: 2]"
    )
    made.add_argument(
        "--records",
        type=_positive,
        metavar="N",
        help="in the log that is searched [10,000,000], or replayed [1,000,000]",
    )
    made.add_argument(
        "--json", type=Path, metavar="FILE", help="keep the figures here  [.bench/bench.json]"
    )
    made.add_argument("--docs", action="store_true", help="write docs/bench and the README's table")
    made.add_argument(
        "--from", type=Path, metavar="FILE", dest="earlier", help="measure nothing, take these"
    )
    made.add_argument("--peers", action="store_true", help="install what policyd is compared with")
    return made


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main(arguments: Sequence[str], tables: Tables = TABLES, root: Path = ROOT) -> int:
    """Do what was asked for, with documents below *root*; the exit status."""
    console = Console()
    asked = parser().parse_args(arguments)
    unknown = [name for name in asked.names if name not in tables]
    if unknown:
        console.print(f"run: no benchmark `{unknown[0]}`: one of {', '.join(tables)}")
        return USAGE
    if asked.peers:
        return _install(console)
    if asked.earlier:
        try:
            report, failed = Report.read(asked.earlier), False
        except (OSError, msgspec.DecodeError) as error:
            console.print(f"run: `{asked.earlier}` is no earlier run: {error}", highlight=False)
            return USAGE
    else:
        report = _report(asked, shlex.join(["./run", "bench", *arguments]))
        failed = _measure(console, asked, tables, report)
        kept = asked.json or BENCH / "bench.json"
        if asked.names and kept.exists() and not asked.quick:
            report = Report.read(kept).renewed(report)
        report.save(kept)
        console.print(f"figures: {kept}")
    wrote = _write(console, report, root) if asked.docs else FINE
    return FAILED if failed else wrote


def _report(asked: argparse.Namespace, command: str) -> Report:
    """The report, without findings yet."""
    return Report(
        date=machine.now(),
        command=command,
        quick=asked.quick,
        commit=machine.commit(),
        machine=machine.machine(),
        versions=machine.versions() | peers_setup.versions(),
    )


def _measure(console: Console, asked: argparse.Namespace, tables: Tables, report: Report) -> bool:
    """Fill the report; whether something could not be measured."""
    failed = False
    BENCH.mkdir(exist_ok=True)
    for name in asked.names or tables:
        # Beside the repository, not in /tmp: that may be memory, and a ledger belongs on a disk.
        with tempfile.TemporaryDirectory(dir=BENCH) as scratch, progress(console) as say:
            plan = Plan(
                rounds=asked.rounds or (1 if asked.quick else 3),
                seconds=asked.seconds or (2 if asked.quick else 5),
                quick=asked.quick,
                scratch=Path(scratch),
                say=say,
                records=asked.records,
            )
            try:
                table = tables[name](plan)
            except (AssertionError, OSError) as error:
                console.print(f"[red]{name} could not be measured:[/] {error}", highlight=False)
                failed = True
                continue
        report.tables.append(table)
        show(console, table)
    return failed


def _install(console: Console) -> int:
    with progress(console) as say:
        trouble = peers_setup.install(say)
    for each in trouble:
        console.print(f"[yellow]missing[/] {each}", highlight=False)
    for name, version in peers_setup.versions().items():
        console.print(f"[green]installed[/] {name} {version}", highlight=False)
    return FAILED if trouble else FINE


def _write(console: Console, report: Report, root: Path) -> int:
    try:
        written = document.write(report, root)
    except ValueError as error:
        console.print(f"run: {error}")
        return USAGE
    for path in written:
        console.print(f"wrote {path.relative_to(root)}")
    return FINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
