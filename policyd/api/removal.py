"""`/v1/audit/erasures`, `/holds` and `/prunings`: what is removed from the log, and what is not."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from policyd.api.caller import Admin, Auditor, Served, Watcher, sender
from policyd.api.numbers import whole
from policyd.api.text import SOME_PLAIN
from policyd.model.keys import Key
from policyd.points.erasures import Erasure, Person
from policyd.points.holds import Hold, Scope
from policyd.points.retention import Pruning

router = APIRouter(prefix="/v1/audit")

Reason = Annotated[str, Field(pattern=SOME_PLAIN, max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Subject = Annotated[
    str, Field(pattern=f"^[a-z][a-z0-9_-]*:{SOME_PLAIN.removeprefix('^')}", max_length=320)
]
Index = Annotated[int, Field(ge=0, lt=2**46), BeforeValidator(whole)]
Count = Annotated[int, Field(ge=1, lt=2**46), BeforeValidator(whole)]
_SCOPE = ("subject", "unit", "first", "count")
_HELD: dict[int | str, dict[str, Any]] = {409: {}, 503: {}}
_MISSING: dict[int | str, dict[str, Any]] = {404: {}, 503: {}}
_UNREAD: dict[int | str, dict[str, Any]] = {503: {}}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ErasureRequest(_Asked):
    """Whose personal data is to be erased, and why; with `dry_run` it is only counted."""

    subject: Subject
    reason: Reason
    dry_run: bool = False


class HoldRequest(_Asked):
    """What a hold is on: a subject (`type:id`), a unit, records in a range, or all that fits."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"anyOf": [{"required": [name]} for name in _SCOPE]},
    )

    name: Name
    reason: Reason
    subject: Subject = Field(default_factory=str)
    unit: Name = Field(default_factory=str)
    first: Index = Field(default_factory=int)
    count: Count = Field(default_factory=int)

    @model_validator(mode="after")
    def _has_scope(self) -> "HoldRequest":
        if self.model_fields_set.isdisjoint(_SCOPE):
            raise ValueError("say what the hold is on: `subject`, `unit`, `first` or `count`")
        return self

    def scope(self) -> Scope:
        """What it is on; a range has `count` records from `first` on, or all of them."""
        has_first = not self.model_fields_set.isdisjoint({"first", "count"})
        return Scope(
            subject=self.subject or None,
            unit=self.unit or None,
            first=self.first if has_first else None,
            end=self.first + self.count if self.count else None,
        )


class PruningRequest(_Asked):
    """With `dry_run` nothing is removed."""

    dry_run: bool = False


@router.post("/erasures", responses=_HELD)
async def erase(
    asked: ErasureRequest, request: Request, service: Served, by: Admin
) -> dict[str, Any]:
    """Erase all that the log keeps apart about somebody; the records stay, without the values."""
    person = Person(*asked.subject.split(":", 1))
    if asked.dry_run:
        found = await service.erasures.count(sender(request, by), person)
    else:
        found = await service.erasures.erase(by, person, asked.reason)
    return {"dry_run": asked.dry_run} | _erasure(found)


@router.post("/holds", status_code=201, responses=_HELD)
async def place(asked: HoldRequest, service: Served, by: Watcher) -> dict[str, Any]:
    """Place a legal hold: what it is on is neither erased nor pruned until it is released."""
    placed = await service.holds.place(by, asked.name, asked.reason, asked.scope())
    return _hold(placed, by)


@router.get("/holds", responses=_UNREAD)
async def holds(service: Served, by: Watcher) -> dict[str, list[dict[str, Any]]]:
    """Every hold, released ones too; whom one is on is for auditors."""
    return {"holds": [_hold(each, by) for each in await service.holds.list()]}


@router.delete("/holds/{name}", responses=_MISSING)
async def release(
    name: str, reason: Annotated[Reason, Query()], service: Served, by: Auditor
) -> dict[str, Any]:
    """Release a hold, which only an auditor can; whoever may erase cannot make way for it."""
    return _hold(await service.holds.release(by, name, reason), by)


@router.post("/prunings", responses=_UNREAD)
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
