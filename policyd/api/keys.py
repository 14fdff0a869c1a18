"""`/v1/keys`: create, list and revoke keys."""

from datetime import datetime
from re import Pattern
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from policyd.api.caller import Admin, Served
from policyd.model.keys import ROLES, Key
from policyd.registry.keys import (
    BOUND,
    HOLDER,
    INTEGRATION,
    LONGEST_HOLDER,
    LONGEST_INTEGRATION,
    LONGEST_NAME,
    NAME,
    OF_PERSONS,
    NewKey,
)

router = APIRouter(prefix="/v1/keys")
_MOST = 100
_READ = 160  # what is read at all; `NewKey` says of the rest what is wrong with it


def _told(pattern: Pattern[str], longest: int, least: int = 1) -> dict[str, Any]:
    """What `NewKey` demands of a text, as JSON Schema."""
    return {"pattern": f"^{pattern.pattern}$", "minLength": least, "maxLength": longest}


Holder = Annotated[str, Field(json_schema_extra=_told(HOLDER, LONGEST_HOLDER))]
Name = Annotated[str, Field(max_length=_READ, json_schema_extra=_told(NAME, LONGEST_NAME))]
Integration = Annotated[
    str, Field(max_length=_READ, json_schema_extra=_told(INTEGRATION, LONGEST_INTEGRATION, 3))
]
Role = Annotated[str, Field(max_length=_READ, json_schema_extra={"enum": [*ROLES]})]
Names = Annotated[list[Name], Field(max_length=_MOST)]
_SOME: JsonDict = {"minItems": 1}
_FITTING: list[Any] = [
    {
        "if": {"required": ["kind"], "properties": {"kind": {"const": "service"}}},
        "then": {
            "required": ["owner"],
            "properties": {
                "owner": {"type": "string"},
                "roles": {"items": {"not": {"enum": sorted(OF_PERSONS)}}},
            },
        },
    },
    {
        "if": {"properties": {"roles": {"contains": {"enum": sorted(BOUND)}}}},
        "then": {
            "anyOf": [
                {"required": [name], "properties": {name: _SOME}}
                for name in ("units", "integrations")
            ]
        },
    },
]
"""What parts of a key go together, as `NewKey` has it."""


class KeyRequest(BaseModel):
    """What a new key is for."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"allOf": _FITTING})

    holder: Holder
    kind: Literal["person", "service"] = "person"
    owner: Name | None = None
    roles: Annotated[list[Role], Field(max_length=_MOST, json_schema_extra=_SOME)]
    units: Names = []
    integrations: Annotated[list[Integration], Field(max_length=_MOST)] = []
    supported_obligations: Names = []


class ShownKey(BaseModel):
    """A key without its secret; times are RFC 3339 in UTC."""

    id: str
    holder: str
    kind: Literal["person", "service"]
    owner: str | None
    roles: list[str]
    units: list[str]
    integrations: list[str]
    supported_obligations: list[str]
    created_at: str
    revoked_at: str | None


class MadeKey(ShownKey):
    """A new key, with its secret.

    `unknown` has the names that the policy in force does not have, such as `unit sale`: the key
    may do nothing for these until it does.
    """

    key: str
    unknown: list[str]


class KeyList(BaseModel):
    """Every key, oldest first."""

    keys: list[ShownKey]


_REVOKE = {"operationId": "revoke_key", "parameters": {"key_id": "$response.body#/id"}}


@router.post("", status_code=201, responses={201: {"links": {"Revoke": _REVOKE}}, 503: {}})
async def create_key(asked: KeyRequest, service: Served, by: Admin) -> MadeKey:
    """A new key with its secret, which is shown this once."""
    new = NewKey(
        holder=asked.holder,
        kind=asked.kind,
        owner=asked.owner,
        roles=frozenset(asked.roles),
        units=frozenset(asked.units),
        integrations=frozenset(asked.integrations),
        supported_obligations=tuple(asked.supported_obligations),
    )
    key, secret = await service.key_point.create(by, new)
    return MadeKey(key=secret, unknown=service.key_point.unknown(key), **_shown(key))


@router.get("")
def list_keys(service: Served, _: Admin) -> KeyList:
    """Every key, revoked ones too; never a secret."""
    return KeyList(keys=[ShownKey(**_shown(key)) for key in service.key_point.list()])


@router.delete("/{key_id}", responses={404: {}, 503: {}})
async def revoke_key(key_id: str, service: Served, by: Admin) -> ShownKey:
    """The key, revoked from now on."""
    return ShownKey(**_shown(await service.key_point.revoke(by, key_id)))


def _shown(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "holder": key.holder,
        "kind": key.kind,
        "owner": key.owner,
        "roles": sorted(key.roles),
        "units": sorted(key.units),
        "integrations": sorted(key.integrations),
        "supported_obligations": list(key.supported_obligations),
        "created_at": _time(key.created_at),
        "revoked_at": _time(key.revoked_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
