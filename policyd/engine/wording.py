"""Reasons in words: what failed, what to do, and who can help."""

from collections.abc import Iterable

from policyd.engine.resolve import Asked
from policyd.model.codes import CODES, ReasonCode
from policyd.model.decision import Reason
from policyd.model.destinations import Destination, Zone
from policyd.model.rules import Rule
from policyd.model.snapshot import Snapshot


class Wording:
    """Makes the reasons of one call."""

    def __init__(self, snapshot: Snapshot, asked: Asked) -> None:
        self.snapshot = snapshot
        self._asked = asked

    def reason(self, code: str, **words: object) -> Reason:
        """The reason of a check that no single rule stands behind."""
        return self._make(CODES[code], self._helper(CODES[code].ask), words)

    def of_rule(self, code: str, rule: Rule, *, fix: str = "", **words: object) -> Reason:
        """The reason of a rule: its own words, after those of the code where it has numbers.

        A *fix* stands for the rule's own where that is not the way out yet.
        """
        what = CODES[code]
        said = self._words() | words
        numbers = f"{what.message.format_map(said)}: " if words else ""
        return Reason(
            code=code,
            check=what.check,
            message=numbers + rule.reason,
            fix=fix or rule.fix or what.fix.format_map(said),
            contact=self._contact(rule.owner),
            owner=rule.owner,
            rule=rule.ref,
        )

    def of_destination(self, code: str, place: Destination) -> Reason:
        """The reason of a destination's own narrowing; its owner can help."""
        words: dict[str, object] = {"place": f"destination `{place.name}`"}
        return self._make(CODES[code], place.owner, words, rule=f"destination:{place.name}")

    def of_cell(self, code: str, zone: Zone, column: str, **words: object) -> Reason:
        """The reason of one cell of the flow table; the zone's owner can help."""
        return self._make(
            CODES[code], zone.owner, words, rule=f"zone:{zone.name}/{column}", fix=zone.fix
        )

    def _make(
        self,
        what: ReasonCode,
        owner: str,
        words: dict[str, object],
        *,
        rule: str | None = None,
        fix: str | None = None,
    ) -> Reason:
        said = self._words() | words
        return Reason(
            code=what.code,
            check=what.check,
            message=what.message.format_map(said),
            fix=fix or what.fix.format_map(said),
            contact=self._contact(owner),
            owner=owner,
            rule=rule,
        )

    def fields(self, names: Iterable[str | None]) -> str:
        """Fields by name; one that nobody listed may be misspelt, so that it says so."""
        named = [name for name in names if name is not None]
        dataset = self.snapshot.datasets.get(self._asked.call.resource.id)
        listed = dataset.fields if dataset else named
        return ", ".join(
            f"`{name}`{'' if name in listed else ' (not in the catalogue)'}" for name in named
        )

    def _words(self) -> dict[str, object]:
        """What every template may use."""
        asked, call = self._asked, self._asked.call
        who, place = asked.integration, asked.endpoint.destination
        at = f"`{place.name}`" if place else f"an {self._nowhere()} place"
        return {
            "subject": call.subject.id,
            "action": call.action,
            "data": call.resource.id,
            "method": call.method or "a call without a method",
            "at": f" at {at}" if call.action == "send" else "",
            "destination": place.name if place else "",
            "unit": self._unit() or "<unit>",
            "template": (who.template if who else None) or "",
            "zone": asked.zone.name,
        }

    def _nowhere(self) -> str:
        """Why the call goes to no destination."""
        if self._asked.endpoint.problem:
            return "unreadable"
        return "unlisted" if self._asked.call.endpoint else "unsaid"

    def _unit(self) -> str | None:
        """The unit of the integration, or the one that whoever is not registered claims."""
        name = self._asked.call.subject.id.partition("/")[0]
        return name if name in self.snapshot.units else None

    def _helper(self, ask: str) -> str:
        """The owner who can help where no rule has one."""
        unit, system = self._unit(), self.snapshot.systems.get(self._asked.system)
        if ask == "unit" and unit:
            return self.snapshot.units[unit].owner
        if ask == "data" and system:
            return system.owner
        return self.snapshot.destinations_owner

    def _contact(self, owner: str) -> str:
        return self.snapshot.owners[owner].contact
