"""How many examples are looked at, and how often something is so among them.

A property about nothing proves nothing, so each has a companion that asks for a `share`.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyd.model.decision import Obligation

Drawn = TypeVar("Drawn")


def more(times: int) -> settings:
    """Settings for a property that needs more examples than others to meet what is rare."""
    return settings(max_examples=times * settings().max_examples)


def fewer(times: int) -> settings:
    """Settings for a property whose examples are dear; a soak or `explore` tries more of them."""
    return settings(max_examples=settings().max_examples // times)


def share(
    strategy: st.SearchStrategy[Drawn], holds: Callable[[Drawn], Iterable[bool]], examples: int
) -> float:
    """The share of what *holds* says of the examples that is true; the same in every run."""
    found: list[bool] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def look(drawn: Drawn) -> None:
        found.extend(holds(drawn))

    look()
    return sum(found) / len(found)


def fields_of(owed: Obligation) -> tuple[str, ...]:
    """The fields that an obligation to treat fields names."""
    fields = owed.properties["fields"]
    assert isinstance(fields, tuple)
    return fields
