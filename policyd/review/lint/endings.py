"""Lint of what ends: exemptions and modes that are over, last too long, or lift nothing."""

from collections.abc import Iterator
from dataclasses import replace

from policyd.model.exemptions import Exemption
from policyd.model.rules import Mode
from policyd.policy import layout
from policyd.policy.documents import Path
from policyd.proof.moments import Span
from policyd.proof.proving import Region, compare
from policyd.review.lint.rule import INFO, OFF, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject

LONGEST_DAYS = 366


def ended(subject: Subject) -> Iterator[Hit]:
    """Exemptions that are over."""
    for name, each in subject.snapshot.exemptions.items():
        if each.end <= subject.clock:
            path: Path = ("exemptions", name)
            yield Hit(
                subject.place(layout.EXEMPTIONS, path, key=True),
                f"`{name}` ended {each.end:%Y-%m-%d %H:%M}, and lifts nothing any more",
                f"exemption:{name}",
                removes=(path,),
                fix="take it out",
            )


def lasting(subject: Subject) -> Iterator[Hit]:
    """A list that lets exemptions last for more than a year."""
    days = subject.tree.exemptions.content.longest_days
    if days > LONGEST_DAYS:
        message = (
            f"exemptions may last {days} days here; after a year at most someone should have to "
            "say again that one is needed"
        )
        yield Hit(
            subject.place(layout.EXEMPTIONS, ("longest_days",), key=True), message, "longest_days"
        )


def unneeded(subject: Subject) -> Iterator[Hit]:
    """Exemptions that make no difference to any call from now on: proved."""
    snapshot = subject.snapshot
    lasting = {name: e for name, e in snapshot.exemptions.items() if e.end > subject.clock}
    if not lasting:
        return
    old, new = (replace(snapshot, exemptions=each) for each in ({}, lasting))
    found = compare(old, new, span=Span(subject.now))
    if found.gaps:
        return  # not known is no reason to call it unneeded
    for name, each in lasting.items():
        if not any(_is_in(each, region) for region in found.opens):
            message = (
                f"`{name}` makes no difference to any call: something else refuses, or nothing did"
            )
            at = subject.place(layout.EXEMPTIONS, ("exemptions", name), key=True)
            yield Hit(at, message, f"exemption:{name}")


def _is_in(exemption: Exemption, region: Region) -> bool:
    """Whether the exemption may have opened a region."""
    says = exemption.scope
    is_place = not says.to or region.action != "send" or not {*says.to}.isdisjoint(region.places)
    names = says.data.get(region.action, ())
    return not {*says.who}.isdisjoint(region.callers) and (
        not {*names}.isdisjoint(region.data) and is_place
    )


def soft(subject: Subject) -> Iterator[Hit]:
    """Modes and roll-outs that are over."""
    for rule in subject.snapshot.rules.values():
        if rule.softening and rule.softening.until <= subject.clock:
            path = subject.path(rule)
            yield _over(subject, rule.place.file, path, rule.ref, rule.softening.mode)
    for name, unit in subject.snapshot.units.items():
        path = ("units", name)
        if unit.softening and unit.softening.until <= subject.clock:
            yield _over(subject, layout.COMPANY, path, f"unit:{name}", unit.softening.mode)
        if unit.rollout and unit.rollout.until <= subject.clock:
            yield _rolled_out(subject, (*path, "rollout"), f"rollout:{name}")
    company = subject.snapshot.rollout
    if company and company.until <= subject.clock:
        yield _rolled_out(subject, ("rollout",), "rollout:company")


def _over(subject: Subject, file: str, path: Path, about: str, mode: Mode) -> Hit:
    words = tuple((*path, word) for word in ("mode", "mode_until", "mode_owner"))
    message = f"the mode `{mode}` is over; it has been in force since"
    place = subject.place(file, (*path, "mode"), key=True)
    return Hit(place, message, about, removes=words, fix="take the mode out")


def _rolled_out(subject: Subject, path: Path, about: str) -> Hit:
    place = subject.place(layout.COMPANY, path, key=True)
    return Hit(place, "the roll-out is over", about, removes=(path,), fix="take it out")


RULES = (
    LintRule(
        id="PD501",
        name="expired-exemption",
        guardrails=WARNING,
        units=OFF,
        finds="an exemption that is over",
        avoid="EX-2026-009:\n  until: 2026-03-28T22:00     # and today is later",
        prefer="# nothing; the log has what it lifted",
        why="It lifts nothing, and stands in the way of seeing those that do.",
        check=ended,
        is_fixed=True,
    ),
    LintRule(
        id="PD502",
        name="long-exemptions",
        guardrails=WARNING,
        units=OFF,
        finds="a list of exemptions that may last longer than a year",
        avoid="longest_days: 1500",
        prefer="longest_days: 200",
        why="An exemption that nobody has to ask for again is a rule that nobody wrote. One "
        "without an end, or beyond `longest_days`, is refused at load.",
        check=lasting,
    ),
    LintRule(
        id="PD505",
        name="unneeded-exemption",
        guardrails=WARNING,
        units=OFF,
        finds="an exemption without which no call would be decided differently",
        avoid="EX-2026-020:\n  lifts: guardrail:chat-is-no-archive     # which only warns",
        prefer="# nothing",
        why="Somebody asked, two approved, and nothing came of it: either it is not needed, or it "
        "is not what was meant. Decided by proof, for every call from now on.",
        check=unneeded,
    ),
    LintRule(
        id="PD506",
        name="ended-mode",
        guardrails=INFO,
        units=INFO,
        finds="a mode or a roll-out that is over",
        avoid="mode: warn\nmode_until: 2026-06-30     # and today is later",
        prefer="# nothing: without a mode a rule is in force",
        why="The rule refuses, and reads as if it warned.",
        check=soft,
        is_fixed=True,
    ),
)
