"""Dry reviews: how many may wait, and what becomes of one that comes to nothing."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from policyd.model.errors import Conflict, PolicyUnread
from policyd.points.decision import Sender
from policyd.points.dry_reviews import MOST
from policyd.points.jobs import Job
from policyd.points.policies import Policies
from policyd.points.replays import USUAL
from policyd.points.reviewing import Tell
from policyd.review.assessment import Assessment, Files
from policyd.review.replayed import Replaying
from tests.faults.publishing import Quick, ended, person, serving
from tests.published import files_of, small_home

TREE = {path: text.encode() for path, text in files_of().items()}


class Waiting(Quick):
    """Reviews nothing before it may go on, and fails if it shall."""

    def __init__(self) -> None:
        """Wait."""
        super().__init__()
        self.go_on = asyncio.Event()
        self.fails = False

    async def assess(
        self, base: Files, head: Files, now: datetime, tell: Tell, past: Replaying | None = None
    ) -> Assessment:
        """What is always found, or nothing."""
        await self.go_on.wait()
        if self.fails:
            raise PolicyUnread("the review did not come to an end")
        return await super().assess(base, head, now, tell, past)


def test_only_so_many_wait(tmp_path: Path) -> None:
    """More are refused, until one has ended, in whichever way; reviews of changes are not held."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        reviewer = Waiting()
        async with serving(home.data, reviewer=reviewer) as (service, policies):
            by = Sender(person(service, "Ann", "author"), "127.0.0.1")
            jobs = [await policies.reviews.begin(by, None, TREE, USUAL) for _ in range(MOST)]
            with pytest.raises(Conflict) as refused:
                await policies.reviews.begin(by, None, TREE, USUAL)
            assert refused.value.code == "reviews-busy"
            reviewer.fails = True
            reviewer.go_on.set()
            assert {each.state for each in await all_of(policies, jobs)} == {"failed"}
            reviewer.fails = False
            (job,) = await all_of(policies, [await policies.reviews.begin(by, None, TREE, USUAL)])
            assert (job.state, job.kind) == ("done", "review")

    asyncio.run(story())
    assert not home.records("query")  # no call of the log was looked at


async def all_of(policies: Policies, jobs: list[Job]) -> list[Job]:
    """The jobs, once they have ended."""
    return [await ended(policies, each) for each in jobs]
