"""`/v1/policies`: what is in force, what was, and going back to it."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from policyd.api.caller import Approver, PolicyReader, Published, Served
from policyd.api.text import SOME_PLAIN
from policyd.points.jobs import Job
from policyd.points.replays import seen_by
from policyd.registry.policies import Publication

router = APIRouter(prefix="/v1/policies")

Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
_CONFLICT: dict[int | str, dict[str, Any]] = {409: {}, 503: {}}
_MISSING: dict[int | str, dict[str, Any]] = {404: {}, 409: {}, 503: {}}


class PublicationShown(BaseModel):
    """A tree was put in force: `record` says so in the log, `change` names what it came from."""

    record: str
    at: str
    snapshot: str
    previous: str | None
    tree: str
    reason: str
    change: str | None
    by: str | None
    why: str | None
    until: str | None


class InForce(BaseModel):
    """What decides now, and where it comes from; `publication` is absent for a folder."""

    snapshot: str
    source: str
    publication: PublicationShown | None


class History(BaseModel):
    """What was put in force, the last first."""

    publications: list[PublicationShown]


class TreeShown(BaseModel):
    """Every file of the tree of a snapshot, by its path."""

    snapshot: str
    tree: str
    files: dict[str, str]


class JobShown(BaseModel):
    """Work that takes longer than a request: how far it is, and what came of it."""

    id: str
    kind: Literal["publication", "comparison", "review", "rollback"]
    state: Literal["running", "done", "failed"]
    step: str
    result: dict[str, Any] | None
    code: str | None
    detail: str | None


class Comparing(BaseModel):
    """Two snapshots that are kept: what does the second open and close against the first?"""

    model_config = ConfigDict(extra="forbid", strict=True)

    base: Digest
    head: Digest


class RollingBack(BaseModel):
    """Which snapshot to go back to, why, and what the comparison with it was seen to say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Digest
    why: Annotated[str, Field(pattern=SOME_PLAIN, max_length=500)]
    decision: Digest | None = None


_JOB = {"operationId": "get_job", "parameters": {"job_id": "$response.body#/id"}}
JOB_BEGUN: dict[int | str, dict[str, Any]] = {202: {"links": {"Job": _JOB}}, **_MISSING}
"""What an operation answers that begins a job."""


@router.get("", responses={503: {}})
async def get_in_force(service: Served, _: PolicyReader) -> InForce:
    """What is in force, and by which publication."""
    state = service.readiness()
    last = await service.policies.publications.history(1) if service.policies else []
    publication = PublicationShown(**_publication(last[0])) if last else None
    return InForce(snapshot=state.snapshot, source=state.source, publication=publication)


@router.get("/history", responses=_CONFLICT)
async def list_publications(
    policies: Published, _: PolicyReader, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> History:
    """What was put in force, when, by whom and why, the last first."""
    found = await policies.publications.history(limit)
    return History(publications=[PublicationShown(**_publication(each)) for each in found])


@router.get("/trees/{snapshot}", responses=_MISSING)
async def get_tree(snapshot: str, policies: Published, _: PolicyReader) -> TreeShown:
    """The whole tree of a snapshot: of several that decide the same, the one published last."""
    tree, found = await policies.publications.tree(snapshot)
    files = {path: data.decode() for path, data in found.items()}
    return TreeShown(snapshot=snapshot, tree=tree, files=files)


@router.post("/comparisons", status_code=202, responses=JOB_BEGUN)
async def compare_snapshots(asked: Comparing, policies: Published, by: PolicyReader) -> JobShown:
    """Begin to compare two snapshots; the result of the job is like a change's review."""
    return shown_job(await policies.publisher.compare(by, asked.base, asked.head))


@router.post("/rollbacks", status_code=202, responses=JOB_BEGUN)
async def roll_back(asked: RollingBack, policies: Published, by: Approver) -> JobShown:
    """Begin to put in force again what was approved before.

    It takes a comparison of what is in force with that, and if that opens anything, its digest.
    """
    job = await policies.publisher.roll_back(by, asked.to, asked.why, asked.decision)
    return shown_job(job)


@router.get("/jobs/{job_id}", responses=_MISSING)
async def get_job(job_id: str, policies: Published, by: PolicyReader) -> JobShown:
    """How far a job is; one that failed has `code` and `detail`."""
    job = policies.jobs.get(job_id)
    return shown_job(replace(job, result=seen_by(by, job.result)))


def shown_job(job: Job) -> JobShown:
    """A job as it is told."""
    return JobShown(**{name: getattr(job, name) for name in JobShown.model_fields})


def _publication(each: Publication) -> dict[str, Any]:
    said = {name: getattr(each, name) for name in PublicationShown.model_fields if name != "change"}
    return said | {"change": each.change_id}
