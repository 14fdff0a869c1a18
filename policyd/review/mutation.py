"""Mutation: would the tests notice if a rule were written a little differently?

A mutant that no test notices is put to the proof: if it decides every call of the registered
integrations as the tree does, it is no slip at all; else a call that it decides differently is the
test that is missing. Moments before the first one that a test names do not count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.call import Call
from policyd.model.errors import PolicydError
from policyd.model.facts import Facts
from policyd.model.rules import ANYTHING, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.moments import Span
from policyd.proof.proving import Comparison, compare
from policyd.review.all_calls import Others, is_proved, promised, sentence, words
from policyd.review.cells import calls_of, problems
from policyd.review.mutants import Mutant, mutants_of
from policyd.review.policy_tests import no_others
from policyd.review.suites import PolicyTest
from policyd.review.written_cases import written

BUDGET = 500
"""Mutants that are tried; more are counted only."""
_STEPS = 100_000  # of each proof


class Fate(StrEnum):
    """What became of a mutant.

    `equivalent` is one that decides every call of the registered integrations as the tree does;
    `undecided` is one that no test notices, and of which nothing was proved.
    """

    NOTICED = "noticed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One mutant after its trial.

    Attributes:
        mutant: It.
        fate: What became of it.
        by: The first test that notices it, as `file:line`.
        region: What it decides differently, in words.
        missing: A test that would notice it, as YAML.
        gaps: Why nothing was proved.
    """

    mutant: Mutant
    fate: Fate
    by: str | None = None
    region: str | None = None
    missing: str | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """All outcomes, and how many mutants were left out for want of budget."""

    outcomes: tuple[Outcome, ...]
    left_out: int

    def count(self, fate: Fate) -> int:
        """How many mutants came to this."""
        return sum(each.fate is fate for each in self.outcomes)

    @property
    def percent(self) -> int:
        """Of the mutants that decide something differently, how many are noticed; 100 of none."""
        noticed, survived = self.count(Fate.NOTICED), self.count(Fate.SURVIVED)
        return 100 * noticed // (noticed + survived) if noticed + survived else 100

    def words(self) -> str:
        """`12 of 15 slips are noticed (80 %), 9 change nothing`."""
        noticed, survived = self.count(Fate.NOTICED), self.count(Fate.SURVIVED)
        parts = [f"{noticed} of {noticed + survived} slips are noticed ({self.percent} %)"]
        counts = {
            "change nothing": self.count(Fate.EQUIVALENT),
            "could not be decided": self.count(Fate.UNDECIDED),
            "were left out": self.left_out,
        }
        parts += [f"{count} {what}" for what, count in counts.items() if count]
        return ", ".join(parts)

    def survivors(self) -> Iterator[Outcome]:
        """What no test notices."""
        return (each for each in self.outcomes if each.fate is Fate.SURVIVED)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One call of a test, ready to be asked."""

    test: PolicyTest
    call: Call
    facts: Facts


def mutate(
    engine: Engine,
    tests: Iterable[PolicyTest],
    refs: Iterable[str],
    watch: Callable[[Outcome], None] = lambda _: None,
    *,
    others: Others = no_others,
    budget: int = BUDGET,
) -> Score:
    """What *tests*, which pass on the tree of *engine*, make of mutants of the rules *refs*.

    Args:
        engine: Of the tree.
        tests: Those that pass.
        refs: Rules.
        watch: Is told of each outcome as it comes.
        others: Other versions of the tree, for `same_as`.
        budget: Mutants to try.
    """
    snapshot = engine.snapshot
    levels = snapshot.vocabulary.levels
    mutants = [m for ref in sorted(refs) for m in mutants_of(snapshot.rules[ref], levels)]
    trial = _Trial(engine, [each for each in tests if not each.entry.skip], others)
    outcomes = []
    for mutant in mutants[:budget]:
        outcomes.append(trial.outcome(mutant))
        watch(outcomes[-1])
    return Score(tuple(outcomes), max(0, len(mutants) - budget))


class _Trial:
    """Puts mutants to the tests of one tree."""

    def __init__(self, engine: Engine, tests: Sequence[PolicyTest], others: Others) -> None:
        self._engine = engine
        self._others = others
        self._cells = [cell for test in tests if test.entry.try_ for cell in _cells(engine, test)]
        self._promises = [test for test in tests if not test.entry.try_]
        moments = [datetime.fromisoformat(test.now) for test in tests]
        self._span = Span(min(moments, default=None))

    def outcome(self, mutant: Mutant) -> Outcome:
        """What becomes of a mutant; the cheapest first: calls, the difference, promises."""
        snapshot = mutant.on(self._engine.snapshot)
        other = self._engine.successor(snapshot)
        cell = next((each for each in self._cells if _is_noticed(other, each)), None)
        if cell:
            return Outcome(mutant, Fate.NOTICED, by=_place(cell.test))
        found = compare(self._engine.snapshot, snapshot, span=self._span, budget=_STEPS)
        is_equal = is_proved(found)
        promises = (each for each in self._promises if self._is_asked(each, mutant, is_equal))
        promise = next((each for each in promises if self._is_broken(snapshot, each)), None)
        if promise:
            return Outcome(mutant, Fate.NOTICED, by=_place(promise))
        return Outcome(mutant, Fate.EQUIVALENT) if is_equal else self._survivor(mutant, found)

    def _is_asked(self, test: PolicyTest, mutant: Mutant, is_equal: bool) -> bool:  # noqa: FBT001 - of one call
        """Whether the mutant could break a promise.

        Only `never` is about what units could have and not about what they have; and what only
        says that something is not allowed is not broken by what only closes.
        """
        is_prohibition = bool(test.entry.never or test.entry.only)
        if (is_equal and not test.entry.never) or (is_prohibition and not mutant.opens):
            return False
        rule = self._engine.snapshot.rules[mutant.ref]
        return any(_is_about(test, each.sentence) for each in (rule, mutant.rule) if each)

    def _is_broken(self, snapshot: Snapshot, test: PolicyTest) -> bool:
        try:
            return bool(promised(snapshot, test, self._others).breaches)
        except PolicydError:
            return False  # as the run of the tests says

    def _survivor(self, mutant: Mutant, found: Comparison) -> Outcome:
        shown = [each for each in (*found.opens, *found.closes) if each.is_shown]
        if not shown:
            gaps = found.gaps or ("a call that should show it does not: please report it",)
            return Outcome(mutant, Fate.UNDECIDED, gaps=gaps)
        region, what = shown[0], words(shown[0])
        facts = region.witness.facts
        # Where a limit makes the difference, by the count at which the stricter side refuses.
        strict, other = facts if region in found.opens else facts[::-1]
        used = {**other.used, **strict.used}
        why = f"{mutant.ref} with {mutant.slip} is not noticed"
        missing = written(self._engine, region.witness.call, strict.now, used, why)
        return Outcome(mutant, Fate.SURVIVED, region=what, missing=missing)


def _cells(engine: Engine, test: PolicyTest) -> Iterator[_Cell]:
    now = datetime.fromisoformat(test.now)
    assert test.entry.try_  # noqa: S101 - those that have a table
    for call in calls_of(test.entry.try_, engine.snapshot.connections):
        case = engine.open(call, now)
        yield _Cell(test, call, Facts(now, test.entry.used or {}, owner_state(case)))


def _is_noticed(engine: Engine, cell: _Cell) -> bool:
    decision = engine.decide(cell.call, cell.facts)
    return any(problems(cell.test.entry, cell.call, decision))


def _is_about(test: PolicyTest, rule: Sentence) -> bool:
    """Whether a rule that says so could matter to what a test says of all calls."""
    entry = test.entry
    says = entry.never or entry.may or entry.within
    if says is None:
        return True
    asked = sentence(says).data
    if "write" in asked and "send" in rule.data:
        return True  # sources of a write are judged as sends
    return any(
        _overlap(one, two)
        for action, patterns in asked.items()
        for one in patterns
        for two in rule.data.get(action, ())
    )


def _overlap(one: str, two: str) -> bool:
    """Whether two patterns have data in common.

    >>> _overlap("erp/*", "erp/orders"), _overlap("erp/orders", "crm/*"), _overlap("*", "a/b")
    (True, False, True)
    """
    return any(
        wide in {ANYTHING, narrow} or (wide.endswith("/*") and narrow.startswith(wide[:-1]))
        for wide, narrow in ((one, two), (two, one))
    )


def _place(test: PolicyTest) -> str:
    return f"{test.place.file}:{test.place.line}"
