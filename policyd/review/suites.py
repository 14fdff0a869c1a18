"""Policy tests as they are written: read with positions, every name in them checked."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policyd.model.codes import CODES
from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, ANYTHING, Place
from policyd.model.snapshot import Snapshot
from policyd.policy import folder, layout
from policyd.policy.documents import Path
from policyd.policy.fitting import Read, fit
from policyd.policy.suite_shapes import CaseEntry, SentenceOfCalls, SuiteFile, TryShape
from policyd.policy.wording import did_you_mean

_MEMBERS = ("try_", "expect", "allow_only", "never", "only", "may")
_KINDS = ({"try_", "expect"}, {"try_", "allow_only"}, {"never"}, {"only", "may"})


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One entry of a suite: where it stands, and the moment at which its calls are asked."""

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
    for name in sorted(filter(layout.is_suite, files)):
        read, wrong = fit(name, files[name], SuiteFile)
        findings += wrong
        if not wrong:
            findings += [*_misshapen(read), *_unknown(read, snapshot)]
            tests += _tests(read)
    return tests, sorted(findings)


def _tests(read: Read[SuiteFile]) -> Iterator[PolicyTest]:
    suite = read.content
    for index, entry in enumerate(suite.tests):
        place = read.document.place(("tests", index))
        yield PolicyTest(suite.suite, entry, entry.now or suite.now, place)


def _misshapen(read: Read[SuiteFile]) -> Iterator[Finding]:
    """A finding for each entry that does not say one whole thing; it would hold whatever comes."""
    for index, entry in enumerate(read.content.tests):
        at = ("tests", index)
        said = {name for name in _MEMBERS if getattr(entry, name) is not None}
        if said not in _KINDS:
            message = "say `try` with `expect` or `allow_only`, or `never`, or `only` with `may`"
            yield read.finding(at, "test-incomplete", message)
        elif entry.try_:
            yield from _misshapen_table(read, (*at, "try"), entry.try_)


def _misshapen_table(read: Read[SuiteFile], at: Path, table: TryShape) -> Iterator[Finding]:
    verbs = [each for each in ACTIONS if getattr(table, each) is not None]
    if len(verbs) != 1:
        message = "a table of calls has one of read, write, delete and send"
        yield read.finding(at, "test-incomplete", message)
    elif ("send" in verbs) is (table.to is None):
        message = "`send` needs `to`, and nothing else has it; the others may say `at`"
        yield read.finding(at, "test-incomplete", message)


def _unknown(read: Read[SuiteFile], snapshot: Snapshot) -> Iterator[Finding]:
    """A finding for each name in the suite that the tree does not have."""
    for index, entry in enumerate(read.content.tests):
        for member, kind, names, known in _names(entry, snapshot):
            for name in names:
                if name not in known:
                    message = f"the tree has no {kind} `{name}`{did_you_mean(name, known)}"
                    at: Path = ("tests", index, *member)
                    yield read.finding(at, f"undeclared-{kind}", message)


Member = tuple[str, ...]
Named = tuple[Member, str, Iterable[str], frozenset[str]]


def _names(entry: CaseEntry, snapshot: Snapshot) -> Iterator[Named]:
    """The names in *entry*: where they stand, what they name, and what there is of it."""
    because = set(entry.because or ())
    integrations, rules = frozenset(snapshot.integrations), frozenset(snapshot.rules)
    cells = {
        f"zone:{zone.name}/{column}"
        for zone in snapshot.zones.values()
        for column in ("clearance", *zone.treatments)
    }
    reasons = frozenset(CODES) | rules | cells | {f"destination:{n}" for n in snapshot.destinations}
    if entry.try_:
        yield from _names_of_calls(entry.try_, because, snapshot)
    exempt = frozenset(snapshot.exemptions)
    yield ("because",), "reason", because, reasons
    yield ("would_deny",), "reason", entry.would_deny or (), reasons
    yield ("used",), "limit", entry.used or (), rules
    yield ("lifted",), "exemption", entry.lifted or (), exempt
    yield ("only",), "integration", entry.only or (), integrations
    for member, says in (("never", entry.never), ("may", entry.may)):
        if says:
            yield from _names_of_sentence(member, says, snapshot)


def _names_of_sentence(member: str, says: SentenceOfCalls, snapshot: Snapshot) -> Iterator[Named]:
    """The names in a sentence about all calls: nothing would ever be allowed of what is not."""
    systems = {f"{name}/*" for name in snapshot.systems}
    data = frozenset({ANYTHING, *snapshot.datasets, *systems})
    for action in ACTIONS:
        yield (member, action), "dataset", getattr(says, action) or (), data
    yield (member, "to"), "destination", says.to or (), frozenset(snapshot.destinations)
    yield (member, "to_zone"), "zone", says.to_zone or (), frozenset(snapshot.zones)
    yield (member, "category"), "category", says.category or (), snapshot.vocabulary.categories


def _names_of_calls(table: TryShape, because: set[str], snapshot: Snapshot) -> Iterator[Named]:
    """The names in a table; what nobody registered may be named to see it refused as that."""
    if "integration-unregistered" not in because:
        yield ("try", "who"), "integration", table.who, frozenset(snapshot.integrations)
    for action in ACTIONS:
        data = getattr(table, action) or ()
        if "dataset-unknown" not in because:
            yield ("try", action), "dataset", data, frozenset(snapshot.datasets)
    for member in ("to", "at"):
        names = [each for each in getattr(table, member) or () if "://" not in each]
        yield ("try", member), "connection", names, frozenset(snapshot.connections)
