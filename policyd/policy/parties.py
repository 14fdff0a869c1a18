"""Names that may stand in `who` and `except`: roles, units and integrations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import EVERYONE, Section
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.names import Names
from policyd.policy.wording import did_you_mean


@dataclass(frozen=True, slots=True)
class Parties:
    """What may be named; `names` is None where a broken file keeps us from knowing."""

    what: str
    names: frozenset[str] | None

    def check(
        self, read: Read[Any], path: Path, parties: Sequence[str] | None
    ) -> Iterator[Finding]:
        """A finding for each of the list *parties* at *path* that may not be named."""
        if self.names is None:
            return
        for index, party in enumerate(parties or ()):
            if party != EVERYONE and party not in self.names:
                message = f"`{party}` is no {self.what}{did_you_mean(party, self.names)}"
                yield read.finding((*path, index), "unknown-name", message)


def guardrail_parties(names: Names) -> Parties:
    """What IT's files may name."""
    known = _all(names.roles.names, names.units.names, names.integrations.names)
    return Parties("role, unit or unit/integration", known)


def unit_parties(names: Names, section: Section, own: frozenset[str] | None) -> Parties:
    """What a unit's file may name in *section*; *own* are its integrations, without the unit.

    What a unit allows, requires and limits is its own; what it forbids may be asked for by
    others, too.
    """
    if section is not Section.FORBID:
        return Parties("role or integration of the unit", _all(names.roles.names, own))
    known = _all(guardrail_parties(names).names, own)
    return Parties("role, unit, integration of the unit or unit/integration", known)


def _all(*sources: frozenset[str] | None) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for each in sources:
        if each is None:
            return None
        found |= each
    return found
