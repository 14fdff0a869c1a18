"""Coverage: which rules policy tests try, and which of them they would miss."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from policyd.model.rules import Place, Rule
from policyd.model.snapshot import Snapshot
from policyd.review.policy_tests import Report

_NOWHERE = Place("", 1, 1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of some rules of a tree, by reference and in order, what tests have to do with them.

    Attributes:
        what: Which rules: `rules`, or `changed rules`.
        decisive: A tried call would not be as its test says, were the rule not there.
        tried: The rule speaks about a tried call, and no test would miss it.
        untried: The rule speaks about none.
    """

    what: str
    decisive: tuple[str, ...]
    tried: tuple[str, ...]
    untried: tuple[str, ...]

    def words(self) -> str:
        """`91 of 106 rules were tried, 80 of them decide a test`."""
        count = len(self.decisive)
        tried = count + len(self.tried)
        return (
            f"{tried} of {tried + len(self.untried)} {self.what} were tried,"
            f" {count} of them decide a test"
        )

    def missing(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is not covered, with a title."""
        yield f"{self.what} that no test tried".capitalize(), self.untried
        yield f"{self.what} that are tried, and that no test would miss".capitalize(), self.tried


def coverage(report: Report, refs: Iterable[str], what: str = "rules") -> Coverage:
    """How *report* covers the rules *refs*."""
    listed = sorted(refs)
    return Coverage(
        what=what,
        decisive=tuple(each for each in listed if each in report.decisive),
        tried=tuple(each for each in listed if each in report.tried - report.decisive),
        untried=tuple(each for each in listed if each not in report.tried),
    )


def changed_rules(base: Snapshot, head: Snapshot) -> frozenset[str]:
    """Rules of *head* that *base* has not, or not in the same words."""
    return frozenset(
        ref
        for ref, rule in head.rules.items()
        if ref not in base.rules or _meaning(rule) != _meaning(base.rules[ref])
    )


def _meaning(rule: Rule) -> Rule:
    """The rule without what changes no decision: its place, its reason, whom to ask."""
    return replace(rule, place=_NOWHERE, reason="", fix=None, owner="")
