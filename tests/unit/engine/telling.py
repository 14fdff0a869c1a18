"""What tests of explanations say."""

from collections.abc import Callable
from typing import Any

from policyd.model.explanation import Check, Explanation

Explain = Callable[..., Explanation]
Change = dict[str, Any] | None


def check(explained: Explanation, name: str) -> Check:
    """The check of that name."""
    return next(each for each in explained.checks if each.name == name)


def near(found: Check) -> list[str]:
    """Each near rule or listing with the words it misses."""
    return [
        f"{each.ground.ref}: {' '.join(miss.word for miss in each.misses)}" for each in found.near
    ]
