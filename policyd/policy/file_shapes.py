"""Shapes of the policy files."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from policyd.policy import hosts, times
from policyd.policy.rule_shapes import (
    ForbidShape,
    GiveShape,
    GuardrailCeiling,
    GuardrailForbid,
    UnitAllow,
    UnitForbid,
)
from policyd.policy.words import (
    UNIQUE,
    Clock,
    Contact,
    DatasetId,
    Day,
    FieldName,
    IntegrationId,
    Kind,
    Line,
    Method,
    Moment,
    Name,
    Names,
    Scheme,
    Shape,
    Stage,
    Treated,
    Weekday,
    Who,
)


def _host(text: str) -> str:
    return _in_one_spelling(text, hosts.read_host)


def _path(text: str) -> str:
    return _in_one_spelling(text, hosts.read_path)


def _url(text: str) -> str:
    return _in_one_spelling(text, hosts.read_url)


def _in_one_spelling(text: str, read: Callable[[str], object]) -> str:
    try:
        read(text)
    except hosts.HostRefusedError as refused:
        raise PydanticCustomError(refused.code, "{why}", {"why": str(refused)}) from None
    return text


def _timezone(text: str) -> str:
    if text not in times.zone_names():
        raise PydanticCustomError("bad-value", "{why}", {"why": f"there is no time zone `{text}`"})
    return text


Host = Annotated[
    str, AfterValidator(_host), Field(description="a host, `*.suffix`, or a network 10.20.0.0/16")
]
UrlPath = Annotated[
    str, AfterValidator(_path), Field(description="an exact path, or a prefix such as /v3/*")
]
Url = Annotated[
    str, AfterValidator(_url), Field(max_length=1000, description="an absolute URL, no query")
]
Port = Annotated[int, Field(ge=1, le=65535)]
Mark = Annotated[
    list[Name],
    *UNIQUE,
    Field(description="a level, then any categories, such as [confidential, personal]"),
]
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

    units: Names
    """Units that may give the role to their integrations."""
    includes: Names | None = None
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


class SystemEntry(Shape):
    """Something the company runs or uses; it lives at the destination of its name."""

    kind: Kind
    """`record`: slow, shared, the truth. `engagement`: fast, close to people."""
    owner: Name
    """Who answers for it."""
    title: Line
    """What people call it."""
    unit: Name | None = None
    """The business unit that owns its data, and may forbid flows of it."""


class SystemsFile(Shape):
    """guardrails/systems.yaml: what we use, and the names of its connections."""

    owner: Name
    """Who answers for the list."""
    systems: dict[Name, SystemEntry]
    """Systems by name."""
    connections: dict[DatasetId, Url]
    """Logical name (destination/what): URL."""


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


class ZoneEntry(Shape):
    """A kind of place."""

    reason: Line
    """What the places have in common."""
    fix: Line | None = None
    """What whoever is refused at its door can do instead."""
    owner: Name | None = None
    """Who answers for its row of the table; without it, the owner of the file."""


class FlowRow(Shape):
    """What may enter a zone: the highest level, and what happens to each category."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Treated] = Field(init=False)

    clearance: Name
    """The highest level that may enter."""


class DestinationEntry(Shape):
    """A listed place; each word narrows what is listed, an absent one does not."""

    zone: Name
    """The kind of place it is."""
    hosts: Annotated[list[Host], *UNIQUE]
    """Its hosts."""
    schemes: Annotated[list[Scheme], *UNIQUE] | None = None
    """Without it, https."""
    ports: Annotated[list[Port], *UNIQUE] | None = None
    """Without it, the usual port of the scheme."""
    methods: Annotated[list[Method], *UNIQUE] | None = None
    """Without it, every method."""
    paths: Annotated[list[UrlPath], *UNIQUE] | None = None
    """Without it, every path."""
    who: Who | None = None
    """Without it, every integration."""
    owner: Name | None = None
    """Who answers for it; without it, the owner of the file."""
    reason: Line
    """Why it is listed."""


class DestinationsFile(Shape):
    """guardrails/destinations.yaml: where data may go, and what may flow there."""

    owner: Name
    """Who answers for zones and destinations that name no owner."""
    zones: dict[Name, ZoneEntry]
    """Kinds of places."""
    flow: dict[Name, FlowRow]
    """The flow table, one row for each zone."""
    unlisted: Name
    """The zone by which a place on no list is judged."""
    destinations: dict[Name, DestinationEntry]
    """Places by name."""


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


class CalendarFile(Shape):
    """guardrails/calendar.yaml: named stretches of time."""

    owner: Name
    """Who answers for the calendar."""
    timezone: Annotated[str, AfterValidator(_timezone)]
    """The zone of the company's clock, such as Europe/Berlin."""
    hours: dict[Name, HoursEntry] = Field(default_factory=dict)
    """Stretches of every week."""
    freezes: dict[Name, Annotated[list[SpanEntry], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Dated stretches."""


class TemplateFile(Shape):
    """guardrails/templates/<name>.yaml: a pre-approved shape of integration."""

    title: Line
    """What people call it."""
    owner: Name
    """Who answers for it."""
    reason: Line
    """What it is for."""
    runs_on: Names
    """Destinations on which integrations of this shape may run."""
    units: Names | None = None
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
    approved_by: Names
    """Owners who approved."""
    reason: Line
    """Why it is ready."""


class PromotionsFile(Shape):
    """guardrails/promotions.yaml: integrations that IT brought to production."""

    owner: Name
    """Who answers for the list."""
    promotions: dict[IntegrationId, PromotionEntry]
    """By unit/integration."""


class UnitFile(Shape):
    """units/<unit>/unit.yaml: what the unit says about itself."""

    contact: Contact
    """Where builders ask."""
    help: Annotated[str, Field(pattern=r"^https://\S+$", max_length=300)] | None = None
    """A page for builders."""
    deputies: Names | None = None
    """Owners who stand in for the unit's owner."""


class UnitAccessFile(Shape):
    """units/<unit>/access.yaml: what the unit allows and forbids, inside the guardrails."""

    allow: dict[Name, UnitAllow]
    """What the unit's own integrations may do; a call that no rule covers is refused."""
    forbid: dict[Name, UnitForbid] = Field(default_factory=dict)
    """What is refused: to the unit's own integrations, and to all for data of its systems."""


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
    roles: Annotated[Names, Field(max_length=16)]
    """Roles, of those that guardrails/roles.yaml lets the unit give out."""


class IntegrationsFile(Shape):
    """units/<unit>/integrations.yaml: the unit's integrations."""

    integrations: dict[Name, IntegrationEntry]
    """By name, without the unit."""
