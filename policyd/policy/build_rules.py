"""Rules as they are written, compiled into those of a snapshot."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policyd.model.rules import EVERYONE, Limit, Mode, Rule, Sentence, Softening
from policyd.policy import times
from policyd.policy.rule_shapes import (
    ForbidShape,
    GiveShape,
    LimitShape,
    ModalShape,
    RequireShape,
    SentenceShape,
    WhoShape,
)
from policyd.policy.written import Written


class Shared:
    """Values of which the rules of a file that have the same hold one object."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._data: dict[tuple[tuple[str, ...], ...], Mapping[str, tuple[str, ...]]] = {}

    def words(self, words: Iterable[str] | None) -> tuple[str, ...]:
        """The words, none if there are None."""
        found = tuple(words or ())
        return self._words.setdefault(found, found)

    def data(self, says: SentenceShape) -> Mapping[str, tuple[str, ...]]:
        """What the rule says of data, by action."""
        said = (says.read, says.write, says.delete, says.send)
        words = tuple(map(self.words, said))
        found = self._data.get(words)
        if found is None:
            pairs = zip(("read", "write", "delete", "send"), words, strict=True)
            found = self._data[words] = {action: names for action, names in pairs if names}
        return found


def built_rule(rule: Written, shared: Shared) -> Rule:
    """The rule as the snapshot has it."""
    says = rule.says
    return Rule(
        ref=rule.ref,
        layer=rule.layer.name,
        section=rule.section,
        sentence=_sentence(rule, shared),
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


def _sentence(rule: Written, shared: Shared) -> Sentence:
    says, words = rule.says, shared.words
    return Sentence(
        data=shared.data(says),
        who=words(_parties(rule, says.who)) if isinstance(says, WhoShape) else (EVERYONE,),
        excepted=words(_parties(rule, says.except_ or ())) if isinstance(says, WhoShape) else (),
        to=words(says.to),
        to_zone=words(says.to_zone),
        to_systems_of=says.to_systems_of,
        in_systems_of=says.in_systems_of,
        stage=says.stage,
        label_at_least=says.label_at_least,
        label_at_most=says.label_at_most,
        category=words(says.category),
        only_fields=words(says.only_fields) if isinstance(says, GiveShape) else (),
        during=words(says.during),
        outside=words(says.outside),
    )


def _parties(rule: Written, names: Iterable[str]) -> Iterator[str]:
    """The names as the whole tree knows them: a unit's own integrations with their unit."""
    unit, own = rule.layer.unit, rule.layer.own or ()
    return (f"{unit}/{name}" if name in own else name for name in names)


def softening(mode: str | None, until: str | None, owner: str) -> Softening | None:
    """A mode that ends; one without an end, which the checks refuse, softens nothing."""
    if mode is None or until is None or mode == Mode.ENFORCE:
        return None
    return Softening(Mode(mode), times.end(until), owner)
