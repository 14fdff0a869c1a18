"""Grounds: what a check goes by, with its owner and its place in the policy files."""

from datetime import datetime

from policyd.model.explanation import Ground
from policyd.model.rules import Mode, Softening
from policyd.model.snapshot import Snapshot


class Grounds:
    """Makes the grounds of one explanation, given at company wall-clock time *clock*."""

    def __init__(self, snapshot: Snapshot, clock: datetime) -> None:
        self.snapshot = snapshot
        self._clock = clock

    def rule(self, ref: str) -> Ground:
        """The rule *ref*, with the mode that softens it now."""
        rule = self.snapshot.rules[ref]
        mode = rule.softening.at(self._clock) if rule.softening else Mode.ENFORCE
        until = rule.softening.until if rule.softening and mode is not Mode.ENFORCE else None
        contact = self._contact(rule.owner)
        return Ground(ref, rule.owner, contact, rule.place, rule.reason, mode, until)

    def destination(self, name: str) -> Ground:
        """The destination *name*."""
        place = self.snapshot.destinations[name]
        return self._named(f"destination:{name}", place.owner, place.reason)

    def zone(self, name: str) -> Ground:
        """The zone *name*, with its row of the flow table."""
        zone = self.snapshot.zones[name]
        return self._named(f"zone:{name}", zone.owner, zone.reason)

    def integration(self, name: str) -> Ground:
        """The registration of *name*."""
        who = self.snapshot.integrations[name]
        return self._named(f"integration:{name}", who.owner, who.title)

    def rollout(self, whose: str, ends: Softening) -> Ground:
        """The roll-out of the company or of the unit *whose*."""
        ref, contact = f"rollout:{whose}", self._contact(ends.owner)
        place, why = self.snapshot.places.get(ref), "nothing is refused yet, only recorded"
        return Ground(ref, ends.owner, contact, place, why, ends.mode, ends.until)

    def any(self, ref: str) -> Ground:
        """The rule *ref*, or the zone whose cell it names."""
        if ref in self.snapshot.rules:
            return self.rule(ref)
        return self.zone(ref.removeprefix("zone:").partition("/")[0])

    def _named(self, ref: str, owner: str, reason: str) -> Ground:
        place = self.snapshot.places.get(ref)
        return Ground(ref, owner, self._contact(owner), place, reason)

    def _contact(self, owner: str) -> str:
        return self.snapshot.owners[owner].contact
