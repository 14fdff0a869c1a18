"""Changes in shadow: a candidate decides real calls beside, and nothing comes of it."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from policyd.bootstrap import utc_now
from policyd.model.call import Call, Entity
from policyd.model.change import Change, State
from policyd.model.errors import Conflict
from policyd.model.keys import Key
from policyd.points.decision import Ask, Item, Sender
from policyd.points.jobs import Job
from policyd.points.policies import Policies
from policyd.points.service import Service
from policyd.points.shadows import InShadow
from policyd.registry.keys import NewKey
from policyd.review.assessment import Touched
from tests.faults.publishing import FOUND, Quick, ended, person, proposed, serving
from tests.published import CLOSED, small_home

CALL = Call(
    subject=Entity("integration", "hr/sync"),
    action="read",
    resource=Entity("dataset", "books/staff"),
    endpoint="books/api",
    method="GET",
)
CLOSES = Touched(
    side="closes",
    kind="opens",
    words="",
    callers=("hr/sync",),
    action="read",
    data=("books/staff",),
    places=("",),
)
OTHER = msgspec.structs.replace(CLOSES, data=("books/pay",))
OPENS = msgspec.structs.replace(CLOSES, side="opens")


async def may(service: Service, key: Key) -> bool:
    """Whether the only integration of the company may do what it does."""
    (pending,) = service.decision.begin([Ask(Sender(key, "::1"), [Item(CALL)])])
    assert not isinstance(pending, Exception)
    await pending.durable
    service.decision.settle(pending)
    return pending.decisions[0].allow


async def approved(service: Service, policies: Policies) -> Change:
    """A change that closes what the integration does, approved."""
    change = await proposed(service, policies, CLOSED)
    hans = person(service, "Hans", "approver", "hr-team")
    return await policies.changes.approve(hans, change.id, FOUND.decision, None)


async def begun(policies: Policies, change: Change) -> None:
    """Wait until the shadow of a change has begun."""
    for _ in range(3000):
        if (await policies.changes.get(change.id)).change.state is State.SHADOW:
            return
        await asyncio.sleep(0.01)


async def asked_on(service: Service, policies: Policies, job: Job) -> Job:
    """The job, once it is over; while it lasts calls are decided, by what is in force."""
    new = NewKey("flows", "person", frozenset({"pep"}), units=frozenset({"hr"}))
    pep, _ = service.keys.prepare(new, now=utc_now())
    before = service.readiness().snapshot
    while policies.jobs.get(job.id).state == "running":
        is_old = service.readiness().snapshot == before
        assert await may(service, pep) == is_old
        await asyncio.sleep(0.02)
    return policies.jobs.get(job.id)


@pytest.mark.parametrize(
    ("regions", "is_approved"),
    [((OTHER, CLOSES), True), ((), False), ((OTHER,), False), ((OPENS,), False)],
    ids=["approved", "none", "other data", "the other way"],
)
def test_what_nobody_approved_ends_it(
    tmp_path: Path, regions: tuple[Touched, ...], is_approved: bool
) -> None:
    """Differences are on record; one outside of the approved regions refuses the change."""
    home = small_home(tmp_path / "data")

    async def story() -> tuple[Job, Change]:
        reviewer = Quick(msgspec.structs.replace(FOUND, regions=regions))
        async with serving(home.data, reviewer=reviewer) as (service, policies):
            ann = person(service, "Ann", "author")
            change = await approved(service, policies)
            job = await policies.publisher.publish(ann, change.id, None, InShadow(calls=3))
            job = await asked_on(service, policies, job)
            assert service.watcher is None
            return job, (await policies.changes.get(change.id)).change

    job, change = asyncio.run(story())
    acts = [each for each in home.records("admin") if each["target"] == change.id]
    differences = [each["why"] for each in acts if each["act"] == "shadow-difference"]
    assert differences[0].startswith("lost ")
    assert "hr/sync read books/staff" in differences[0]
    if is_approved:
        assert (job.state, change.state) == ("done", State.PUBLISHED)
        assert len(differences) == 3
    else:
        assert (job.code, change.state) == ("shadow-difference", State.REFUSED)
        assert change.ended == differences[0]
        assert home.records("policy_change")[-1]["reason"] == "start"


def test_a_shadow_without_calls(tmp_path: Path) -> None:
    """After its time the change is put in force; only while it lasts is anybody told of calls."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        async with serving(home.data) as (service, policies):
            ann = person(service, "Ann", "author")
            change = await approved(service, policies)
            job = await policies.publisher.publish(ann, change.id, None, InShadow(seconds=2))
            await begun(policies, change)
            with pytest.raises(Conflict, match="runs in shadow"):
                await policies.publisher.publish(ann, change.id, None, InShadow(seconds=9))
            assert (await ended(policies, job)).state == "done"
            assert service.watcher is None
            assert service.readiness().snapshot == change.snapshot

    asyncio.run(story())


def test_a_change_that_is_refused_in_shadow(tmp_path: Path) -> None:
    """The shadow is over, and the change does not come into force."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        async with serving(home.data) as (service, policies):
            change = await approved(service, policies)
            ann, hans = person(service, "Ann", "author"), person(service, "Hans", "approver")
            before = service.readiness().snapshot
            job = await policies.publisher.publish(ann, change.id, None, InShadow(seconds=600))
            await begun(policies, change)
            await policies.changes.refuse(hans, change.id, "no more")
            assert (await ended(policies, job)).code == "change-ended"
            assert service.readiness().snapshot == before

    asyncio.run(story())
