"""Shapes of policyd.yaml and of the guardrails, but those about places."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from policyd.policy import times
from policyd.policy.rule_shapes import (
    ForbidShape,
    GiveShape,
    GuardrailCeiling,
    GuardrailForbid,
    GuardrailLimit,
    GuardrailRequire,
    LimitShape,
    RequireShape,
    ScopeShape,
)
from policyd.policy.words import (
    UNIQUE,
    Clock,
    Contact,
    DatasetId,
    Day,
    FieldName,
    IntegrationId,
    Line,
    ModeWord,
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
ExemptionId = TypeAliasType(
    "ExemptionId",
    Annotated[
        str,
        Field(
            pattern="^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$",
            max_length=40,
            description="a number such as EX-2026-004",
        ),
    ],
)
Fields = Annotated[dict[FieldName, Mark], Field(min_length=1)]


class OwnerEntry(Shape):
    """A team or person who answers for something."""

    contact: Contact
    """Where people ask; shown in answers."""
    inactive_from: Day | None = None
    """The first day on which nobody is there any more."""


class RolloutEntry(Shape):
    """That calls which would be denied pass for a while, on record."""

    observe_until: Day
    """The last day."""
    owner: Name
    """Who answers for it."""
    reason: Line
    """Why."""


class UnitEntry(Shape):
    """A business unit, as IT knows it."""

    title: Line
    """Its full name."""
    owner: Name
    """Who answers for the unit and its rules."""
    mode: ModeWord | None = None
    """While it lasts, a missing `allow` of the unit is advice or a note, not a refusal."""
    mode_until: Day | None = None
    """The last day of the mode."""
    rollout: RolloutEntry | None = None
    """While it lasts, the unit's denied calls pass, and say loudly that they would not."""
    runs_on: NameList | None = None
    """Destinations on which its integrations may run, where what they read comes to rest."""


LevelWord = Literal["error", "warning", "info", "off"]


class LintLevels(Shape):
    """How much a lint rule weighs, where that is not the same everywhere."""

    guardrails: LevelWord | None = None
    """In policyd.yaml and guardrails/; without it, the rule's own."""
    units: LevelWord | None = None
    """In the files of units; without it, the rule's own."""


LintId = TypeAliasType(
    "LintId",
    Annotated[
        str,
        Field(pattern="^PD[0-9]{3}$", description="the number of a lint rule, such as PD702"),
    ],
)


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
    rollout: RolloutEntry | None = None
    """While it lasts, every denied call passes, and says loudly that it would not."""
    grace_days: Annotated[int, Field(ge=0, le=365)] = 30
    """Days that an integration may go on after its last owner has left."""
    lint: dict[LintId, LevelWord | LintLevels] = Field(default_factory=dict)
    """How much lint rules weigh, by their numbers, where that is not their own."""


class AccessFile(Shape):
    """guardrails/access.yaml: what nobody may do, and what may be done at most."""

    owner: Name
    """Who answers for the rules that name no owner."""
    forbid: dict[Name, GuardrailForbid] = Field(default_factory=dict)
    """What is refused."""
    require: dict[Name, GuardrailRequire] = Field(default_factory=dict)
    """Duties."""
    limit: dict[Name, GuardrailLimit] = Field(default_factory=dict)
    """How much, at most."""
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
    require: dict[Name, RequireShape] = Field(default_factory=dict)
    """Duties."""
    limit: dict[Name, LimitShape] = Field(default_factory=dict)
    """How much, at most."""
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


class ExemptionEntry(Shape):
    """One rule, or one cell of the flow table, lifted for one scope until a day."""

    lifts: Annotated[str, Field(min_length=3, max_length=200)]
    """The rule, as answers name it: guardrail:payroll-stays-home, zone:partner/personal."""
    for_: Annotated[ScopeShape, Field(alias="for")]
    """Which calls."""
    from_: Annotated[Moment, Field(alias="from")]
    """When it begins."""
    until: Moment
    """When it ends: a time, or the last day."""
    asked_by: Name
    """The owner who asked."""
    approved_by: Annotated[NameList, Field(min_length=2)]
    """Two owners at least, neither of them the one who asked."""
    ticket: Line
    """Where it was discussed."""
    reason: Line
    """Why."""


class ExemptionsFile(Shape):
    """guardrails/exemptions.yaml: approved, expiring liftings of single rules."""

    owner: Name
    """Who answers for the list."""
    longest_days: Annotated[int, Field(ge=1, le=1830)] = 200
    """Days that one may last."""
    exemptions: dict[ExemptionId, ExemptionEntry]
    """By their number."""
