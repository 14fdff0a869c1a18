"""Running policy tests: calls are asked of the engine at their moment, promises are proved."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.engine.owners import owner_state
from policyd.model.call import Call
from policyd.model.errors import PolicydError, UsageError
from policyd.model.explanation import Explanation
from policyd.model.facts import Facts
from policyd.model.snapshot import Snapshot
from policyd.policy.suite_shapes import CaseEntry, TryShape
from policyd.review.all_calls import Others, promised
from policyd.review.cells import calls_of, problems, wanted
from policyd.review.decisive import first_to_flip, spoken, without
from policyd.review.suites import PolicyTest


class Verdict(StrEnum):
    """What became of a test.

    `not-proved` is one about all calls that no proof could decide, `error` one that could not
    be asked at all; neither says that anything is as it should be, or is not.
    """

    PASSED = "passed"
    FAILED = "failed"
    NOT_PROVED = "not-proved"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is not as its test says, with everything that decided it.

    Attributes:
        call: A call that shows it; None where it is that no call is allowed.
        wanted: `allow` or `deny`; empty of a test about all calls.
        matched: Rules that speak about the call.
        flip: The first of them without which the answer would be the other one.
    """

    call: Call | None
    wanted: str
    problems: tuple[str, ...]
    explanation: Explanation | None
    matched: tuple[str, ...] = ()
    flip: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One test after its run: how many calls it asked (None: it is about all), and what failed.

    `gaps` has the reasons for which nothing could be proved, or asked.
    """

    test: PolicyTest
    verdict: Verdict
    calls: int | None
    failures: tuple[Failure, ...]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All results, and what rules had to do with them.

    Attributes:
        tried: Rules that speak about at least one call that was asked.
        decisive: Those without which at least one tried call would not be as its test says.
    """

    results: tuple[Result, ...]
    tried: frozenset[str]
    decisive: frozenset[str] = frozenset()

    def count(self, verdict: Verdict) -> int:
        """How many tests came to this."""
        return sum(each.verdict is verdict for each in self.results)


def no_others(name: str) -> Snapshot:
    """Stands where no other version of the tree can be read."""
    raise UsageError(f"there is no `{name}` to compare with here", code="no-others")


@dataclass(slots=True)
class _Run:
    """One run on one tree."""

    engine: Engine
    today: date | None
    others: Others
    tried: set[str]
    decisive: set[str]

    def result(self, test: PolicyTest) -> Result:
        """The result of one test; one that is skipped too long fails."""
        skip = test.entry.skip
        if skip is None:
            return self._asked(test)
        if self.today is None or self.today <= date.fromisoformat(skip.until):
            why = f"{skip.reason} ({skip.owner}, until {skip.until})"
            return Result(test, Verdict.SKIPPED, 0, (), (why,))
        over = f"skipped until {skip.until} by {skip.owner}: run it again, or take it out"
        return Result(test, Verdict.FAILED, 0, (Failure(None, "", (over,), None),))

    def _asked(self, test: PolicyTest) -> Result:
        if test.entry.try_ is not None:
            return self._table(test, test.entry.try_)
        try:
            return self._promise(test)
        except PolicydError as error:
            return Result(test, Verdict.ERROR, None, (), (error.message,))

    def _table(self, test: PolicyTest, table: TryShape) -> Result:
        engine, entry, failures, asked = self.engine, test.entry, [], 0
        now = datetime.fromisoformat(test.now)
        for call in calls_of(table, engine.snapshot.connections):
            case = engine.open(call, now)
            facts = Facts(now, entry.used or {}, owner_state(case))
            asked += 1
            refs = spoken(case)
            self.tried |= {*refs}
            wrong = tuple(problems(entry, call, engine.judge(case, facts)))
            if wrong:
                failures.append(self._failure(entry, call, case, facts, wrong))
                continue
            for ref in refs:
                if ref not in self.decisive and is_missed(engine, entry, case, facts, ref):
                    self.decisive.add(ref)
        return Result(test, Verdict.FAILED if failures else Verdict.PASSED, asked, tuple(failures))

    def _failure(
        self, entry: CaseEntry, call: Call, case: Case, facts: Facts, wrong: tuple[str, ...]
    ) -> Failure:
        told = explain(self.engine, case, facts)
        flip = first_to_flip(self.engine, case, facts)
        return Failure(call, wanted(entry, call), wrong, told, spoken(case), flip)

    def _promise(self, test: PolicyTest) -> Result:
        """The result of a test about all calls."""
        found = promised(self.engine.snapshot, test, self.others)
        failures = tuple(
            Failure(each.call, "", (each.text,), each.explanation, each.matched, each.flip)
            for each in found.breaches
        )
        clean = Verdict.NOT_PROVED if found.gaps else Verdict.PASSED
        return Result(test, Verdict.FAILED if failures else clean, None, failures, found.gaps)


def run(
    engine: Engine,
    tests: Iterable[PolicyTest],
    watch: Callable[[Result], None] = lambda _: None,
    *,
    today: date | None = None,
    others: Others = no_others,
) -> Report:
    """The results of *tests* on the tree of *engine*.

    Args:
        engine: Of the tree.
        tests: To be run.
        watch: Is told of each result as it comes.
        today: By which skipping ends; without it, it does not.
        others: Other versions of the tree, for `same_as`.
    """
    running = _Run(engine, today, others, set(), set())
    results = []
    for test in tests:
        results.append(running.result(test))
        watch(results[-1])
    return Report(tuple(results), frozenset(running.tried), frozenset(running.decisive))


def is_missed(engine: Engine, entry: CaseEntry, case: Case, facts: Facts, ref: str) -> bool:
    """Whether the call of *case* would not be as its test says, were there no rule *ref*."""
    decision = engine.judge(without(case, ref), facts)
    return any(problems(entry, case.asked.call, decision))
