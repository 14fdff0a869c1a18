"""Which exemptions lift which rule for a call, now; and which have lapsed."""

from dataclasses import dataclass
from datetime import datetime

from policyd.engine.access import AccessRules
from policyd.engine.resolve import Asked
from policyd.model.exemptions import Exemption
from policyd.model.rules import Place, Rule, Section
from policyd.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Standing:
    """The exemption from one rule that is about a call: one that holds, or the last to lapse."""

    exemption: Exemption
    is_live: bool


class Exemptions:
    """The exemptions of one snapshot, found by the rule they lift."""

    def __init__(self, snapshot: Snapshot) -> None:
        groups = {name: who.names for name, who in snapshot.integrations.items()}
        self._all = snapshot.exemptions
        lifted = {each.lifts for each in snapshot.exemptions.values()}
        self._lifted = frozenset(lifted)
        rules = [_as_rule(each) for each in snapshot.exemptions.values()]
        self._scopes = AccessRules(rules, groups, snapshot.vocabulary)

    def standing(self, ref: str, asked: Asked, clock: datetime) -> Standing | None:
        """The exemption of *ref* that has begun and is about this call: live before lapsed."""
        if ref not in self._lifted:
            return None
        about = [self._all[name] for name in self._scopes.matches(_layer(ref), asked).allows]
        begun = [each for each in about if each.start <= clock]
        last = max(begun, key=lambda each: each.end, default=None)
        return Standing(last, clock < last.end) if last else None

    def concerns(self, ref: str, asked: Asked) -> bool:
        """Whether any exemption of *ref* is about this call, at some time."""
        return ref in self._lifted and bool(self._scopes.matches(_layer(ref), asked).allows)

    def about(self, asked: Asked) -> tuple[Exemption, ...]:
        """Every exemption whose scope this call is in, whenever it holds, by name."""
        names = (self._scopes.matches(_layer(ref), asked).allows for ref in self._lifted)
        return tuple(self._all[name] for name in sorted(n for each in names for n in each))


def _layer(ref: str) -> str:
    return f"exemption:{ref}"


def _as_rule(exemption: Exemption) -> Rule:
    """An exemption's scope matches calls as a rule's sentence does."""
    return Rule(
        ref=exemption.id,
        layer=_layer(exemption.lifts),
        section=Section.CEILING,
        sentence=exemption.scope,
        owner=exemption.asked_by,
        reason=exemption.reason,
        fix=None,
        place=Place("guardrails/exemptions.yaml", 1, 1),
    )
