"""Names that may stand in `who` and `except`: roles, units and integrations."""

from collections.abc import Iterator, Sequence
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import EVERYONE, Section
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.names import Names
from policyd.policy.suggest import did_you_mean

Known = frozenset[str] | None
"""Names; None where a broken file keeps us from knowing them."""


def _all(*sources: Known) -> Known:
    found: frozenset[str] = frozenset()
    for each in sources:
        if each is None:
            return None
        found |= each
    return found


def guardrail_parties(names: Names) -> Known:
    """Names that IT's files may use."""
    return _all(names.roles.names, names.units.names, names.integrations.names)


def unit_parties(names: Names, section: Section, own: Known) -> Known:
    """Names that a unit's file may use in *section*; *own* are its integrations, without it.

    What a unit allows is its own; what it forbids may be asked for by others, too.
    """
    if section is Section.ALLOW:
        return _all(names.roles.names, own)
    return _all(guardrail_parties(names), own)


def unknown_parties(
    read: Read[Any], path: Path, parties: Sequence[str] | None, known: Known, unit: str = ""
) -> Iterator[Finding]:
    """A finding for each of the list *parties* at *path* that is not *known*."""
    for index, party in enumerate(parties or ()):
        if known is not None and party != EVERYONE and party not in known:
            message = _unknown(party, known, unit)
            yield read.finding((*path, index), "unknown-name", message)


def _unknown(party: str, known: frozenset[str], unit: str) -> str:
    what = "role or integration of the unit" if unit else "role, unit or unit/integration"
    return f"`{party}` is no {what}{did_you_mean(party, known)}"
