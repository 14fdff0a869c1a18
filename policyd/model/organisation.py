"""Who answers for what: owners, units, roles, templates and registered integrations."""

from dataclasses import dataclass
from datetime import datetime

from policyd.model.rules import Softening


@dataclass(frozen=True, slots=True)
class Owner:
    """A team or a person who answers for rules, systems or integrations.

    From `inactive_from` (company wall clock) on, nobody is there any more.
    """

    id: str
    contact: str
    inactive_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A business unit; it writes its own files and can only narrow."""

    name: str
    title: str
    owner: str
    softening: Softening | None = None  # of `unit-does-not-allow` alone
    rollout: Softening | None = None  # lets every denial pass, but what always holds
    runs_on: frozenset[str] = frozenset()  # destinations on which its integrations may run


@dataclass(frozen=True, slots=True)
class Role:
    """What an integration can be trusted with: declared by IT, given out by the named units."""

    name: str
    owner: str
    reason: str
    units: frozenset[str]
    includes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Template:
    """A pre-approved shape of integration; it limits and never grants."""

    name: str
    title: str
    owner: str
    runs_on: frozenset[str]
    units: frozenset[str]  # who may use it; empty: every unit
    self_promotion: bool  # whether a unit may bring an integration of this shape to production


@dataclass(frozen=True, slots=True)
class Integration:
    """A registered flow with an owner. All of it is the snapshot's word, none the caller's."""

    id: str  # unit/name
    unit: str
    title: str
    owner: str
    template: str | None
    stage: str  # in effect: production only where a template or a promotion says so
    runs_on: str  # a destination
    roles: tuple[str, ...]  # as given, in order
    names: frozenset[str]  # itself, its unit, everyone, and its roles with all they include
    until: datetime | None  # company wall clock; registered no longer from then on
    deputy: str | None = None  # an owner who stands in
