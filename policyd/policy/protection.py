"""The default protection of systems of record: three ordinary rules that every tree has.

They are no code of the engine: a policy owner sees them, and a new system of record is covered
by its `kind` alone.
"""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.model.rules import ANYTHING, EVERYONE, Mode
from policyd.policy.rule_shapes import GuardrailForbid, GuardrailLimit
from policyd.policy.tree import Tree

_SAYS = "`write: anything` and `delete: anything`, `in_systems_of: record`"
_FORBID = f"forbid everyone to {_SAYS}"
_WAYS = {
    "in a freeze": ("forbid", f"{_FORBID}, `during` a freeze"),
    "by a trial": ("forbid", f"{_FORBID}, `stage: sandbox`"),
    "without end": ("limit", f"limit everyone's {_SAYS}, to a number of `calls`"),
}


def protection_findings(tree: Tree) -> Iterator[Finding]:
    """What keeps today's and tomorrow's systems of record from being changed is in place."""
    if all(each.kind != "record" for each in tree.systems.content.systems.values()):
        return
    found = set(_ways(tree))
    for way, (section, words) in _WAYS.items():
        if way not in found:
            message = f"nothing keeps systems of record from being changed {way}: {words}"
            yield tree.access.finding((section,), "records-unprotected", message, key=True)


def _ways(tree: Tree) -> Iterator[str]:
    """The ways that are closed."""
    freezes = tree.calendar.content.freezes.keys()
    access = tree.access.content
    for rule in filter(_covers_all, access.forbid.values()):
        if not rule.stage and not freezes.isdisjoint(rule.during or ()):
            yield "in a freeze"
        if rule.stage == "sandbox" and not rule.during:
            yield "by a trial"
    for limit in filter(_covers_all, access.limit.values()):
        if limit.calls and not limit.stage and not limit.during:
            yield "without end"


def _covers_all(rule: GuardrailForbid | GuardrailLimit) -> bool:
    """Whether the rule is in force on every change of every system of record, by everyone."""
    narrowing = (
        rule.except_,
        rule.label_at_least,
        rule.label_at_most,
        rule.category,
        rule.outside,
    )
    return (
        rule.who == [EVERYONE]
        and rule.write == [ANYTHING]
        and rule.delete == [ANYTHING]
        and rule.in_systems_of == "record"
        and rule.mode in {None, Mode.ENFORCE}
        and not any(narrowing)
    )
