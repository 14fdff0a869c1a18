"""Rules as they are written, compiled into those of a snapshot."""

from collections.abc import Iterable
from typing import Any

from policyd.model.rules import ACTIONS, EVERYONE, Limit, Mode, Rule, Sentence, Softening
from policyd.policy import times
from policyd.policy.rule_shapes import (
    ForbidShape,
    GiveShape,
    LimitShape,
    ModalShape,
    RequireShape,
    WhoShape,
)
from policyd.policy.written import Written


def built_rule(rule: Written) -> Rule:
    """The rule as the snapshot has it."""
    says = rule.says
    return Rule(
        ref=rule.ref,
        layer=rule.layer.name,
        section=rule.section,
        sentence=_sentence(rule),
        owner=rule.owner,
        reason=says.reason,
        fix=says.fix if isinstance(says, ForbidShape | LimitShape) else None,
        place=rule.read.document.place(rule.path, key=True),
        **_taking(rule),
    )


def _taking(rule: Written) -> dict[str, Any]:
    """The members of a rule that takes away."""
    says = rule.says
    if not isinstance(says, ModalShape):
        return {}
    owner = says.mode_owner or rule.owner
    taking: dict[str, Any] = {
        "softening": softening(says.mode, says.mode_until, owner),
        "always": says.always,
        "exemptible": says.exemptible,
    }
    if isinstance(says, RequireShape):
        said = says.obligations.model_dump(by_alias=True, exclude_none=True)
        duties = {kind: tuple(v) if isinstance(v, list) else v for kind, v in said.items()}
        taking["duties"] = duties
    if isinstance(says, LimitShape):
        measure = "rows" if says.rows else "calls"
        amount = says.rows or says.calls or 0
        taking["limit"] = Limit(measure, amount, says.per, says.for_each)
    return taking


def _sentence(rule: Written) -> Sentence:
    says = rule.says
    data = {action: tuple(getattr(says, action) or ()) for action in ACTIONS}
    return Sentence(
        data={action: patterns for action, patterns in data.items() if patterns},
        who=_parties(rule, says.who) if isinstance(says, WhoShape) else (EVERYONE,),
        excepted=_parties(rule, says.except_ or ()) if isinstance(says, WhoShape) else (),
        to=tuple(says.to or ()),
        to_zone=tuple(says.to_zone or ()),
        to_systems_of=says.to_systems_of,
        in_systems_of=says.in_systems_of,
        stage=says.stage,
        label_at_least=says.label_at_least,
        label_at_most=says.label_at_most,
        category=tuple(says.category or ()),
        only_fields=tuple(says.only_fields or ()) if isinstance(says, GiveShape) else (),
        during=tuple(says.during or ()),
        outside=tuple(says.outside or ()),
    )


def _parties(rule: Written, names: Iterable[str]) -> tuple[str, ...]:
    """The names as the whole tree knows them: a unit's own integrations with their unit."""
    unit, own = rule.layer.unit, rule.layer.own or ()
    return tuple(f"{unit}/{name}" if name in own else name for name in names)


def softening(mode: str | None, until: str | None, owner: str) -> Softening | None:
    """A mode that ends; one without an end, which the checks refuse, softens nothing."""
    if mode is None or until is None or mode == Mode.ENFORCE:
        return None
    return Softening(Mode(mode), times.end(until), owner)
