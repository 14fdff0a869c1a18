"""Policy tests as they are written: read with positions, every name in them checked."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, Place
from policyd.model.snapshot import Snapshot
from policyd.policy import folder, layout
from policyd.policy.documents import Path
from policyd.policy.fitting import Read, fit
from policyd.policy.suite_shapes import CallsFile, CaseEntry, SuiteFile, TryShape
from policyd.policy.wording import did_you_mean
from policyd.review.suite_names import Named, names_in, names_in_table

_MEMBERS = ("try_", "expect", "allow_only", "never", "only", "exactly", "may", "same_as")
_KINDS = (
    {"try_", "expect"},
    {"try_", "allow_only"},
    {"never"},
    {"only", "may"},
    {"exactly", "may"},
    {"same_as"},
)
_OF_ANSWERS = (
    "used",
    "because",
    "obligations",
    "including",
    "without",
    "advice",
    "would_deny",
    "lifted",
)
_OF_ALLOWS = ("obligations", "including", "without")
_WORDS = {"party": "role, unit or integration"}
_Tables = Mapping[str, TryShape]


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One entry of a suite, its table of calls made whole; where it stands, and its moment."""

    suite: str
    entry: CaseEntry
    now: str
    place: Place


def read_suites(root: pathlib.Path, snapshot: Snapshot) -> tuple[list[PolicyTest], list[Finding]]:
    """The tests in the tree at *root*; see `suites_in`."""
    return suites_in(*folder.read(root, layout.SUITES), snapshot)


def suites_in(
    files: Mapping[str, bytes], unreadable: Iterable[Finding], snapshot: Snapshot
) -> tuple[list[PolicyTest], list[Finding]]:
    """The tests in *files*, by file and line, and all that is wrong besides what is *unreadable*.

    A name that the tree does not know is a finding: a test about a misspelt integration would
    be denied, and so be passed, for ever.
    """
    tests: list[PolicyTest] = []
    findings = [*unreadable]
    shared: dict[str, _Tables] = {}
    for name in sorted(each for each in files if layout.is_calls(each)):
        calls, wrong = fit(name, files[name], CallsFile)
        findings += [*wrong, *_wrong_tables(calls, calls.content.calls, snapshot)]
        shared[name] = calls.content.calls
    for name in sorted(filter(layout.is_suite, files)):
        read, wrong = fit(name, files[name], SuiteFile)
        findings += wrong
        if not wrong:
            own, beside = read.content.calls or {}, shared.get(layout.calls_beside(name), {})
            findings += [*_wrong_tables(read, own, snapshot), *_taken(read, own, beside)]
            for index, entry in enumerate(read.content.tests):
                wrong = [*_wrong(read, index, entry, {**beside, **own}, snapshot)]
                findings += wrong
                if not wrong:
                    tests.append(_test(read, index, entry, {**beside, **own}))
    return tests, sorted(findings)


def _test(read: Read[SuiteFile], index: int, entry: CaseEntry, tables: _Tables) -> PolicyTest:
    suite, place = read.content, read.document.place(("tests", index))
    whole = entry.model_copy(update={"try_": _whole(entry.try_, tables)}) if entry.try_ else entry
    return PolicyTest(suite.suite, whole, entry.now or suite.now, place)


def _whole(table: TryShape, tables: _Tables) -> TryShape:
    """The table with what it has from the one that it is like."""
    if table.like is None or table.like not in tables:
        return table
    said = {name: getattr(table, name) for name in table.model_fields_set - {"like"}}
    if not said.keys().isdisjoint(ACTIONS):
        said = dict.fromkeys((*ACTIONS, "to", "at")) | said
    return tables[table.like].model_copy(update=said)


def _wrong_tables(read: Read[Any], tables: _Tables, snapshot: Snapshot) -> Iterator[Finding]:
    """A finding for each table of calls by name that is none."""
    for name, table in tables.items():
        at = ("calls", name)
        if table.like is not None:
            message = "a table of calls that has a name stands for itself; write out what it says"
            yield read.finding((*at, "like"), "test-incomplete", message)
        else:
            yield from _misshapen_table(read, at, table)
        yield from _unknown(read, (), names_in_table(table, snapshot, at))


def _taken(read: Read[SuiteFile], own: _Tables, beside: _Tables) -> Iterator[Finding]:
    for name in own.keys() & beside.keys():
        message = f"calls.yaml beside this file has `{name}`, too; use it, or take another name"
        yield read.finding(("calls", name), "name-taken", message, key=True)


def _wrong(
    read: Read[SuiteFile], index: int, entry: CaseEntry, tables: _Tables, snapshot: Snapshot
) -> Iterator[Finding]:
    """A finding for each thing in an entry by which it would hold whatever comes, or never."""
    at: Path = ("tests", index)
    said = {name for name in _MEMBERS if getattr(entry, name) is not None}
    if said not in _KINDS:
        message = (
            "say `try` with `expect` or `allow_only`, or `never`, or `only` or `exactly` with"
            " `may`, or `same_as`"
        )
        yield read.finding(at, "test-incomplete", message)
    elif entry.try_ and entry.try_.like not in {None, *tables}:
        message = (
            f"there are no calls `{entry.try_.like}`{did_you_mean(f'{entry.try_.like}', tables)}"
        )
        yield read.finding((*at, "try", "like"), "undeclared-calls", message)
    elif entry.try_:
        yield from _misshapen_table(read, (*at, "try"), _whole(entry.try_, tables))
    for name, why in _idle(entry):
        yield read.finding((*at, name), "test-without-effect", f"`{name}` {why}", key=True)
    yield from _unknown(read, at, names_in(entry, snapshot))


def _misshapen_table(read: Read[Any], at: Path, table: TryShape) -> Iterator[Finding]:
    verbs = [each for each in ACTIONS if getattr(table, each) is not None]
    if len(verbs) != 1 or table.who is None:
        message = "a table of calls has `who`, and one of read, write, delete and send"
        yield read.finding(at, "test-incomplete", message)
    elif ("send" in verbs) is (table.to is None):
        message = "`send` needs `to`, and nothing else has it; the others may say `at`"
        yield read.finding(at, "test-incomplete", message)
    elif (table.at and "send" in verbs) or (table.sources and "write" not in verbs):
        message = "`at` is of what is no send, `sources` are of a write"
        yield read.finding(at, "test-incomplete", message)


def _idle(entry: CaseEntry) -> Iterator[tuple[str, str]]:
    """Members that say nothing beside the others, and why."""
    said = {name for name in (*_OF_ANSWERS, "within") if getattr(entry, name) is not None}
    if not entry.try_:
        yield from ((name, "is of calls that are tried") for name in said & {*_OF_ANSWERS})
    elif entry.expect == "deny":
        yield from ((name, "is of what is allowed") for name in said & {*_OF_ALLOWS})
    elif entry.expect == "allow" and "because" in said:
        yield "because", "is of what is denied"
    if "within" in said and not entry.same_as:
        yield "within", "is of `same_as`"
    if "obligations" in said:
        yield from ((name, "adds nothing to `obligations`") for name in said & {*_OF_ALLOWS[1:]})


def _unknown(read: Read[Any], at: Path, names: Iterable[Named]) -> Iterator[Finding]:
    """A finding for each name that the tree does not have."""
    for member, kind, named, known in names:
        for name in named:
            if name not in known:
                message = (
                    f"the tree has no {_WORDS.get(kind, kind)} `{name}`{did_you_mean(name, known)}"
                )
                yield read.finding((*at, *member), f"undeclared-{kind}", message)
