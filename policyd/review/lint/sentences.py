"""Lint of rules: those that say nothing, nothing new, or what something else takes back."""

from collections.abc import Iterator

from policyd.engine.resolve import kind_of
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.review.lint.excess import exceeding
from policyd.review.lint.reach import Reach, implied, system
from policyd.review.lint.refusals import refusals
from policyd.review.lint.rule import OFF, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject
from policyd.review.lint.within import covering_rules

_GIVING = (Section.CEILING, Section.ALLOW)
_TOLD = 3


def shadowed(subject: Subject) -> Iterator[Hit]:
    """Rules of which others of their layer say all, the latest first."""
    for rule, found in shadows(subject.reach):
        names = ", ".join(f"`{each.ref}`" for each in found)
        say = "says" if len(found) == 1 else "say"
        message = f"{names} {say} all of it: without it no call is decided differently"
        yield Hit(rule.place, message, rule.ref)


def shadows(reach: Reach) -> Iterator[tuple[Rule, tuple[Rule, ...]]]:
    """Rules that are covered, each with those that cover it; the latest first."""
    gone: set[str] = set()
    for rule in reversed(list(reach.snapshot.rules.values())):
        found = covering_rules(reach, rule, gone)
        if found:
            # INVARIANT: what is covered covers no other, so all of it can be taken out at once.
            gone.add(rule.ref)
            yield rule, found


def overridden(subject: Subject) -> Iterator[Hit]:
    """Rules that let through what is refused elsewhere, all of it."""
    for rule in _giving(subject.snapshot):
        found = refusals(subject.reach, rule)
        if found:
            more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
            message = f"every call that it covers is refused: {', '.join(found[:_TOLD])}{more}"
            yield Hit(rule.place, message, rule.ref)


def vacuous(subject: Subject) -> Iterator[Hit]:
    """Rules that no call could ever be about."""
    snapshot = subject.snapshot
    for rule in snapshot.rules.values():
        why = _contradiction(snapshot, rule.sentence)
        if not why and rule.section in _GIVING and not any(subject.reach.of(rule)):
            why = "nothing in the catalogue is of that kind, level and category"
        if why:
            yield Hit(rule.place, f"no call could be about this: {why}", rule.ref)


def _contradiction(snapshot: Snapshot, says: Sentence) -> str:
    """Two words of a sentence that leave nothing between them."""
    both = sorted(set(says.during) & set(says.outside))
    if says.during and set(says.during) <= set(says.outside):
        return f"it is `during` and `outside` `{both[0]}` at once"
    gone = [not implied(snapshot, each).isdisjoint(says.excepted) for each in says.who]
    if gone and all(gone):
        return "`except` takes out everyone in `who`"
    systems = {system(each) for names in says.data.values() for each in names} - {"*"}
    is_open = any("*" in names for names in says.data.values())
    kind = says.in_systems_of
    if kind and not is_open and not any(kind_of(snapshot, each) == kind for each in systems):
        return f"none of its data lives in systems of {kind}"
    kind = says.to_systems_of
    if kind and says.to and not any(kind_of(snapshot, each) == kind for each in says.to):
        return f"none of its destinations is a system of {kind}"
    return ""


def excess(subject: Subject) -> Iterator[Hit]:
    """What units allow and no guardrail, or not the integration's template, covers."""
    for rule in _giving(subject.snapshot):
        if rule.section is Section.ALLOW:
            beyond: dict[str, list[str]] = {}
            for each in exceeding(subject.reach, rule):
                beyond.setdefault(each.layer, []).append(each.words)
            for layer, found in beyond.items():
                more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
                message = (
                    f"no ceiling of {layer} covers {', '.join(found[:_TOLD])}{more}: it is "
                    "refused all the same; ask for a ceiling, or take it out"
                )
                yield Hit(rule.place, message, f"{rule.ref} {layer}")


def _giving(snapshot: Snapshot) -> Iterator[Rule]:
    return (rule for rule in snapshot.rules.values() if rule.section in _GIVING)


RULES = (
    LintRule(
        id="PD201",
        name="shadowed-rule",
        guardrails=WARNING,
        units=WARNING,
        finds="a rule of which other rules of its layer and section say all",
        avoid="stock:    {who: [order-reader], read: [erp/stock], reason: Stock.}\n"
        "orders:   {who: [order-reader], read: [erp/*], reason: Orders.}",
        prefer="orders:   {who: [order-reader], read: [erp/*], reason: Orders.}",
        why="It decides nothing, and whoever removes it to close something closes nothing. Told "
        "only where the words prove it, whatever is registered.",
        check=shadowed,
    ),
    LintRule(
        id="PD202",
        name="overridden-allow",
        guardrails=WARNING,
        units=WARNING,
        finds="a ceiling or an allow of which every call is refused elsewhere",
        avoid="ceiling:\n  slips-to-partners:\n    who: [payroll-link]\n"
        "    send: [payroll/payslips]\n"
        "    to: [dock-booking]     # a partner: `payroll-stays-home` forbids it",
        prefer="# nothing; or narrow the forbid first",
        why="It looks like a grant, and reviewers count on it. The day the forbid is narrowed for "
        "another reason, it becomes one.",
        check=overridden,
    ),
    LintRule(
        id="PD203",
        name="vacuous-rule",
        guardrails=WARNING,
        units=WARNING,
        finds="a rule that no call could ever be about, since its words leave nothing",
        avoid="who: [sales]\nexcept: [sales]",
        prefer="who: [sales]\nexcept: [sales/campaign-mailer]",
        why="A forbid that never forbids is the most expensive kind of mistake: everyone believes "
        "in it. What merely covers no dataset, or an empty range of levels, is refused at load.",
        check=vacuous,
    ),
    LintRule(
        id="PD204",
        name="unit-exceeds-guardrail",
        guardrails=OFF,
        units=WARNING,
        finds="an allow of a unit that the guardrails, or the integration's template, do not cover",
        avoid="allow:\n  slips:\n    who: [headcount-to-bi]\n    read: [payroll/payslips]"
        "     # the role that IT gave it reads hris",
        prefer="allow:\n  counts:\n    who: [headcount-to-bi]\n    read: [hris/headcount]",
        why="Layers are intersected, so it opens nothing; but it looks granted, and opens the day "
        "a ceiling widens, without anyone in the unit deciding so.",
        check=excess,
    ),
)
