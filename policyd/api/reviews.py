"""`/v1/policies/reviews`: what a change would do, proposed or not, with a replay of the log."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from policyd.api.caller import PolicyReader, Published, sender
from policyd.api.changes import Files
from policyd.api.parameters import Instant
from policyd.api.policies import JOB_BEGUN, Digest, JobShown, shown_job
from policyd.points.replays import Between

PREFIX = "/v1/policies/reviews"
router = APIRouter(prefix=PREFIX)


class ReviewAsked(BaseModel):
    """A policy tree, compared with `base`, or with what is in force.

    The calls recorded from `after` on and before `before` are replayed: of the last 30 days, where
    nothing is said.
    """

    model_config = ConfigDict(extra="forbid")

    base: Digest | None = None
    files: Files
    after: Instant = None
    before: Instant = None


@router.post("", status_code=202, responses=JOB_BEGUN)
async def review_tree(
    asked: ReviewAsked, policies: Published, by: PolicyReader, request: Request
) -> JobShown:
    """Begin to review a tree; nothing is proposed. The result of the job is a change's review."""
    files = {path: text.encode() for path, text in asked.files.items()}
    window = Between(asked.after, asked.before)
    return shown_job(await policies.reviews.begin(sender(request, by), asked.base, files, window))
