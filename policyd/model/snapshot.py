"""Snapshot: a policy tree, immutable and named by the digest of its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policyd.model.calendar import Calendar
from policyd.model.catalogue import Dataset, System
from policyd.model.destinations import Destination, Zone
from policyd.model.exemptions import Exemption
from policyd.model.labels import Vocabulary
from policyd.model.organisation import Integration, Owner, Role, Template, Unit
from policyd.model.rules import Place, Rule, Softening


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision knows besides the call and the facts.

    INVARIANT: every name that one part uses is declared by another; the policy loader refuses
    a tree where that does not hold, so the engine never meets a dangling name.
    """

    digest: str  # "sha256:" and 64 hex digits, over the paths and bytes of the deciding files
    company: str
    vocabulary: Vocabulary
    owners: Mapping[str, Owner]
    units: Mapping[str, Unit]
    roles: Mapping[str, Role]
    templates: Mapping[str, Template]
    integrations: Mapping[str, Integration]
    systems: Mapping[str, System]
    datasets: Mapping[str, Dataset]
    connections: Mapping[str, str]  # logical name: URL
    zones: Mapping[str, Zone]
    unlisted: str  # the zone by which a place on no list is judged
    destinations: Mapping[str, Destination]
    destinations_owner: str
    calendar: Calendar
    rules: Mapping[str, Rule]  # by ref
    model: str  # the casbin model of the access rules
    exemptions: Mapping[str, Exemption] = field(default_factory=dict)
    rollout: Softening | None = None  # of the whole company
    grace_days: int = 30  # that an integration may go on after its last owner has left
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where the rest is written, for people: by `destination:crm`, `zone:processor`,
    `integration:sales/mailer`, `exemption:EX-7`, `rollout:company`."""
