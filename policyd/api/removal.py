"""`/v1/audit/erasures`, `/holds` and `/prunings`: what is removed from the log, and what is not."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from policyd.api.caller import Admin, Served, Watcher, key_with, sender
from policyd.model.keys import Key
from policyd.points.erasures import Erasure, Person
from policyd.points.holds import Hold, Scope
from policyd.points.retention import Pruning

router = APIRouter(prefix="/v1/audit")

Auditor = Annotated[Key, Depends(key_with("auditor"))]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Subject = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*:.+$", max_length=320)]
Index = Annotated[int, Field(ge=0, lt=2**47)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ErasureRequest(_Asked):
    """Whose personal data is to be erased: `type:id`; with `dry_run` it is only counted."""

    subject: Subject
    reason: Reason | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _has_reason(self) -> "ErasureRequest":
        if self.reason is None and not self.dry_run:
            raise ValueError("an erasure has a `reason`, which is recorded for ever")
        return self


class HoldRequest(_Asked):
    """What a hold is on: a subject (`type:id`), a unit, records in a range, or all that fits."""

    name: Name
    reason: Reason
    subject: Subject | None = None
    unit: Name | None = None
    first: Index | None = None
    end: Index | None = None

    @model_validator(mode="after")
    def _has_scope(self) -> "HoldRequest":
        if not (self.subject or self.unit or self.first is not None or self.end is not None):
            raise ValueError("say what the hold is on: `subject`, `unit`, or `first` and `end`")
        if self.first is not None and self.end is not None and self.first >= self.end:
            raise ValueError("`end` is behind `first`; the record `end` itself is not held")
        return self


class ReleaseRequest(_Asked):
    """Why a hold ends."""

    reason: Reason


class PruningRequest(_Asked):
    """With `dry_run` nothing is removed."""

    dry_run: bool = False


@router.post("/erasures")
async def erase(
    asked: ErasureRequest, request: Request, service: Served, by: Admin
) -> dict[str, Any]:
    """Erase all that the log keeps apart about somebody; the records stay, without the values."""
    person = Person(*asked.subject.split(":", 1))
    if asked.reason is None or asked.dry_run:
        found = await service.erasures.count(sender(request, by), person)
    else:
        found = await service.erasures.erase(by, person, asked.reason)
    return {"dry_run": asked.dry_run} | _erasure(found)


@router.post("/holds", status_code=201)
async def place(asked: HoldRequest, service: Served, by: Watcher) -> dict[str, Any]:
    """Place a legal hold: what it is on is neither erased nor pruned until it is released."""
    scope = Scope(asked.subject, asked.unit, asked.first, asked.end)
    return _hold(await service.holds.place(by, asked.name, asked.reason, scope), by)


@router.get("/holds")
async def holds(service: Served, by: Watcher) -> dict[str, list[dict[str, Any]]]:
    """Every hold, released ones too; whom one is on is for auditors."""
    return {"holds": [_hold(each, by) for each in await service.holds.list()]}


@router.delete("/holds/{name}")
async def release(name: str, asked: ReleaseRequest, service: Served, by: Auditor) -> dict[str, Any]:
    """Release a hold, which only an auditor can; whoever may erase cannot make way for it."""
    return _hold(await service.holds.release(by, name, asked.reason), by)


@router.post("/prunings")
async def prune(asked: PruningRequest, service: Served, by: Admin) -> dict[str, Any]:
    """Remove the oldest records, as far as none of them must be kept; their hashes stay."""
    look = service.retention.look() if asked.dry_run else service.retention.prune(by)
    return {"dry_run": asked.dry_run} | _pruning(await look)


def _erasure(found: Erasure) -> dict[str, Any]:
    return {
        "records": found.records,
        "disclosures": found.disclosures,
        "first": found.first,
        "end": found.end,
        "acts": list(found.acts),
    }


def _hold(hold: Hold, by: Key) -> dict[str, Any]:
    scope = hold.scope
    said = {"subject": scope.subject, "unit": scope.unit, "first": scope.first, "end": scope.end}
    if scope.subject and not by.has_role("auditor"):
        said["subject"] = "hidden"
    return {
        "name": hold.name,
        "reason": hold.reason,
        "by": hold.by,
        "placed_at": hold.placed_at,
        "index": hold.seq,
        "released": hold.released,
        "scope": {name: each for name, each in said.items() if each is not None},
    }


def _pruning(found: Pruning) -> dict[str, Any]:
    keeper = found.kept_by
    return {
        "first": found.first,
        "end": found.end,
        "records": found.end - found.first,
        "kept_by": {"index": keeper.index, "kind": keeper.kind, "why": keeper.why},
        "act": found.act,
    }
