"""Keys: who calls, in which roles, and for which units or integrations it may speak."""

from dataclasses import dataclass
from datetime import datetime

ROLES = ("pep", "builder", "author", "approver", "auditor", "admin")
"""What a key may do: see DESIGN's table; one key may have several."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret.

    The holder is a person or a service; a service has an owner. `units` and `integrations` bound
    what a `pep` key may ask for, and what a `builder` key may see; an `auditor` key may have them,
    and then sees no more than that.
    """

    id: str
    holder: str
    kind: str  # person or service
    owner: str | None
    roles: frozenset[str]
    units: frozenset[str]
    integrations: frozenset[str]
    supported_obligations: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None

    def has_role(self, *roles: str) -> bool:
        """Whether the key has one of *roles*."""
        return not self.roles.isdisjoint(roles)

    @property
    def reads_all(self) -> bool:
        """Whether the key may read records of whomever; other readers see what they speak for."""
        is_bound = bool(self.units or self.integrations)
        return self.has_role("admin") or (self.has_role("auditor") and not is_bound)

    def speaks_for(self, integration: str) -> bool:
        """Whether the key is bound to this integration, or to its unit.

        >>> from datetime import UTC
        >>> key = Key("k", "flows", "service", "it", frozenset({"pep"}), frozenset({"hr"}),
        ...           frozenset(), (), datetime(2026, 1, 1, tzinfo=UTC))
        >>> key.speaks_for("hr/pay-run"), key.speaks_for("sales/cube")
        (True, False)
        """
        return integration in self.integrations or integration.partition("/")[0] in self.units
