"""Whether the words of one rule go together, whatever the rest of the tree says."""

from collections.abc import Iterator
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, Mode
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.guardrail_shapes import UnitEntry
from policyd.policy.rule_shapes import (
    GiveShape,
    LimitShape,
    ModalShape,
    Obligations,
    RequireShape,
    ScopeShape,
    SentenceShape,
)
from policyd.policy.written import Written


def wording_findings(rule: Written) -> Iterator[Finding]:
    """The words that *rule* needs, and those that need another."""
    read, path, says = rule.read, rule.path, rule.says
    yield from action_findings(read, path, says, key=True)
    yield from _places(rule)
    if isinstance(says, ModalShape):
        yield from mode_findings(read, path, says)
    if isinstance(says, LimitShape):
        yield from _limit(rule, says)
    if isinstance(says, RequireShape) and not says.obligations.model_fields_set:
        kinds = ", ".join(kind for kind in _kinds())
        message = f"the rule asks for nothing; add one of {kinds}"
        yield read.finding((*path, "obligations"), "bad-rule", message)


def action_findings(
    read: Read[Any], path: Path, says: SentenceShape | ScopeShape, *, key: bool
) -> Iterator[Finding]:
    """The sentence names an action, and says where to only of a send."""
    if not any(getattr(says, action) for action in ACTIONS):
        message = f"the rule says nothing; add one of {', '.join(ACTIONS)}"
        yield read.finding(path, "bad-rule", message, key=key)
    for word in ("to", "to_zone", "to_systems_of"):
        if getattr(says, word, None) and not says.send:
            message = f"`{word}` speaks about `send`, which the rule does not have"
            yield read.finding((*path, word), "bad-rule", message, key=True)


def _places(rule: Written) -> Iterator[Finding]:
    read, path, says = rule.read, rule.path, rule.says
    if says.to and says.to_zone:
        message = "the rule has `to`, which says all that `to_zone` could; remove one"
        yield read.finding((*path, "to_zone"), "bad-rule", message, key=True)
    if isinstance(says, GiveShape) and says.send and not (says.to or says.to_zone):
        message = "a rule that lets data out says where to: add `to` or `to_zone`"
        yield read.finding((*path, "send"), "bad-rule", message, key=True)


def mode_findings(read: Read[Any], path: Path, says: ModalShape | UnitEntry) -> Iterator[Finding]:
    """A mode has a last day, and only a mode has one."""
    if says.mode not in {None, Mode.ENFORCE}:
        if says.mode_until is None:
            message = f"`{says.mode}` has to end: add `mode_until`, its last day"
            yield read.finding((*path, "mode"), "mode-without-end", message)
        return
    for word in ("mode_until", "mode_owner"):
        if getattr(says, word, None):
            message = f"`{word}` belongs to a `mode` of warn or observe; add one, or remove it"
            yield read.finding((*path, word), "mode-without-end", message, key=True)


def _limit(rule: Written, says: LimitShape) -> Iterator[Finding]:
    """Exactly one number, of something that there can be more of."""
    if says.rows and says.calls:
        message = "a limit counts one thing, and this one has `rows`, too; make them two limits"
        yield rule.read.finding((*rule.path, "calls"), "bad-rule", message, key=True)
    elif not (says.rows or says.calls):
        message = "the limit has no number; add `rows` or `calls`"
        yield rule.read.finding(rule.path, "bad-rule", message, key=True)
    elif says.calls and says.per == "call":
        message = "a call is never more than one; limit `rows`, or calls per hour, day or month"
        yield rule.read.finding((*rule.path, "per"), "bad-rule", message)


def _kinds() -> Iterator[str]:
    for name, field in Obligations.model_fields.items():
        yield field.alias or name
