"""Duties: what matching rules and cells of the flow table ask for, merged into obligations.

The union of all; of two about the same thing the stricter: on one field drop-fields beats tokenise
beats mask, the smaller row-limit, the sooner log-outcome.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from policyd.engine.resolve import Asked
from policyd.model.decision import Obligation
from policyd.model.labels import Treatment
from policyd.model.rules import Mode, Rule

APPROVAL = "approval"
ROW_LIMIT = "row-limit"
LOG_OUTCOME = "log-outcome"
TREATMENTS = (Treatment.MASK.word, Treatment.TOKENISE.word, Treatment.DROP_FIELDS.word)
_MINUTES = {"m": 1, "h": 60}


@dataclass(frozen=True, slots=True)
class Duty:
    """One rule's, or one cell's, duty on this call; `fields` for the treatments of fields.

    A field is None where the call names none, so that the duty is about it all.
    """

    type: str
    rule: str
    mode: Mode = Mode.ENFORCE
    fields: tuple[str | None, ...] = ()
    value: int | str = 0  # rows of a row-limit, duration of a log-outcome, owner of an approval


def duties_of(rule: Rule, asked: Asked, mode: Mode) -> Iterable[Duty]:
    """What a `require` asks of this call; a treatment only of fields in its categories."""
    for kind, value in rule.duties.items():
        if not isinstance(value, tuple):
            yield Duty(kind, rule.ref, mode, value=value)
            continue
        marks = asked.marks.items()
        fields = tuple(f for f, mark in marks if not mark.categories.isdisjoint(value))
        if fields:
            yield Duty(kind, rule.ref, mode, fields=fields)


def merged(duties: Iterable[Duty]) -> tuple[Obligation, ...]:
    """One obligation for each type, by type; approvals are none."""
    treated: dict[str | None, Treatment] = {}
    rest: dict[str, int | str] = {}
    for duty in duties:
        if duty.type in TREATMENTS:
            treatment = Treatment.of(duty.type)
            for field in duty.fields:
                treated[field] = max(treated.get(field, treatment), treatment)
        elif duty.type != APPROVAL:
            rest[duty.type] = min(rest.get(duty.type, duty.value), duty.value, key=weight_of)
    if not treated and not rest:
        return ()
    word = {ROW_LIMIT: "rows", LOG_OUTCOME: "within"}
    owed = [Obligation(kind, {word[kind]: value}) for kind, value in rest.items()]
    owed += [_treatment(each, treated) for each in sorted(set(treated.values()))]
    return tuple(sorted(owed, key=lambda each: each.type))


def _treatment(treatment: Treatment, treated: dict[str | None, Treatment]) -> Obligation:
    fields = sorted(f for f, each in treated.items() if f is not None and each is treatment)
    return Obligation(treatment.word, {"fields": tuple(fields)})


def weight_of(value: int | str) -> int:
    """Rows, or minutes of a duration such as `15m` or `2h`: the less, the stricter."""
    return value if isinstance(value, int) else int(value[:-1]) * _MINUTES[value[-1]]
