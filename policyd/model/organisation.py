"""Who answers for what: owners, units, roles, templates and registered integrations."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """A team or a person who answers for rules, systems or integrations."""

    id: str
    contact: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A business unit; it writes its own files and can only narrow."""

    name: str
    title: str
    owner: str


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
