"""Shapes of rules: one sentence each, in the words that its section and its layer know."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from policyd.policy.words import (
    UNIQUE,
    Amount,
    Data,
    DatasetIds,
    Day,
    Duration,
    FieldName,
    ForEach,
    IntegrationId,
    Kind,
    Line,
    ModeWord,
    Name,
    NameList,
    Per,
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
    """The lowest level of data that the rule is about. A level that only the caller asserts counts
    where the rule takes away, and never where it lets through."""
    label_at_most: Name | None = None
    """The highest level of data that the rule is about. A level that only the caller asserts counts
    where the rule lets through, and so can only narrow it."""
    category: NameList | None = None
    """Categories; the data has one of them at least. One that only the caller asserts counts where
    the rule takes away, and never where it lets through."""
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


class ModalShape(SentenceShape):
    """A rule that takes away, and so can be brought in gently."""

    mode: ModeWord | None = None
    """`warn` makes it advice, `observe` a note in the record; without it, or once it has ended,
    the rule is in force."""
    mode_until: Day | None = None
    """The last day of the mode."""
    mode_owner: Name | None = None
    """Who answers for the mode; without it, the rule's owner."""
    always: bool = False
    """Whether the rule holds even where a roll-out lets everything else pass."""
    exemptible: bool = True
    """Whether an exemption may lift it."""


class ForbidShape(ModalShape):
    """What the rule refuses."""

    model_config = ConfigDict(json_schema_extra={**_SAYS_WHAT, **_ONLY_WITH_SEND})

    fix: Line
    """What whoever is refused can do instead."""


class Obligations(Shape):
    """What the caller does if the answer is allow, or treats it as deny."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    mask: NameList | None = None
    """Categories of fields that are masked."""
    tokenise: NameList | None = None
    """Categories of fields that go as tokens."""
    drop_fields: Annotated[NameList | None, Field(alias="drop-fields")] = None
    """Categories of fields that are left out."""
    row_limit: Annotated[Amount | None, Field(alias="row-limit")] = None
    """Rows of one call, at most."""
    log_outcome: Annotated[Duration | None, Field(alias="log-outcome")] = None
    """How soon the outcome is reported, such as 15m or 2h."""
    approval: Name | None = None
    """The owner who has to approve each call."""


class RequireShape(ModalShape):
    """What the rule puts on a call as a duty."""

    model_config = ConfigDict(json_schema_extra={**_SAYS_WHAT, **_ONLY_WITH_SEND})

    obligations: Obligations
    """The duties, all of them."""


class LimitShape(ModalShape):
    """How much the rule lets through."""

    model_config = ConfigDict(
        json_schema_extra={
            **_SAYS_WHAT,
            **_ONLY_WITH_SEND,
            "oneOf": [{"required": ["rows"]}, {"required": ["calls"]}],
        }
    )

    rows: Amount | None = None
    """Rows, at most."""
    calls: Amount | None = None
    """Calls, at most."""
    per: Per
    """For one call, or in one hour, day or month of the company's clock."""
    for_each: ForEach = "integration"
    """Whose calls are counted together."""
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


class GuardrailRequire(WhoShape, OwnedShape, RequireShape):
    """A guardrail that puts a duty on calls."""


class GuardrailLimit(WhoShape, OwnedShape, LimitShape):
    """A guardrail that bounds volume."""


class UnitRequire(WhoShape, RequireShape):
    """A duty that the unit puts on its own integrations."""


class UnitLimit(WhoShape, LimitShape):
    """A bound that the unit puts on its own integrations."""


class ScopeShape(Shape):
    """The exact scope of an exemption: one integration, one action, its data and destinations."""

    who: Annotated[list[IntegrationId], *UNIQUE]
    """Integrations, as unit/integration."""
    read: DatasetIds | None = None
    """Datasets that are read."""
    write: DatasetIds | None = None
    """Datasets that are changed."""
    delete: DatasetIds | None = None
    """Datasets that are deleted."""
    send: DatasetIds | None = None
    """Datasets of which a copy goes elsewhere."""
    to: NameList | None = None
    """Destinations of a send."""
    only_fields: Annotated[list[FieldName], *UNIQUE] | None = None
    """The only fields that a call may name, and it must name some."""


class UnitAllow(WhoShape, GiveShape):
    """What the unit lets its own integrations do, inside the guardrails."""


class UnitForbid(WhoShape, ForbidShape):
    """What the unit refuses to its own integrations, and to all for the data of its systems."""
