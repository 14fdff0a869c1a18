"""Lint of names: roles, templates and stretches of time that nothing uses."""

from collections.abc import Iterator

from policyd.model.rules import Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy import layout
from policyd.review.lint.reach import implied
from policyd.review.lint.rule import INFO, OFF, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject


def roles(subject: Subject) -> Iterator[Hit]:
    """Roles that make no difference to whoever has them."""
    snapshot = subject.snapshot
    told = {name for says in _sentences(snapshot) for name in (*says.who, *says.excepted)}
    told |= {name for place in snapshot.destinations.values() for name in place.who}
    for name in snapshot.roles:
        brings = implied(snapshot, name) - {name}
        if name not in told and not any(each in told for each in brings & snapshot.roles.keys()):
            message = f"no rule and no destination names `{name}`, or anything that it includes"
            at = subject.place(layout.ROLES, ("roles", name), key=True)
            yield Hit(at, f"{message}: whoever has it may do nothing more", f"role:{name}")


def templates(subject: Subject) -> Iterator[Hit]:
    """Templates of which there is no integration."""
    used = {each.template for each in subject.snapshot.integrations.values()}
    for name in subject.snapshot.templates:
        if name not in used:
            at = subject.place(f"{layout.TEMPLATES}/{name}.yaml", ("title",), key=True)
            yield Hit(at, f"no integration is of the template `{name}`", f"template:{name}")


def windows(subject: Subject) -> Iterator[Hit]:
    """Stretches of time that no rule names."""
    calendar = subject.snapshot.calendar
    told = {
        each
        for rule in subject.snapshot.rules.values()
        for each in (*rule.sentence.during, *rule.sentence.outside)
    }
    for section, names in (("hours", calendar.hours), ("freezes", calendar.freezes)):
        for name in names:
            if name not in told:
                at = subject.place(layout.CALENDAR, (section, name), key=True)
                message = f"no rule names `{name}`: nothing is different while it lasts"
                yield Hit(at, message, f"window:{name}")


def _sentences(snapshot: Snapshot) -> Iterator[Sentence]:
    yield from (each.sentence for each in snapshot.rules.values())


RULES = (
    LintRule(
        id="PD108",
        name="unused-role",
        guardrails=WARNING,
        units=OFF,
        finds="a role that no rule and no destination asks for",
        avoid="fax-sender: {units: [sales], reason: Sends faxes.}     # and no rule names it",
        prefer="# nothing, until a rule names it",
        why="A unit gives it out and believes that something is allowed by it; a reviewer sees a "
        "grant where there is none.",
        check=roles,
    ),
    LintRule(
        id="PD109",
        name="unused-template",
        guardrails=INFO,
        units=OFF,
        finds="a template of which there is no integration",
        avoid="# guardrails/templates/fax-bridge.yaml, and nobody has faxes",
        prefer="# nothing",
        why="Every template is a shape that is approved beforehand. One that nobody uses is read "
        "by nobody, and open to whoever finds it.",
        check=templates,
    ),
    LintRule(
        id="PD110",
        name="unused-window",
        guardrails=WARNING,
        units=OFF,
        finds="a stretch of the calendar that no rule names",
        avoid="freezes:\n  move-of-the-data-centre:     # and no rule says `during` it\n"
        "    - {from: 2026-09-01, until: 2026-09-14, reason: We move.}",
        prefer="freezes:\n  change-freeze:\n"
        "    - {from: 2026-09-01, until: 2026-09-14, reason: We move.}",
        why="Whoever entered it believes that something rests meanwhile. Dates of a freeze that "
        "rules know belong under its name.",
        check=windows,
    ),
)
