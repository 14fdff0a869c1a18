"""The default protection of systems of record: two ordinary rules that every tree has.

They are no code of the engine: a policy owner sees them, and a new system of record is covered
by its `kind` alone.
"""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.model.rules import ANYTHING, EVERYONE
from policyd.policy.rule_shapes import GuardrailForbid
from policyd.policy.tree import Tree

_WAYS = (
    ("in a freeze", "`during` a freeze"),
    ("by a trial", "`stage: sandbox`"),
)


def protection_findings(tree: Tree) -> Iterator[Finding]:
    """What keeps today's and tomorrow's systems of record from being changed is in place."""
    if all(each.kind != "record" for each in tree.systems.content.systems.values()):
        return
    freezes = tree.calendar.content.freezes.keys()
    rules = [rule for rule in tree.access.content.forbid.values() if _covers_all(rule)]
    in_a_freeze = any(
        rule.during and not freezes.isdisjoint(rule.during) and not rule.stage for rule in rules
    )
    by_a_trial = any(rule.stage == "sandbox" and not rule.during for rule in rules)
    for (way, words), is_there in zip(_WAYS, (in_a_freeze, by_a_trial), strict=True):
        if not is_there:
            message = (
                f"nothing keeps systems of record from being changed {way}: forbid everyone to"
                f" `write: anything` and `delete: anything`, `in_systems_of: record`, {words}"
            )
            yield tree.access.finding(("forbid",), "records-unprotected", message, key=True)


def _covers_all(rule: GuardrailForbid) -> bool:
    """Whether the rule is about every change of every system of record, by everyone."""
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
        and not any(narrowing)
    )
