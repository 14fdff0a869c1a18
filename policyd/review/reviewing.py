"""Reviewing: two trees in, one `Review` out; nothing is read and no clock is asked on the way."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from policyd import __version__
from policyd.engine.decide import Engine
from policyd.model.errors import PolicyInvalid
from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, ANYTHING, EVERYONE, Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy import tree as policy_tree
from policyd.proof.promises import grants, inside
from policyd.proof.proving import Comparison, Region, Verdict, compare
from policyd.review.all_calls import Others
from policyd.review.artefact import (
    Change,
    FileTold,
    Proof,
    Proved,
    RegionTold,
    Review,
    Routing,
    Tests,
    TestTold,
    Totals,
    Tree,
    UnitTold,
)
from policyd.review.causes import MOST_EXAMPLES
from policyd.review.changes import changes, files_told, suppressed
from policyd.review.lint.registry import levels_of
from policyd.review.lint.running import lint
from policyd.review.lint.subject import Subject, loaded
from policyd.review.notices import Notice, counts, is_blocking, of_finding, ordered
from policyd.review.policy_tests import Report, Result, no_others, run
from policyd.review.policy_tests import Verdict as Tested
from policyd.review.regions import regions_told, with_regions
from policyd.review.replayed import Past, Replayed
from policyd.review.retelling import contradicted, retold
from policyd.review.revisions import Pair, Version
from policyd.review.routing import SLOW, Found, route
from policyd.review.sentences import listed
from policyd.review.suites import suites_in

Sides = tuple[Snapshot, Snapshot]
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
Watch = Callable[[str], None]
"""Told which step begins."""
UNREAD = Proof(
    access=Proved(verdict="not-proved", closing="not-proved", gaps=("the head does not load",)),
    guardrails=Proved(verdict="not-proved", closing="not-proved"),
)


class BaseInvalid(PolicyInvalid):
    """The tree that a change is compared with does not load, so there is nothing to compare."""

    code = "base-invalid"

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.message = (
            f"the base `{name}` does not load ({len(findings)} findings), so nothing was compared: "
            "name a base that does, such as the commit that was published last"
        )


def proved(base: Snapshot, head: Snapshot) -> Comparison:
    """What a head opens and closes against a base, with as many calls as causes are found by."""
    return compare(base, head, examples=MOST_EXAMPLES)


class Given(NamedTuple):
    """What a review is told besides the two trees.

    Attributes:
        now: When it is, for what ends: suppressions, skipped tests. Without it nothing has ended.
        others: Other versions of the tree, for tests that compare with one.
        watch: Is told which step begins.
        prove: Compares the two snapshots.
        past: Calls that were made, to be put to both sides.
    """

    now: datetime | None = None
    others: Others = no_others
    watch: Watch = lambda _: None
    prove: Callable[[Snapshot, Snapshot], Comparison] = proved
    past: Past | None = None


def review(pair: Pair, given: Given = Given()) -> Review:  # noqa: B008 - a value that never changes
    """The review of what changes from the base to the head of a pair.

    Raises:
        BaseInvalid: the base does not load.
    """
    watch = given.watch
    watch("loading both trees")
    base, wrong = loaded(pair.base.files, pair.base.unreadable)
    if base is None:
        raise BaseInvalid(pair.base.name, wrong)
    head, findings = loaded(pair.head.files, pair.head.unreadable)
    if head is None:
        return _unread(pair, base[1], findings)
    return review_of(pair, (base, head), given)


Made = tuple[policy_tree.Tree, Snapshot]
"""What the files of a version come to."""


def review_of(pair: Pair, made: tuple[Made, Made], given: Given) -> Review:
    """The review of a pair whose two trees have been loaded."""
    return _Reviewing(pair, made, given).review()


def _unread(pair: Pair, base: Snapshot, findings: Sequence[Finding]) -> Review:
    """The review of a head that does not load: blocked, and nothing is proved of it."""
    lint = [*map(of_finding, findings)]
    return Review(
        tool=f"policyd {__version__}",
        base=_tree(pair.base, base),
        head=_tree(pair.head, None),
        state="blocked",
        blocked_by=("lint",),
        totals=_totals([], [], len(pair.changed), lint),
        lint=tuple(ordered(lint)),
        tests=Tests(),
        files=tuple(FileTold(each.path, each.how, "changes") for each in pair.changed),
        changes=(),
        proof=UNREAD,
        regions=(),
        routing=Routing(lane=SLOW, grounds=(), approvers=()),
    )


class _Reviewing:
    """One review in the making, of two trees that load."""

    def __init__(self, pair: Pair, made: tuple[Made, Made], given: Given) -> None:
        self._pair, self._given = pair, given
        self._trees = (made[0][0], made[1][0])
        self._sides = (made[0][1], made[1][1])
        self._watch = given.watch

    def review(self) -> Review:
        pair = self._pair
        lint, tests = self._checked()
        changed = changes(pair, self._sides)
        self._watch(f"proving {len(changed)} changes")
        found = self._given.prove(*self._sides)
        self._watch(f"looking for the causes of {len(found.opens) + len(found.closes)} regions")
        regions = regions_told(found, changed, self._sides)
        changed = with_regions(changed, regions)
        files = files_told(pair, changed)
        replay = self._replay(found, regions)
        proof = contradicted(self._proof(found, changed), replay)
        routing = route(
            Found(
                *(self._sides, changed, regions, files, proof),
                keeper=self._trees[0].access.content.owner,
                suppressed=suppressed(pair),
            )
        )
        blocked = _blocked(lint, tests)
        return Review(
            tool=f"policyd {__version__}",
            base=_tree(pair.base, self._sides[0]),
            head=_tree(pair.head, self._sides[1]),
            state=_state(blocked, proof, regions),
            blocked_by=blocked,
            totals=_totals(regions, changed, len(files), lint),
            lint=tuple(ordered(lint)),
            tests=tests,
            files=tuple(files),
            changes=tuple(changed),
            proof=proof,
            regions=tuple(regions),
            routing=routing,
            today=self._given.now.date().isoformat() if self._given.now else None,
            replay=replay,
        )

    def _replay(self, found: Comparison, regions: Sequence[RegionTold]) -> Replayed | None:
        past = self._given.past
        return retold(found, self._sides, regions, past, self._watch) if past else None

    def _checked(self) -> tuple[list[Notice], Tests]:
        """What lint says of the head, by the levels of the base, and what its tests come to."""
        version, head, now = self._pair.head, self._sides[1], self._given.now
        self._watch("running lint and the tests of the head")
        tests, findings = suites_in(version.suites, version.unreadable_suites, head)
        subject = Subject(version.files, self._trees[1], head, tests, now or _NO_TIME)
        found = lint(subject, levels_of(self._trees[0].company))
        day = now.astimezone(head.calendar.zone).date() if now else None
        report = run(Engine(head), tests, today=day, others=self._given.others)
        return [*map(of_finding, findings), *found], _tested(report)

    def _proof(self, found: Comparison, changed: Sequence[Change]) -> Proof:
        access = _proved(found)
        deciding = [each for each in changed if each.decides]
        guardrails = Proved(verdict="proved", closing="proved")
        if any(each.unit is None for each in deciding):
            self._watch("proving what the guardrails grant")
            guardrails = _proved(grants(*self._sides))
        units = sorted({each.unit for each in deciding if each.unit})
        told = tuple(self._unit(unit, found.opens) for unit in units)
        return Proof(access=access, guardrails=guardrails, units=told)

    def _unit(self, unit: str, opens: Sequence[Region]) -> UnitTold:
        """Whether what a changed unit may do now is what the guardrails of the base grant it.

        What it could do before it was granted before, so only what opens for it is looked at.
        """
        base, head = self._sides
        mine = [each for each in opens if any(_unit_of(name) == unit for name in each.callers)]
        if not mine:
            return UnitTold(unit=unit, verdict=str(Verdict.PROVED))
        self._watch(f"proving that unit {unit} stays inside the guardrails")
        names = {name for each in mine for name in each.callers if _unit_of(name) == unit}
        callers = {name: head.integrations[name] for name in names if name in head.integrations}
        about = replace(head, integrations=callers)
        found = inside(base, about, within=_speaking_of(mine))
        told = tuple(
            f"{listed(each.callers)} {each.action} {listed(each.data)}" for each in found.opens
        )
        return UnitTold(unit=unit, verdict=str(found.verdict), told=(*told, *found.gaps))


def _unit_of(name: str) -> str:
    """The unit of an integration."""
    return name.partition("/")[0]


def _speaking_of(regions: Sequence[Region]) -> Sentence:
    """A sentence about the data of all calls in some regions."""
    data: dict[str, set[str]] = defaultdict(set)
    for each in regions:
        is_any = each.action not in ACTIONS  # a roll-out lets all of them pass
        for action in ACTIONS if is_any else (each.action,):
            data[action].update((ANYTHING,) if is_any else each.data)
    return Sentence({action: tuple(sorted(names)) for action, names in data.items()}, (EVERYONE,))


def _proved(found: Comparison) -> Proved:
    return Proved(verdict=str(found.verdict), closing=str(found.closing), gaps=found.gaps)


def _tree(version: Version, snapshot: Snapshot | None) -> Tree:
    digest = snapshot.digest if snapshot else None
    return Tree(name=version.name, commit=version.commit, snapshot=digest)


def _tested(report: Report) -> Tests:
    told = [
        TestTold(
            file=each.test.place.file,
            line=each.test.place.line,
            suite=each.test.suite,
            it=each.test.entry.it,
            verdict=str(each.verdict),
            problems=_problems(each),
        )
        for each in report.results
        if each.verdict not in {Tested.PASSED, Tested.SKIPPED}
    ]
    return Tests(
        passed=report.count(Tested.PASSED),
        failed=report.count(Tested.FAILED),
        not_proved=report.count(Tested.NOT_PROVED),
        errors=report.count(Tested.ERROR),
        skipped=report.count(Tested.SKIPPED),
        told=tuple(sorted(told)),
    )


def _problems(result: Result) -> tuple[str, ...]:
    """What went wrong in a test, each once."""
    problems = (each for failure in result.failures for each in failure.problems)
    return tuple(dict.fromkeys((*problems, *result.gaps)))


def _blocked(lint: Sequence[Notice], tests: Tests) -> tuple[str, ...]:
    by = {"lint": any(map(is_blocking, lint)), "tests": bool(tests.failed)}
    return tuple(name for name, is_so in by.items() if is_so)


def _state(blocked: Sequence[str], proof: Proof, regions: Sequence[RegionTold]) -> str:
    """The headline: what is worst of all that is so."""
    sides = {each.side for each in regions}
    if blocked:
        return "blocked"
    if proof.access.verdict in {Verdict.NOT_PROVED, Verdict.MAYBE}:
        return "not-proved"
    if "opens" in sides:
        return "opens"
    if proof.access.gaps:
        return "not-proved"
    return "closes" if sides else "same"


def _totals(
    regions: Sequence[RegionTold], changed: Sequence[Change], files: int, lint: Sequence[Notice]
) -> Totals:
    weights = counts(lint)

    def count(side: str, *kinds: str) -> int:
        return sum(each.side == side and each.kind in kinds for each in regions)

    return Totals(
        opens=count("opens", "opens", "roll-out"),
        closes=count("closes", "opens", "roll-out"),
        duties_lost=count("opens", "duty"),
        duties_added=count("closes", "duty"),
        limits_raised=count("opens", "limit"),
        limits_lowered=count("closes", "limit"),
        changes=len(changed),
        deciding=sum(each.decides for each in changed),
        files=files,
        errors=weights["error"],
        warnings=weights["warning"],
        suppressed=weights["suppressed"],
    )
