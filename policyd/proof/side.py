"""A side: one snapshot, with its rules at hand and its times as sets of moments."""

from collections import defaultdict
from datetime import datetime

from policyd.engine.rule_keys import covering
from policyd.model.destinations import Destination, Zone
from policyd.model.exemptions import Exemption
from policyd.model.organisation import Integration
from policyd.model.rules import ANYTHING, Mode, Rule, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot
from policyd.proof.moments import Moments
from policyd.proof.terms import union

GUARDRAIL = "guardrail"
_SOURCES = "sources"
COVERING = (Section.CEILING, Section.ALLOW)


class Side:
    """The snapshot of one side (0 or 1)."""

    def __init__(self, snapshot: Snapshot, side: int, moments: Moments) -> None:
        self.snapshot, self.side, self.moments = snapshot, side, moments
        self._rules: dict[tuple[str, str, str], list[Rule]] = {}
        self._callers: dict[tuple[str, str], set[str]] = {}
        self._patterns: dict[str, set[str]] = defaultdict(set)
        for rule in snapshot.rules.values():
            says = rule.sentence
            for action, patterns in says.data.items():
                self._patterns[action].update(patterns)
                for pattern in patterns:
                    self._rules.setdefault((rule.layer, action, pattern), []).append(rule)
                    # What is sent may be the source of any write.
                    for key in (
                        (action, pattern),
                        *(((_SOURCES, ""),) if action == "send" else ()),
                    ):
                        self._callers.setdefault(key, set()).update(says.who, says.excepted)
        self.exemptions: dict[str, list[Exemption]] = {}
        for each in snapshot.exemptions.values():
            self.exemptions.setdefault(each.lifts, []).append(each)
        self._everywhere = frozenset(
            name
            for each in (
                *(each.who for each in snapshot.destinations.values()),
                *(each.scope.who for each in snapshot.exemptions.values()),
            )
            for name in each
        )
        self._names: dict[tuple[str, str | None], frozenset[str]] = {}
        self._memo: dict[object, int] = {}
        self._about: dict[tuple[str, str, str], tuple[Rule, ...]] = {}

    def before(self, until: datetime | None) -> int:
        """Moments before a wall-clock time."""
        if until is None:
            return self.moments.all
        key = ("before", until)
        if key not in self._memo:
            self._memo[key] = self.moments.where(lambda each: each.clocks[self.side] < until)
        return self._memo[key]

    def since(self, start: datetime | None) -> int:
        """Moments from a wall-clock time on."""
        return self.moments.all & ~self.before(start) if start else 0

    def _open(self, names: tuple[str, ...]) -> int:
        """Moments at which one of the windows is open."""
        if names not in self._memo:
            self._memo[names] = self.moments.where(
                lambda each: not each.windows[self.side].isdisjoint(names)
            )
        return self._memo[names]

    def spoken(self, says: Sentence) -> int:
        """Moments of which a sentence speaks."""
        when = self.moments.all
        when &= self._open(says.during) if says.during else when
        return when & ~self._open(says.outside) if says.outside else when

    def enforced(self, softening: Softening | None) -> int:
        """Moments at which nothing is softened."""
        if softening is None or softening.mode is Mode.ENFORCE:
            return self.moments.all
        return self.since(softening.until)

    def passing(self, who: Integration) -> int:
        """Moments at which a roll-out lets the calls of an integration pass."""
        key = ("passing", who.unit)
        if key not in self._memo:
            company, unit = self.snapshot.rollout, self.snapshot.units[who.unit].rollout
            self._memo[key] = union(self.before(each.until) for each in (company, unit) if each)
        return self._memo[key]

    def rules(self, layer: str, action: str, data: str) -> tuple[Rule, ...]:
        """Rules of a layer that are about the action and the data; each once."""
        key = (layer, action, data)
        if key not in self._about:
            found = {
                rule.ref: rule
                for pattern in covering(data)
                for rule in self._rules.get((layer, action, pattern), ())
            }
            self._about[key] = tuple(found.values())
        return self._about[key]

    def named(self, action: str, data: str | None) -> frozenset[str]:
        """Names by which what is about the action and the data, or any, tells callers apart."""
        key = (action, data)
        if key not in self._names:
            patterns = covering(data) if data else self._patterns[action]
            near = (self._callers.get((action, pattern), set()) for pattern in patterns)
            sent = (self._callers.get((_SOURCES, ""), set()),) if action == "write" else ()
            self._names[key] = self._everywhere.union(*near, *sent)
        return self._names[key]

    def covered(self, who: Integration, action: str, data: str) -> frozenset[str] | None:
        """Places to which something in every layer could cover the action on the data.

        None where no layer narrows them; none of them where one layer covers nothing.
        """
        places: frozenset[str] | None = None
        for layer in layers_of(who):
            if layer.startswith("unit:") and self.snapshot.units[who.unit].softening:
                continue
            mine: set[str] | None = set()
            for rule in self.rules(layer, action, data):
                if rule.section in COVERING and is_about(rule.sentence, who):
                    to = rule.sentence.to if action == "send" else ()
                    mine = None if mine is None or not to or ANYTHING in to else mine.union(to)
            if mine is not None:
                places = frozenset(mine) if places is None else places & mine
                if not places:
                    break
        return places

    def zone(self, who: Integration, action: str, data: str, place: Destination | None) -> Zone:
        """The zone in which the data comes to rest."""
        rests = place
        if action == "read":
            rests = self.snapshot.destinations[who.runs_on]
        elif action != "send":
            rests = self.snapshot.destinations.get(data.partition("/")[0])
        return self.snapshot.zones[rests.zone if rests else self.snapshot.unlisted]


def layers_of(who: Integration) -> tuple[str, ...]:
    """The layers that have to cover what an integration does."""
    template = (f"template:{who.template}",) if who.template else ()
    return (GUARDRAIL, *template, f"unit:{who.unit}")


def is_about(says: Sentence, who: Integration) -> bool:
    """Whether a sentence is about an integration."""
    return not who.names.isdisjoint(says.who) and who.names.isdisjoint(says.excepted)
