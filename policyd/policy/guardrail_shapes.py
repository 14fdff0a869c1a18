"""Shapes of policyd.yaml and of the guardrails, but those about places."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from policyd.policy import times
from policyd.policy.rule_shapes import ForbidShape, GiveShape, GuardrailCeiling, GuardrailForbid
from policyd.policy.words import (
    UNIQUE,
    Clock,
    Contact,
    DatasetId,
    Day,
    FieldName,
    IntegrationId,
    Line,
    Moment,
    Name,
    NameList,
    Shape,
    Weekday,
)


def _time_zone(text: str) -> str:
    if text not in times.zone_names():
        raise PydanticCustomError("bad-value", "{why}", {"why": f"there is no time zone `{text}`"})
    return text


Zone = TypeAliasType(
    "Zone",
    Annotated[
        str,
        Field(pattern=r"^\S+$", max_length=60, description="a time zone, such as Europe/Berlin"),
        AfterValidator(_time_zone),
    ],
)
Mark = TypeAliasType(
    "Mark",
    Annotated[
        list[Name],
        *UNIQUE,
        Field(description="a level, then any categories, such as [confidential, personal]"),
    ],
)
Fields = Annotated[dict[FieldName, Mark], Field(min_length=1)]


class OwnerEntry(Shape):
    """A team or person who answers for something."""

    contact: Contact
    """Where people ask; shown in answers."""


class UnitEntry(Shape):
    """A business unit, as IT knows it."""

    title: Line
    """Its full name."""
    owner: Name
    """Who answers for the unit and its rules."""
    runs_on: NameList | None = None
    """Destinations on which its integrations may run, where what they read comes to rest."""


class CompanyFile(Shape):
    """policyd.yaml: the company's words, and who answers for what."""

    name: Name
    """The company."""
    labels: Annotated[list[Name], *UNIQUE, Field(min_length=2)]
    """Levels of data, lowest first."""
    categories: dict[Name, Line]
    """Kinds of data that the flow table treats on their own, each with its meaning."""
    owners: dict[Name, OwnerEntry]
    """Teams and persons who answer for rules, systems and integrations."""
    units: dict[Name, UnitEntry]
    """Business units; each has a folder in units/."""


class AccessFile(Shape):
    """guardrails/access.yaml: what nobody may do, and what may be done at most."""

    owner: Name
    """Who answers for the rules that name no owner."""
    forbid: dict[Name, GuardrailForbid] = Field(default_factory=dict)
    """What is refused."""
    ceiling: dict[Name, GuardrailCeiling]
    """What may be done at most; a call that no rule covers is refused."""


class RoleEntry(Shape):
    """What an integration can be trusted with."""

    units: NameList
    """Units that may give the role to their integrations."""
    includes: NameList | None = None
    """Roles that it has as well."""
    owner: Name | None = None
    """Who approves each grant; without it, the owner of the file."""
    reason: Line
    """What it is for."""


class RolesFile(Shape):
    """guardrails/roles.yaml: what integrations can be trusted with."""

    owner: Name
    """Who answers for the roles that name no owner."""
    roles: dict[Name, RoleEntry]
    """Roles by name."""


class DatasetEntry(Shape):
    """What a dataset is."""

    is_: Annotated[Mark, Field(alias="is")]
    """The worst that is inside."""
    fields_: Annotated[Fields | None, Field(alias="fields")] = None
    """Fields that are milder; one that is not listed counts as the dataset."""


class LabelsFile(Shape):
    """guardrails/labels.yaml: what the data is."""

    owner: Name
    """Who answers for the catalogue."""
    datasets: dict[DatasetId, DatasetEntry]
    """Datasets by system/name."""


class HoursEntry(Shape):
    """A stretch of every week; one that ends before it starts runs past midnight."""

    days: Annotated[list[Weekday], *UNIQUE]
    """Days on which it starts."""
    from_: Annotated[Clock, Field(alias="from")]
    """When it starts."""
    until: Clock
    """When it stops."""


class SpanEntry(Shape):
    """A dated stretch."""

    from_: Annotated[Moment, Field(alias="from")]
    """When it starts."""
    until: Moment
    """When it stops: a time, or the last day."""
    reason: Line
    """What happens then."""


Spans = Annotated[list[SpanEntry], Field(min_length=1)]


class CalendarFile(Shape):
    """guardrails/calendar.yaml: named stretches of time."""

    owner: Name
    """Who answers for the calendar."""
    timezone: Zone
    """The zone of the company's clock."""
    hours: dict[Name, HoursEntry] = Field(default_factory=dict)
    """Stretches of every week."""
    freezes: dict[Name, Spans] = Field(default_factory=dict)
    """Dated stretches."""


class TemplateFile(Shape):
    """guardrails/templates/<name>.yaml: a pre-approved shape of integration."""

    title: Line
    """What people call it."""
    owner: Name
    """Who answers for it."""
    reason: Line
    """What it is for."""
    runs_on: NameList
    """Destinations on which integrations of this shape may run."""
    units: NameList | None = None
    """Units that may use it; without it, every unit."""
    self_promotion: bool = False
    """Whether a unit may bring an integration of this shape to production itself."""
    forbid: dict[Name, ForbidShape] = Field(default_factory=dict)
    """What is refused."""
    ceiling: dict[Name, GiveShape]
    """What may be done at most."""


class PromotionEntry(Shape):
    """That IT brought one integration to production."""

    since: Day
    """The day of the approval."""
    approved_by: NameList
    """Owners who approved."""
    reason: Line
    """Why it is ready."""


class PromotionsFile(Shape):
    """guardrails/promotions.yaml: integrations that IT brought to production."""

    owner: Name
    """Who answers for the list."""
    promotions: dict[IntegrationId, PromotionEntry]
    """By unit/integration."""
