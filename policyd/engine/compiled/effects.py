"""How the rules that match become one answer, and which of them explains it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from casbin.effect import (
    AllowAndDenyEffector,
    AllowOverrideEffector,
    DenyOverrideEffector,
    PriorityEffector,
)

from policyd.engine.compiled.errors import NotCompiled

Verdict = tuple[bool, int]
"""Whether it is allowed, and the position of the rule that explains it, or -1."""


@dataclass(frozen=True)
class Effect:
    """A policy effect.

    Attributes:
        decisive: Effects of which the first one answers.
        otherwise: The answer without any such; None: whether a rule that matches allows.
    """

    decisive: frozenset[str]
    otherwise: bool | None

    def is_ranked(self, effects: Iterable[str]) -> bool:
        """Whether the rule that explains the answer also says what it is."""
        return self.otherwise is not None or set(effects) <= {"allow", "deny"}


EFFECTS: dict[type, Effect] = {
    AllowOverrideEffector: Effect(frozenset({"allow"}), otherwise=False),
    DenyOverrideEffector: Effect(frozenset({"deny"}), otherwise=True),
    AllowAndDenyEffector: Effect(frozenset({"deny"}), otherwise=None),
    PriorityEffector: Effect(frozenset({"allow", "deny"}), otherwise=False),
}


def effect_of(effector: Any) -> Effect:
    """The policy effect that *effector* computes.

    Raises:
        NotCompiled: it is not one of pycasbin's own.
    """
    try:
        return EFFECTS[type(effector)]
    except KeyError:
        raise NotCompiled(f"effects are combined by `{type(effector).__name__}`") from None


class Combination:
    """The effect over one policy: of the rules that match, or of the best rank among them.

    Decisive rules rank by their position, all others behind them from the last to the first: so
    the least rank is that of the rule that explains the answer.
    """

    def __init__(self, effect: Effect, effects: Sequence[str], *, is_cut_short: bool) -> None:
        """Combine *effects* of rules by position.

        Args:
            effect: How they are combined.
            effects: Of the rules up to the first that does not fit its definition.
            is_cut_short: Whether there is such a rule, which raises when it is reached.
        """
        self._effect, self._effects, self._is_cut_short = effect, effects, is_cut_short
        self._worst = 2 * len(effects) - 1
        self.is_ranked = effect.is_ranked(effects)

    def rank(self, position: int) -> int:
        """The rank of the rule at *position*."""
        is_decisive = self._effects[position] in self._effect.decisive
        return position if is_decisive else self._worst - position

    def by_rank(self, least: int | None) -> Verdict:
        """The verdict where *least* is the best rank of those that match, if any do."""
        if least is None:
            return self._undecided(-1, is_allowed=False)
        if least < len(self._effects):
            return self._effects[least] == "allow", least
        return self._undecided(self._worst - least, is_allowed=True)

    def over(self, matching: Iterable[int]) -> Verdict:
        """The verdict over the positions of *matching* rules, asked for as far as need be."""
        last, is_allowed = -1, False
        for position in matching:
            last, effect = position, self._effects[position]
            if effect in self._effect.decisive:
                return effect == "allow", position
            is_allowed = is_allowed or effect == "allow"
        return self._undecided(last, is_allowed=is_allowed)

    def over_nothing(self, *, is_match: bool) -> Verdict:
        """The verdict of a policy without rules, for which pycasbin tries an empty one."""
        return self._effect.otherwise or is_match, -1

    def _undecided(self, last: int, *, is_allowed: bool) -> Verdict:
        if self._is_cut_short:
            raise RuntimeError("invalid policy size")
        return is_allowed if self._effect.otherwise is None else self._effect.otherwise, last
