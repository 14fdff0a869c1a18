"""`/v1/keys`: create, list and revoke keys."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from policyd.api.caller import Admin, Served
from policyd.model.keys import Key
from policyd.registry.keys import NewKey

router = APIRouter(prefix="/v1/keys")
Name = Annotated[str, Field(max_length=160)]
Names = Annotated[list[Name], Field(max_length=100)]


class KeyRequest(BaseModel):
    """What a new key is for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    holder: str
    kind: Literal["person", "service"] = "person"
    owner: Name | None = None
    roles: Names
    units: Names = []
    integrations: Names = []
    supported_obligations: Names = []


@router.post("", status_code=201)
async def create(asked: KeyRequest, service: Served, by: Admin) -> dict[str, Any]:
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
    return {"key": secret} | _shown(key)


@router.get("")
def listed(service: Served, _: Admin) -> dict[str, list[dict[str, Any]]]:
    """Every key, revoked ones too; never a secret."""
    return {"keys": [_shown(key) for key in service.key_point.list()]}


@router.delete("/{key_id}")
async def revoke(key_id: str, service: Served, by: Admin) -> dict[str, Any]:
    """The key, revoked from now on."""
    return _shown(await service.key_point.revoke(by, key_id))


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
