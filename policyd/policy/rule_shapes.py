"""Shapes of rules: one sentence each, in the words that its section and its layer know."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from policyd.policy.words import (
    UNIQUE,
    Data,
    FieldName,
    Kind,
    Line,
    Name,
    NameList,
    Shape,
    Stage,
    Who,
)

_VERBS = ("read", "write", "delete", "send")
_SAYS_WHAT: JsonDict = {"anyOf": [{"required": [verb]} for verb in _VERBS]}
_ONLY_WITH_SEND: JsonDict = {
    "dependentRequired": {word: ["send"] for word in ("to", "to_zone", "to_systems_of")},
    "not": {"required": ["to", "to_zone"]},
}
_SAYS_WHERE_TO: JsonDict = {
    "if": {"required": ["send"]},
    "then": {"anyOf": [{"required": ["to"]}, {"required": ["to_zone"]}]},
}


class SentenceShape(Shape):
    """The words that every rule has: each narrows, an absent one does not."""

    read: Data | None = None
    """Data that is read where it lives."""
    write: Data | None = None
    """Data that is changed where it lives."""
    delete: Data | None = None
    """Data that is deleted where it lives."""
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
    label_at_least: Name | None = None
    """The lowest level of data that the rule is about."""
    label_at_most: Name | None = None
    """The highest level of data that the rule is about."""
    category: NameList | None = None
    """Categories; the data has one of them at least."""
    during: NameList | None = None
    """NameList from guardrails/calendar.yaml; one of them is open."""
    outside: NameList | None = None
    """NameList from guardrails/calendar.yaml; none of them is open."""
    reason: Line
    """Why; people read it in answers, so one line that a colleague understands."""


class WhoShape(Shape):
    """Whom a rule speaks about."""

    who: Who
    """`everyone`, or roles, units and integrations."""
    except_: Annotated[Who | None, Field(alias="except")] = None
    """Roles, units and integrations that the rule does not speak about."""


class OwnedShape(Shape):
    """A rule that may have an owner of its own."""

    owner: Name | None = None
    """Who answers for the rule; without it, the owner of the file."""


class ForbidShape(SentenceShape):
    """What the rule refuses."""

    model_config = ConfigDict(json_schema_extra={**_SAYS_WHAT, **_ONLY_WITH_SEND})

    fix: Line
    """What whoever is refused can do instead."""


class GiveShape(SentenceShape):
    """What the rule covers; if it sends, it says where to."""

    model_config = ConfigDict(json_schema_extra={**_SAYS_WHAT, **_ONLY_WITH_SEND, **_SAYS_WHERE_TO})

    only_fields: Annotated[list[FieldName], *UNIQUE] | None = None
    """The only fields that a call may name, and it must name some."""


class GuardrailForbid(WhoShape, OwnedShape, ForbidShape):
    """A guardrail that refuses."""


class GuardrailCeiling(WhoShape, OwnedShape, GiveShape):
    """A guardrail that says what may be done at most."""


class UnitAllow(WhoShape, GiveShape):
    """What the unit lets its own integrations do, inside the guardrails."""


class UnitForbid(WhoShape, ForbidShape):
    """What the unit refuses to its own integrations, and to all for the data of its systems."""
