"""What one rule does for one call: the decision as it would be without that rule."""

from collections.abc import Iterator

from policyd.engine.access import Matches
from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.model.facts import Facts


def spoken(case: Case) -> tuple[str, ...]:
    """Rules of every layer that speak about the call, in the order in which layers are asked."""
    layers = case.layers
    asked = [layers.guardrail, layers.template, layers.unit, layers.data_owner]
    for source in case.sources:
        asked += [source.guardrail, source.data_owner]
    return tuple(dict.fromkeys(ref for each in asked if each for part in each for ref in part))


def without(case: Case, ref: str) -> Case:
    """The case as it would be if the tree had no rule *ref*."""
    layers = case.layers
    return case._replace(
        layers=layers._replace(
            guardrail=_less(layers.guardrail, ref),
            template=_less(layers.template, ref) if layers.template else None,
            unit=_less(layers.unit, ref),
            data_owner=_less(layers.data_owner, ref),
        ),
        sources=tuple(
            each._replace(
                guardrail=_less(each.guardrail, ref), data_owner=_less(each.data_owner, ref)
            )
            for each in case.sources
        ),
        prospect=case.prospect._replace(
            limits=tuple(each for each in case.prospect.limits if each[0].ref != ref),
            outlook=None,  # it was found with the rule
        ),
    )


def first_to_flip(engine: Engine, case: Case, facts: Facts) -> str | None:
    """The first rule without which the answer to *case* would be the other one."""
    is_allowed = engine.judge(case, facts).allow
    each_without = ((ref, engine.judge(without(case, ref), facts)) for ref in spoken(case))
    return next((ref for ref, decision in each_without if decision.allow is not is_allowed), None)


def _less(found: Matches, ref: str) -> Matches:
    return Matches(*_parts(found, ref))


def _parts(found: Matches, ref: str) -> Iterator[tuple[str, ...]]:
    return (tuple(each for each in part if each != ref) for part in found)
