"""Shapes of policy tests, `tests/*_test.yaml` and `units/<unit>/tests/*_test.yaml`.

Beside them may be `calls.yaml`, with tables of calls that the suites of the folder share. They
decide nothing and are no part of a snapshot: a policy owner writes in them what has to stay true,
and editors help with it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from typing_extensions import TypeAliasType

from policyd.policy.words import (
    UNIQUE,
    Data,
    DatasetId,
    Day,
    FieldName,
    IntegrationId,
    Kind,
    Line,
    Method,
    Name,
    NameList,
    OneOrMoreDatasets,
    OneOrMoreIntegrations,
    OneOrMorePlaces,
    PartyList,
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
        {"required": ["exactly", "may"]},
        {"required": ["same_as"]},
    ]
}
_WHOLE_OR_LIKE: JsonDict = {
    "anyOf": [
        {"required": ["like"]},
        {
            "required": ["who"],
            **_ONE_VERB,
            "dependentRequired": {"send": ["to"], "to": ["send"]},
        },
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

    model_config = ConfigDict(json_schema_extra=_WHOLE_OR_LIKE)

    like: Line | None = None
    """A named table of calls; what else is said here is said in place of what it says."""
    who: OneOrMoreIntegrations | None = None
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
    labels: Words | None = None
    """A level and categories that the caller says the data has."""
    sources: Annotated[list[DatasetId], *UNIQUE] | None = None
    """Datasets from which a write takes its data."""
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


class SkipShape(Shape):
    """Why a test is not run, who answers for that, and until when."""

    reason: Line
    """Why."""
    owner: Name
    """Who answers for it, of the owners in `policyd.yaml`."""
    until: Day
    """The last day; from the next one on the test fails."""


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
    including: dict[str, Words | int | str] | None = None
    """Obligations that each allow has among others; of fields, these among others."""
    without: Words | None = None
    """Types of obligation that no allow has."""
    advice: Words | None = None
    """Codes or rules in warn, or duties that are."""
    would_deny: Words | None = None
    """Codes or rules in observe."""
    lifted: Words | None = None
    """Exemptions that lifted something."""
    never: SentenceOfCalls | None = None
    """Calls of which none is allowed, whatever units write."""
    only: PartyList | None = None
    """Units, roles and integrations; nobody else is allowed any call of `may`."""
    exactly: PartyList | None = None
    """The same, and each of them has an integration that is allowed a call of `may`."""
    may: SentenceOfCalls | None = None
    """The calls that `only` or `exactly` they are allowed."""
    same_as: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """A revision, or a folder that begins with `./` or `../` (from the tree): it allows as much."""
    within: SentenceOfCalls | None = None
    """The calls of which `same_as` speaks; without it, all."""
    skip: SkipShape | None = None
    """Not run, for now."""


class SuiteFile(Shape):
    """A file of policy tests."""

    suite: Line
    """What the tests are about."""
    now: Instant
    """The moment at which calls are asked."""
    calls: dict[Line, TryShape] | None = None
    """Tables of calls by name, for tests of this file to be `like`."""
    tests: Annotated[list[CaseEntry], Field(min_length=1)]
    """What has to stay true."""


class CallsFile(Shape):
    """Tables of calls that the suites of a folder share."""

    calls: Annotated[dict[Line, TryShape], Field(min_length=1)]
    """Tables of calls by name, for tests to be `like`."""
