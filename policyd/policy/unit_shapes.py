"""Shapes of the files that a unit writes."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType

from policyd.policy.rule_shapes import UnitAllow, UnitForbid, UnitLimit, UnitRequire
from policyd.policy.words import Contact, Day, Line, Name, NameList, Shape, Stage

Page = TypeAliasType(
    "Page",
    Annotated[
        str,
        Field(pattern=r"^https://\S+$", max_length=300, description="an https address"),
    ],
)


class UnitFile(Shape):
    """units/<unit>/unit.yaml: what the unit says about itself."""

    contact: Contact
    """Where builders ask."""
    help: Page | None = None
    """A page for builders."""
    deputies: NameList | None = None
    """Owners who stand in for the unit's owner."""


class UnitAccessFile(Shape):
    """units/<unit>/access.yaml: what the unit allows and forbids, inside the guardrails."""

    allow: dict[Name, UnitAllow]
    """What the unit's own integrations may do; a call that no rule covers is refused."""
    forbid: dict[Name, UnitForbid] = Field(default_factory=dict)
    """What is refused: to the unit's own integrations, and to all for data of its systems."""
    require: dict[Name, UnitRequire] = Field(default_factory=dict)
    """Duties of the unit's own integrations."""
    limit: dict[Name, UnitLimit] = Field(default_factory=dict)
    """How much the unit's own integrations may move, at most."""


class IntegrationEntry(Shape):
    """A registered flow of the unit."""

    title: Line
    """What it does."""
    owner: Name
    """Who answers for it."""
    deputy: Name | None = None
    """Who stands in."""
    template: Name | None = None
    """The pre-approved shape that it keeps to."""
    stage: Stage
    """`production` counts only where the template or guardrails/promotions.yaml says so."""
    until: Day | None = None
    """Its last day; every sandbox has one."""
    runs_on: Name
    """The destination on which it runs, where what it reads comes to rest."""
    roles: Annotated[NameList, Field(max_length=16)]
    """Roles, of those that guardrails/roles.yaml lets the unit give out."""


class IntegrationsFile(Shape):
    """units/<unit>/integrations.yaml: the unit's integrations."""

    integrations: dict[Name, IntegrationEntry]
    """By name, without the unit."""
