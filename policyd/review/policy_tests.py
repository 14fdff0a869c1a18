"""Running policy tests: each call of a table is asked of the engine, at its moment."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product

from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.engine.owners import owner_state
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Reason
from policyd.model.explanation import Explanation
from policyd.model.facts import Facts
from policyd.model.rules import ACTIONS, Mode
from policyd.policy.suite_shapes import CaseEntry, TryShape
from policyd.proof.proving import Verdict as Proved
from policyd.review.all_calls import regions_against, words
from policyd.review.all_calls import told as explained
from policyd.review.suites import PolicyTest

ALL_DUTIES = ("mask", "tokenise", "drop-fields", "row-limit", "log-outcome")
_METHODS = {"read": "GET", "delete": "DELETE"}


class Verdict(StrEnum):
    """What became of a test; `not-proved` is one about all calls that no proof could decide."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PROVED = "not-proved"


_VERDICTS = {
    Proved.PROVED: Verdict.PASSED,
    Proved.WIDENS: Verdict.FAILED,
    Proved.MAYBE: Verdict.NOT_PROVED,
    Proved.NOT_PROVED: Verdict.NOT_PROVED,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not come out as its test says, with everything that decided it."""

    call: Call
    wanted: str
    problems: tuple[str, ...]
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Result:
    """One test after its run: how many calls it asked (None: it is about all), and what failed.

    `gaps` has the reasons for which nothing could be proved.
    """

    test: PolicyTest
    verdict: Verdict
    calls: int | None
    failures: tuple[Failure, ...]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All results, and which rules spoke about at least one call that was asked."""

    results: tuple[Result, ...]
    tried: frozenset[str]

    def count(self, verdict: Verdict) -> int:
        """How many tests came to this."""
        return sum(each.verdict is verdict for each in self.results)


def run(
    engine: Engine, tests: Iterable[PolicyTest], watch: Callable[[Result], None] = lambda _: None
) -> Report:
    """The results of *tests* on the tree of *engine*; *watch* is told of each as it comes."""
    results: list[Result] = []
    tried: set[str] = set()
    for test in tests:
        result = _run(engine, test, tried)
        results.append(result)
        watch(result)
    return Report(tuple(results), frozenset(tried))


def _run(engine: Engine, test: PolicyTest, tried: set[str]) -> Result:
    table = test.entry.try_
    if table is None:
        return _proved(engine, test)
    failures, asked = [], 0
    now = datetime.fromisoformat(test.now)
    for call in _calls(table, engine.snapshot.connections):
        case = engine.open(call, now)
        facts = Facts(now, test.entry.used or {}, owner_state(case))
        tried |= _spoken(case)
        problems = tuple(_problems(test.entry, call, engine.judge(case, facts)))
        asked += 1
        if problems:
            told = explain(engine, case, facts)
            failures.append(Failure(call, _wanted(test.entry, call), problems, told))
    return Result(test, Verdict.FAILED if failures else Verdict.PASSED, asked, tuple(failures))


def _proved(engine: Engine, test: PolicyTest) -> Result:
    """The result of a test about all calls."""
    found = regions_against(engine.snapshot, test)
    verdict = _VERDICTS[found.verdict]
    failures = tuple(
        Failure(region.witness.call, "deny", (f"expected deny, got allow: {words(region)}",), told)
        for region, told in explained(found)
    )
    unsure = ("a call that should show it does not: please report it",)
    gaps = found.gaps or (unsure if found.verdict is Proved.MAYBE else ())
    return Result(test, verdict, None, failures if verdict is Verdict.FAILED else (), gaps)


def _calls(table: TryShape, connections: Mapping[str, str]) -> Iterator[Call]:
    """One call for each integration, dataset and place of the table."""
    action = next(each for each in ACTIONS if getattr(table, each))
    data: list[str] = getattr(table, action)
    places: list[str | None] = [*(table.to or table.at or ())] or [None]
    for who, what, where in product(table.who, data, places):
        system = f"{what.partition('/')[0]}/"
        home = (name for name in connections if name.startswith(system))
        yield Call(
            Entity("integration", who),
            action,
            Entity("dataset", what),
            fields=tuple(table.fields or ()),
            endpoint=where or next(home, None),
            path=table.path,
            method=table.method or _METHODS.get(action, "POST"),
            rows=table.rows,
            supported_obligations=ALL_DUTIES if table.can is None else tuple(table.can),
        )


def _wanted(entry: CaseEntry, call: Call) -> str:
    """`allow` or `deny`: of `allow_only`, what is not listed is denied."""
    parts = {"who": call.subject.id, "data": call.resource.id, "to": call.endpoint}
    listed = [each.model_dump(exclude_none=True) for each in entry.allow_only or ()]
    is_listed = any(each.items() <= parts.items() for each in listed)
    return "allow" if entry.expect == "allow" or is_listed else "deny"


def _problems(entry: CaseEntry, call: Call, decision: Decision) -> Iterator[str]:
    """What *decision* has in another way than *entry* says; what it does not say is free."""
    wanted, is_so = _wanted(entry, call), "allow" if decision.allow else "deny"
    if wanted != is_so:
        yield f"expected {wanted}, got {is_so}"
        return
    soft = decision.softened
    warned = _named(each for each in soft if each.mode is Mode.WARN)
    if not decision.allow:
        yield from _missing("because", entry.because, _named(decision.reasons))
    elif entry.obligations is not None:
        yield from _other_obligations(entry.obligations, decision)
    yield from _missing("advice", entry.advice, warned | {each.type for each in decision.advice})
    observed = _named(each for each in soft if each.mode is Mode.OBSERVE)
    yield from _missing("would_deny", entry.would_deny, observed)
    lifted = {each.exemption for each in soft if each.exemption}
    yield from _missing("lifted", entry.lifted, lifted)


def _missing(word: str, wanted: Iterable[str] | None, found: set[str]) -> Iterator[str]:
    absent = [each for each in wanted or () if each not in found]
    if absent:
        got = ", ".join(sorted(found)) or "nothing"
        yield f"{word}: expected {', '.join(absent)}; got {got}"


def _other_obligations(wanted: Mapping[str, object], decision: Decision) -> Iterator[str]:
    owed = {each.type: next(iter(each.properties.values())) for each in decision.obligations}
    found = {kind: [*each] if isinstance(each, tuple) else each for kind, each in owed.items()}
    if found != dict(wanted):
        yield f"obligations: expected {dict(wanted)}; got {found}"


def _named(reasons: Iterable[Reason]) -> set[str]:
    """Codes and rules."""
    return {name for each in reasons for name in (each.code, each.rule) if name}


def _spoken(case: Case) -> set[str]:
    """Rules of every layer that speak about the call."""
    layers = case.layers
    asked = (layers.guardrail, layers.template, layers.unit, layers.data_owner)
    return {ref for each in asked if each for part in each for ref in part}
