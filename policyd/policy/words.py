"""The words of policy files: types of values that stand in many places.

Each has a description that completes "is not …", for messages and for editors.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from policyd.model.destinations import PORTS
from policyd.model.rules import ANYTHING, EVERYONE
from policyd.policy import times

_NAME = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_DATASET = f"{_NAME}(?:/{_NAME})+"
_PATTERN = f"{_NAME}(?:/{_NAME})*/(?:{_NAME}|\\*)"
_DAY = r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_LONG = 200


class Shape(BaseModel):
    """A map with known keys and nothing else."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, validate_by_name=False
    )


def _once(values: list[Any]) -> list[Any]:
    seen = set()
    for value in values:
        if value in seen:
            why = {"why": f"`{value}` stands in the list twice"}
            raise PydanticCustomError("bad-value", "{why}", why)
        seen.add(value)
    return values


def _calendar_day(text: str) -> str:
    if not times.is_day(text):
        raise PydanticCustomError("bad-date", "{why}", {"why": f"there is no day `{text}`"})
    return text


def _all(word: str, stands_for: str) -> WrapValidator:
    """Reads *word* in place of a list as the one value *stands_for*."""

    def check(value: object, check_list: ValidatorFunctionWrapHandler) -> object:
        if value == word:
            return [stands_for]
        if isinstance(value, list) and word in value:
            why = {"why": f"`{word}` stands alone, not in a list"}
            raise PydanticCustomError("bad-value", "{why}", why)
        return check_list(value)

    return WrapValidator(check)


def _one_or_list(word: str, pattern: str, description: str) -> WithJsonSchema:
    items = {"type": "string", "pattern": pattern, "maxLength": _LONG, "description": description}
    names = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"description": description, "oneOf": [{"const": word}, names]})


UNIQUE = (AfterValidator(_once), Field(min_length=1, json_schema_extra={"uniqueItems": True}))

Name = TypeAliasType(
    "Name",
    Annotated[
        str,
        Field(
            pattern=f"^{_NAME}$",
            max_length=60,
            description="lower-case words joined by hyphens, such as `payroll-stays-home`",
        ),
    ],
)
NameList = TypeAliasType(
    "NameList", Annotated[list[Name], *UNIQUE, Field(description="a list of names")]
)
Line = TypeAliasType(
    "Line",
    Annotated[
        str,
        Field(
            min_length=3,
            max_length=160,
            pattern=r"^\S(?:[^\n]*\S)?$",
            description="one line that a colleague from another department understands",
        ),
    ],
)
DatasetId = TypeAliasType(
    "DatasetId",
    Annotated[
        str,
        Field(
            pattern=f"^{_DATASET}$",
            max_length=_LONG,
            description="a system and what is in it, such as `erp/customers`",
        ),
    ],
)
IntegrationId = TypeAliasType(
    "IntegrationId",
    Annotated[
        str,
        Field(
            pattern=f"^{_NAME}/{_NAME}$",
            max_length=_LONG,
            description="a unit and its integration, such as `hr/pay-run`",
        ),
    ],
)
FieldName = TypeAliasType(
    "FieldName",
    Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_.]*$",
            max_length=60,
            description="the name of a field, such as `customer_no`",
        ),
    ],
)
Who = TypeAliasType(
    "Who",
    Annotated[
        list[Annotated[str, Field(pattern=f"^{_NAME}(?:/{_NAME})?$", max_length=_LONG)]],
        *UNIQUE,
        _all(EVERYONE, EVERYONE),
        _one_or_list(
            EVERYONE,
            f"^{_NAME}(?:/{_NAME})?$",
            "`everyone`, or a list of roles, units and integrations",
        ),
    ],
)
PartyList = TypeAliasType(
    "PartyList",
    Annotated[
        list[Annotated[str, Field(pattern=f"^{_NAME}(?:/{_NAME})?$", max_length=_LONG)]],
        *UNIQUE,
        Field(description="a list of roles, units and integrations"),
    ],
)
Data = TypeAliasType(
    "Data",
    Annotated[
        list[Annotated[str, Field(pattern=f"^{_PATTERN}$", max_length=_LONG)]],
        *UNIQUE,
        _all("anything", ANYTHING),
        _one_or_list(
            "anything",
            f"^{_PATTERN}$",
            "`anything`, or a list of datasets by name (erp/customers) or by prefix (erp/*)",
        ),
    ],
)
Day = TypeAliasType(
    "Day",
    Annotated[
        str,
        Field(pattern=f"^{_DAY}$", description="a day, such as 2026-03-27"),
        AfterValidator(_calendar_day),
    ],
)
Moment = TypeAliasType(
    "Moment",
    Annotated[
        str,
        Field(
            pattern=f"^{_DAY}(?:T{_CLOCK})?$",
            description="a day, such as 2026-03-27, or a time on it, such as 2026-03-27T18:00",
        ),
        AfterValidator(_calendar_day),
    ],
)
Clock = TypeAliasType(
    "Clock",
    Annotated[str, Field(pattern=f"^{_CLOCK}$", description="a time of day, such as 07:00")],
)
Contact = TypeAliasType(
    "Contact",
    Annotated[
        str,
        Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=120, description="a mail address"),
    ],
)
DatasetIds = TypeAliasType(
    "DatasetIds",
    Annotated[list[DatasetId], *UNIQUE, Field(description="a list of datasets by name")],
)
Amount = TypeAliasType(
    "Amount",
    Annotated[int, Field(ge=1, lt=2**53, description="a whole number from 1 on")],
)
Duration = TypeAliasType(
    "Duration",
    Annotated[
        str,
        Field(pattern="^[1-9][0-9]{0,3}[mh]$", description="minutes or hours, such as 15m or 2h"),
    ],
)
Per = Literal["call", "hour", "day", "month"]
ForEach = Literal["integration", "unit", "system", "company"]
ModeWord = Literal["enforce", "warn", "observe"]
Kind = Literal["record", "engagement"]
Stage = Literal["sandbox", "production"]
Treated = Literal["pass", "mask", "tokenise", "drop-fields", "never"]
Scheme = Literal["https", "sftp", "mqtts", "smtps"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

USUAL_SCHEME = next(iter(PORTS))
"""The scheme of a destination that names none."""


def _listed(value: object) -> object:
    """One name is a list of one."""
    return [value] if isinstance(value, str) else value


def _one_or_several(pattern: str, description: str) -> WithJsonSchema:
    item = {"type": "string", "pattern": pattern, "maxLength": _LONG, "description": description}
    several = {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"description": f"{description}, or a list", "oneOf": [item, several]})


OneOrMoreIntegrations = TypeAliasType(
    "OneOrMoreIntegrations",
    Annotated[
        list[IntegrationId],
        *UNIQUE,
        BeforeValidator(_listed),
        _one_or_several(f"^{_NAME}/{_NAME}$", "a unit and its integration, such as `hr/pay-run`"),
    ],
)
OneOrMoreDatasets = TypeAliasType(
    "OneOrMoreDatasets",
    Annotated[
        list[DatasetId],
        *UNIQUE,
        BeforeValidator(_listed),
        _one_or_several(f"^{_DATASET}$", "a system and what is in it, such as `erp/customers`"),
    ],
)
OneOrMorePlaces = TypeAliasType(
    "OneOrMorePlaces",
    Annotated[
        list[Annotated[str, Field(min_length=1, max_length=_LONG)]],
        *UNIQUE,
        BeforeValidator(_listed),
        _one_or_several(".", "a connection such as `crm/api`, or a URL"),
    ],
)
