"""`/v1/policies/changes`: policies proposed, reviewed, approved, and sent on their way."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from policyd.api.caller import Approver, Author, PolicyReader, Published, Publisher
from policyd.api.numbers import whole
from policyd.api.policies import Digest, JobShown, shown_job
from policyd.api.read_body import ReadBefore
from policyd.api.text import SOME_PLAIN
from policyd.model.change import LONGEST_EMERGENCY, Change
from policyd.model.keys import Key
from policyd.points.changes import Content
from policyd.points.policies import Policies
from policyd.points.replays import seen_by
from policyd.points.shadows import InShadow
from policyd.policy.whole import LONGEST_PATH, MAX_FILES, PATH, fault
from policyd.registry.policies import Kept

PREFIX = "/v1/policies/changes"
router = APIRouter(prefix=PREFIX, route_class=ReadBefore)

Title = Annotated[str, Field(pattern=SOME_PLAIN, max_length=120)]
Reason = Annotated[str, Field(pattern=SOME_PLAIN, max_length=500)]
_HOURS = int(LONGEST_EMERGENCY.total_seconds()) // 3600
_HELD: dict[int | str, dict[str, Any]] = {409: {}, 503: {}}
_MISSING: dict[int | str, dict[str, Any]] = {404: {}, 409: {}, 503: {}}


def _paths(files: dict[str, str]) -> dict[str, str]:
    for path in files:
        if why := fault(path):
            raise ValueError(f"`{path[:80]}` cannot be in a tree: {why}")
    return files


Files = Annotated[
    dict[str, str],
    Field(min_length=1, max_length=MAX_FILES),
    AfterValidator(_paths),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_FILES,
            "propertyNames": {"pattern": f"^{PATH}$", "maxLength": LONGEST_PATH},
            "additionalProperties": {"type": "string"},
            "description": "Every file of the tree by its path, as text; tests and prose too",
        }
    ),
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Proposal(_Asked):
    """A policy tree that shall come into force, and what has to be in force for that: the base."""

    title: Title
    reason: Reason
    base: Digest
    files: Files


class Revision(_Asked):
    """New content of a change, and why."""

    reason: Reason
    base: Digest
    files: Files


class ApprovalGiven(_Asked):
    """A yes to what the review says whose digest is `decision`; so it is to nothing else."""

    decision: Digest
    why: Reason | None = None


class Why(_Asked):
    """Why, for the record."""

    why: Reason


class EmergencyAsked(_Asked):
    """For how many hours it may be in force before anybody else has agreed."""

    hours: Annotated[int, Field(ge=1, le=_HOURS), BeforeValidator(whole)]


class ShadowAsked(_Asked):
    """How long a change decides beside what is in force: whichever of the two is over first."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"type": "integer"}}}
                for name in ("minutes", "calls")
            ]
        },
    )

    minutes: Annotated[int, Field(ge=1, le=20_160), BeforeValidator(whole)] | None = None
    calls: Annotated[int, Field(ge=1, lt=2**53), BeforeValidator(whole)] | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> "ShadowAsked":
        if self.minutes is None and self.calls is None:
            raise ValueError("say how long: `minutes`, `calls`, or both")
        return self

    def wanted(self) -> InShadow:
        """How long, as the point takes it."""
        return InShadow(self.minutes * 60.0 if self.minutes else None, self.calls)


class PublicationAsked(_Asked):
    """How to put a change in force: after it has run in `shadow`, or at once.

    With `emergency` it is put in force before it is approved; then `why` is demanded, and no shadow
    runs.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "if": {"required": ["emergency"], "properties": {"emergency": {"type": "object"}}},
            "then": {
                "required": ["why"],
                "properties": {"why": {"type": "string"}, "shadow": {"type": "null"}},
            },
        },
    )

    why: Reason | None = None
    emergency: EmergencyAsked | None = None
    shadow: ShadowAsked | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> "PublicationAsked":
        if self.emergency and (self.shadow or self.why is None):
            raise ValueError("an emergency has a `why`, and no time for a `shadow`")
        return self


class ApprovalShown(BaseModel):
    """Who has approved, for which owner, and when."""

    holder: str
    owner: str | None
    at: str


class EmergencyShown(BaseModel):
    """Who put it in force before it was approved, why, and until when that is good."""

    holder: str
    reason: str
    until: str


class PolicyChangeShown(BaseModel):
    """A change: where it is, and what it waits for.

    `decision` is the digest that an approval is given to, `missing` has the owners who have not
    agreed, `lacking` counts the people who have to at least, `progress` is that of a review.
    """

    id: str
    title: str
    reason: str
    state: Literal[
        "proposed",
        "reviewed",
        "approved",
        "shadow",
        "published",
        "rolled-back",
        "withdrawn",
        "refused",
    ]
    authors: list[str]
    base: str
    snapshot: str
    tree: str
    proposed_at: str
    lane: str | None
    decision: str | None
    missing: list[str]
    lacking: int
    approvals: list[ApprovalShown]
    emergency: EmergencyShown | None
    ended: str | None
    progress: str | None


class ReviewedPolicyChange(PolicyChangeShown):
    """A change with what its review found."""

    review: dict[str, Any] | None


class PolicyChangeList(BaseModel):
    """Changes, the newest first."""

    changes: list[PolicyChangeShown]


_GET = {"operationId": "get_change", "parameters": {"change_id": "$response.body#/id"}}


@router.post("", status_code=201, responses={201: {"links": {"Change": _GET}}, **_HELD})
async def propose_change(asked: Proposal, policies: Published, by: Author) -> ReviewedPolicyChange:
    """Propose a policy tree, whose review begins at once; the same again is the same change."""
    content = await asyncio.to_thread(_content, asked)
    kept = await policies.changes.propose(by, asked.title, asked.reason, content)
    return _shown(policies, by, kept)


@router.get("", responses=_HELD)
async def list_changes(
    policies: Published,
    _: PolicyReader,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    state: Literal["open", "all"] = "all",
) -> PolicyChangeList:
    """The newest changes, newest first; `state=open` has those that may still come into force."""
    found = await policies.changes.list(limit, only_open=state == "open")
    return PolicyChangeList(changes=[PolicyChangeShown(**_said(policies, each)) for each in found])


@router.get("/{change_id}", responses=_MISSING)
async def get_change(change_id: str, policies: Published, by: PolicyReader) -> ReviewedPolicyChange:
    """A change with its review, and with the approvals that still stand."""
    return await _now(policies, by, change_id)


@router.put("/{change_id}/tree", responses=_MISSING)
async def revise_change(
    change_id: str, asked: Revision, policies: Published, by: Author
) -> ReviewedPolicyChange:
    """Give a change new content; approvals count again if its review finds the same."""
    content = await asyncio.to_thread(_content, asked)
    await policies.changes.revise(by, change_id, asked.reason, content)
    return await _now(policies, by, change_id)


@router.post("/{change_id}/approvals", responses=_MISSING)
async def approve_change(
    change_id: str, asked: ApprovalGiven, policies: Published, by: Approver
) -> ReviewedPolicyChange:
    """Approve a change for the owner of your key; who has a part in it cannot."""
    await policies.changes.approve(by, change_id, asked.decision, asked.why)
    return await _now(policies, by, change_id)


@router.post("/{change_id}/refusal", responses=_MISSING)
async def refuse_change(
    change_id: str, asked: Why, policies: Published, by: Approver
) -> ReviewedPolicyChange:
    """Refuse a change for good."""
    await policies.changes.refuse(by, change_id, asked.why)
    return await _now(policies, by, change_id)


@router.post("/{change_id}/withdrawal", responses=_MISSING)
async def withdraw_change(
    change_id: str, asked: Why, policies: Published, by: Author
) -> ReviewedPolicyChange:
    """Take a change of your own back."""
    await policies.changes.withdraw(by, change_id, asked.why)
    return await _now(policies, by, change_id)


@router.post("/{change_id}/publication", status_code=202, responses=_MISSING)
async def publish_change(
    change_id: str, asked: PublicationAsked, policies: Published, by: Publisher
) -> JobShown:
    """Begin to put a change in force; the job says when it is."""
    publisher = policies.publisher
    if asked.emergency:
        job = await publisher.publish_in_emergency(
            by, change_id, asked.why or "", asked.emergency.hours
        )
    else:
        shadow = asked.shadow.wanted() if asked.shadow else None
        job = await publisher.publish(by, change_id, asked.why, shadow)
    return shown_job(job)


def _content(asked: Proposal | Revision) -> Content:
    return Content(asked.base, {path: text.encode() for path, text in asked.files.items()})


async def _now(policies: Policies, by: Key, change_id: str) -> ReviewedPolicyChange:
    return _shown(policies, by, await policies.changes.get(change_id))


def _shown(policies: Policies, by: Key, kept: Kept) -> ReviewedPolicyChange:
    return ReviewedPolicyChange(review=seen_by(by, kept.review), **_said(policies, kept))


def _said(policies: Policies, kept: Kept) -> dict[str, Any]:
    change = kept.change
    return {
        "id": change.id,
        "title": change.title,
        "reason": change.reason,
        "state": change.state.value,
        "authors": [*change.authors],
        "base": change.base,
        "snapshot": change.snapshot,
        "tree": change.tree,
        "proposed_at": kept.proposed_at,
        "lane": change.demand.lane if change.demand else None,
        "decision": change.demand.decision if change.demand else None,
        "missing": sorted(change.missing),
        "lacking": change.lacking,
        "approvals": [
            {"holder": each.holder, "owner": each.owner, "at": each.at.isoformat()}
            for each in change.approvals
        ],
        "emergency": _emergency(change),
        "ended": change.ended,
        "progress": policies.changes.steps.get(change.id),
    }


def _emergency(change: Change) -> dict[str, str] | None:
    said = change.emergency
    if said is None:
        return None
    return {"holder": said.holder, "reason": said.reason, "until": said.until.isoformat()}
