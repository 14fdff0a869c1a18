"""Shapes of policy tests, `tests/*_test.yaml` and `units/<unit>/tests/*_test.yaml`.

They decide nothing and are no part of a snapshot: a policy owner writes in them what has to stay
true, and editors help with it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from typing_extensions import TypeAliasType

from policyd.policy.words import (
    UNIQUE,
    Data,
    DatasetId,
    FieldName,
    IntegrationId,
    Kind,
    Line,
    Method,
    NameList,
    OneOrMoreDatasets,
    OneOrMoreIntegrations,
    OneOrMorePlaces,
    Shape,
    Stage,
)

_VERBS = ("read", "write", "delete", "send")
_ONE_VERB: JsonDict = {"oneOf": [{"required": [verb]} for verb in _VERBS]}
_SOME_VERB: JsonDict = {"anyOf": [{"required": [verb]} for verb in _VERBS]}
_ONE_KIND: JsonDict = {
    "oneOf": [
        {"required": ["try", "expect"]},
        {"required": ["try", "allow_only"]},
        {"required": ["never"]},
        {"required": ["only", "may"]},
    ]
}

Instant = TypeAliasType(
    "Instant",
    Annotated[
        str,
        Field(
            pattern=r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$",
            description="a moment with its zone, such as 2026-03-02T09:00:00+01:00",
        ),
    ],
)
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], *UNIQUE]


class TryShape(Shape):
    """A table of calls: one for each integration, dataset and place that is named."""

    model_config = ConfigDict(
        json_schema_extra={**_ONE_VERB, "dependentRequired": {"send": ["to"], "to": ["send"]}}
    )

    who: OneOrMoreIntegrations
    """Integrations."""
    read: OneOrMoreDatasets | None = None
    """Datasets that are read."""
    write: OneOrMoreDatasets | None = None
    """Datasets that are changed."""
    delete: OneOrMoreDatasets | None = None
    """Datasets that are deleted."""
    send: OneOrMoreDatasets | None = None
    """Datasets of which a copy goes elsewhere."""
    to: OneOrMorePlaces | None = None
    """Connections or URLs that a send contacts."""
    at: OneOrMorePlaces | None = None
    """Connections or URLs that the others contact; without it, the system's first connection."""
    fields: Annotated[list[FieldName], *UNIQUE] | None = None
    """Fields that are named."""
    path: str | None = None
    """What follows the URL of the connection."""
    method: Method | None = None
    """Without it, GET to read, DELETE to delete, and POST."""
    rows: Annotated[int, Field(ge=0)] | None = None
    """Rows that are moved."""
    can: list[str] | None = None
    """Obligations that the caller supports; without it, all."""


class AllowedShape(Shape):
    """Some calls of the table."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    who: IntegrationId | None = None
    """Of this integration."""
    data: DatasetId | None = None
    """About this dataset."""
    to: str | None = None
    """At this place."""


class SentenceOfCalls(Shape):
    """All calls of which a sentence speaks."""

    model_config = ConfigDict(json_schema_extra=_SOME_VERB)

    read: Data | None = None
    """Data that is read."""
    write: Data | None = None
    """Data that is changed."""
    delete: Data | None = None
    """Data that is deleted."""
    send: Data | None = None
    """Data of which a copy goes elsewhere."""
    to: NameList | None = None
    """Destinations of a send."""
    to_zone: NameList | None = None
    """Zones of a send's destination."""
    to_systems_of: Kind | None = None
    """The kind of system that stands at a send's destination."""
    in_systems_of: Kind | None = None
    """The kind of system in which the data lives."""
    stage: Stage | None = None
    """The stage of the integration."""
    category: NameList | None = None
    """Categories; the data has one of them at least."""


class CaseEntry(Shape):
    """One thing that has to stay true."""

    model_config = ConfigDict(json_schema_extra=_ONE_KIND)

    it: Line
    """What it says of the company, as the end of a sentence that begins with "it"."""
    now: Instant | None = None
    """When; without it, the moment of the suite."""
    used: dict[str, Annotated[int, Field(ge=0)]] | None = None
    """What limits have counted before, by rule."""
    try_: Annotated[TryShape | None, Field(alias="try")] = None
    """Calls that are asked."""
    expect: Literal["allow", "deny"] | None = None
    """The answer to each."""
    allow_only: list[AllowedShape] | None = None
    """Those that are allowed, while all others are denied."""
    because: Words | None = None
    """Reason codes, or the rules behind them, of each denial."""
    obligations: dict[str, Words | int | str] | None = None
    """All obligations of each allow, by type: fields, rows or a duration."""
    advice: Words | None = None
    """Codes or rules in warn, or duties that are."""
    would_deny: Words | None = None
    """Codes or rules in observe."""
    lifted: Words | None = None
    """Exemptions that lifted something."""
    never: SentenceOfCalls | None = None
    """Calls of which none is allowed, whatever units write."""
    only: Annotated[list[IntegrationId], *UNIQUE] | None = None
    """The only integrations that are allowed any call of `may`."""
    may: SentenceOfCalls | None = None
    """The calls that `only` they are allowed."""


class SuiteFile(Shape):
    """A file of policy tests."""

    suite: Line
    """What the tests are about."""
    now: Instant
    """The moment at which calls are asked."""
    tests: Annotated[list[CaseEntry], Field(min_length=1)]
    """What has to stay true."""
