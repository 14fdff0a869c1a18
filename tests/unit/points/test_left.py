"""What a server leaves under way: the next one goes on with it, or tells how it stands."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from policyd.bootstrap import utc_now
from policyd.ledger.folder import DataFolder
from policyd.model.change import State
from policyd.model.errors import Conflict
from policyd.points.administration import InForce
from policyd.points.jobs import Job
from policyd.points.shadows import InShadow
from policyd.points.source import Maker
from policyd.registry.jobs import Order
from policyd.registry.keys import KeyStore
from policyd.registry.policies import PolicyStore
from tests.faults.publishing import FOUND, Quick, ended, person, serving
from tests.published import small_home
from tests.servers import Home
from tests.unit.points.test_shadow import CLOSES, approved, asked_on, begun


def _reviewer() -> Quick:
    return Quick(msgspec.structs.replace(FOUND, regions=(CLOSES,)))


async def _shadow_begun(home: Home, seconds: float | None = None) -> Job:
    """A job whose shadow runs when its server ends."""
    async with serving(home.data, reviewer=_reviewer()) as (service, policies):
        change = await approved(service, policies)
        ann = person(service, "Ann", "author")
        wanted = InShadow(seconds=seconds, calls=3)
        job = await policies.publisher.publish(ann, change.id, "now", wanted)
        await begun(policies, change)
    return job


def test_a_shadow_goes_on_with_the_next_server(tmp_path: Path) -> None:
    """It begins anew, which is on record, under the id of its job; nothing goes past it."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        job = await _shadow_begun(home)
        async with serving(home.data, reviewer=_reviewer()) as (service, policies):
            (kept,) = await policies.changes.list(10, only_open=True)
            assert kept.change.state is State.SHADOW
            assert policies.jobs.get(job.id).state == "running"
            ann = person(service, "Ann", "author")
            with pytest.raises(Conflict, match="runs in shadow"):
                await policies.publisher.publish(ann, kept.change.id, None)
            over = await asked_on(service, policies, policies.jobs.get(job.id))
            assert (over.state, over.id) == ("done", job.id)
            assert service.readiness().snapshot == kept.change.snapshot

    asyncio.run(story())
    shadowed = [each for each in home.records("admin") if each["act"] == "change-shadowed"]
    assert "why" not in shadowed[0]
    assert shadowed[1]["why"].startswith("begun anew")


def test_a_shadow_of_somebody_who_left(tmp_path: Path) -> None:
    """It does not go on: the change waits to be published, and the job tells by which command."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        job = await _shadow_begun(home)
        with (
            closing(DataFolder.open(home.data)) as folder,
            closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
        ):
            keys.revoke(job.by, now=utc_now())
        async with serving(home.data, reviewer=_reviewer()) as (service, policies):
            (kept,) = await policies.changes.list(10, only_open=True)
            assert kept.change.state is State.APPROVED
            told = policies.jobs.get(job.id)
            assert (told.state, told.code) == ("failed", "interrupted")
            assert "is revoked" in str(told.detail)
            assert service.watcher is None

    asyncio.run(story())
    last = home.records("admin")[-1]
    assert (last["act"], last["by"]) == ("change-shadow-ended", "policyd")


def test_a_shadow_that_nobody_ordered(tmp_path: Path) -> None:
    """As of a registry that was put back: the change waits to be published."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        job = await _shadow_begun(home)
        with closing(PolicyStore.open(home.data / "registry.db")) as store:
            store.jobs.remove(job.id)
        async with serving(home.data, reviewer=_reviewer()) as (_, policies):
            (kept,) = await policies.changes.list(10, only_open=True)
            assert kept.change.state is State.APPROVED

    asyncio.run(story())


def test_a_publication_that_the_server_did_not_live_to_do(tmp_path: Path) -> None:
    """It is told as interrupted, with the command that begins it again; nothing is in force."""
    home = small_home(tmp_path / "data")
    building = asyncio.Event()

    class Endless(Maker):
        async def make(
            self, tree: Path | Mapping[str, bytes], source: str, before: InForce | None = None
        ) -> InForce:
            """As ever, but for the first."""
            if before:
                building.set()
                await asyncio.Event().wait()
            return await super().make(tree, source, before)

    async def story() -> None:
        async with serving(home.data, maker_type=Endless) as (service, policies):
            change = await approved(service, policies)
            ann = person(service, "Ann", "author")
            job = await policies.publisher.publish(ann, change.id, None)
            await building.wait()
        async with serving(home.data) as (service, policies):
            told = policies.jobs.get(job.id)
            assert (told.state, told.code) == ("failed", "interrupted")
            assert f"`policyd changes publish {change.id}`" in str(told.detail)
            assert service.readiness().snapshot == change.base
            again = await policies.publisher.publish(ann, change.id, None)
            assert (await ended(policies, again)).state == "done"
        async with serving(home.data) as (_, policies):
            assert await policies.jobs.left() == []

    asyncio.run(story())


def test_a_publication_that_was_done_but_not_told(tmp_path: Path) -> None:
    """What its order came to is on record: the job is done."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        async with serving(home.data) as (service, policies):
            change = await approved(service, policies)
            ann = person(service, "Ann", "author")
            job = await policies.publisher.publish(ann, change.id, None)
            assert (await ended(policies, job)).state == "done"
        with closing(PolicyStore.open(home.data / "registry.db")) as store:
            store.jobs.add(Order(job.id, "publication", ann.id, change.id, "again"))
            store.jobs.add(Order("other", "comparison", ann.id, "a b", "policyd diff a b"))
        async with serving(home.data) as (_, policies):
            told = policies.jobs.get(job.id)
            assert told.state == "done"
            assert told.result is not None
            assert told.result["snapshot"] == change.snapshot
            assert "`policyd diff a b`" in str(policies.jobs.get("other").detail)

    asyncio.run(story())
