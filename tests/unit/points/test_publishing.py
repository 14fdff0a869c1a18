"""Putting changes in force: while it lasts, and where nobody agrees in time."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from policyd.bootstrap import utc_now
from policyd.model.change import State
from policyd.model.errors import Conflict
from policyd.points.administration import InForce
from policyd.points.source import Maker
from tests.faults.publishing import FOUND, Quick, ended, person, proposed, serving
from tests.published import CLOSED, small_home


def test_a_candidate_that_takes_long_to_build(tmp_path: Path) -> None:
    """Meanwhile the job says so, what was in force decides, and nothing becomes of the change."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Maker):
        async def make(
            self, tree: Path | Mapping[str, bytes], source: str, before: InForce | None = None
        ) -> InForce:
            """As ever, but in no hurry with any but the first."""
            if before:
                begun.set()
                await go_on.wait()
            return await super().make(tree, source, before)

    async def story() -> None:
        async with serving(home.data, maker_type=Slow) as (service, policies):
            ann = person(service, "Ann", "author")
            hans = person(service, "Hans", "approver", "hr-team")
            change = await proposed(service, policies, CLOSED)
            await policies.changes.approve(hans, change.id, FOUND.decision, None)
            before = service.readiness().snapshot
            job = await policies.publisher.publish(ann, change.id, None)
            await begun.wait()
            assert policies.jobs.get(job.id).step == "building the snapshot"
            assert service.readiness().snapshot == before
            for act in (policies.changes.refuse, policies.changes.withdraw):
                with pytest.raises(Conflict, match="is being put in force"):
                    await act(hans if act == policies.changes.refuse else ann, change.id, "no")
            with pytest.raises(Conflict, match="is being put in force"):
                await policies.publisher.publish(ann, change.id, None)
            go_on.set()
            assert (await ended(policies, job)).state == "done"
            assert service.readiness().snapshot == change.snapshot

    home = small_home(tmp_path / "data")
    asyncio.run(story())


@pytest.mark.parametrize(("verdict", "stays"), [("widens", False), ("proved", True)])
def test_an_emergency_that_nobody_agrees_to(tmp_path: Path, verdict: str, stays: bool) -> None:
    """After its time it is out of force again, but if it is proved to open nothing."""

    async def story() -> None:
        reviewer = Quick(msgspec.structs.replace(FOUND, verdict=verdict))
        async with serving(home.data, reviewer=reviewer) as (service, policies):
            hans = person(service, "Hans", "approver", "hr-team")
            before = service.readiness().snapshot
            change = await proposed(service, policies, CLOSED)
            job = await policies.publisher.publish_in_emergency(hans, change.id, "it leaks", 2)
            assert (await ended(policies, job)).state == "done"
            await policies.publisher.end_emergencies(utc_now() + timedelta(hours=1, minutes=50))
            assert service.readiness().snapshot == change.snapshot
            await policies.publisher.end_emergencies(utc_now() + timedelta(hours=2, minutes=1))
            assert (service.readiness().snapshot == change.snapshot) is stays
            assert (service.readiness().snapshot == before) is not stays
            after = (await policies.changes.get(change.id)).change
            assert (after.state is State.PUBLISHED) is stays
            assert bool(service.readiness().warnings) is stays
        if not stays:
            last = home.records("policy_change")[-1]
            assert (last["reason"], last["by"], last["change"]) == (
                "emergency-ended",
                "policyd",
                change.id,
            )

    home = small_home(tmp_path / "data")
    asyncio.run(story())
