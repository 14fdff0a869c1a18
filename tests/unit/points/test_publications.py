"""Log and registry of different days: an older copy of either is mended, and told."""

import asyncio
import shutil
from pathlib import Path

from policyd.model.change import State
from tests.faults.publishing import FOUND, ended, person, proposed, publish_and_go_back, serving
from tests.published import CLOSED, small_home
from tests.servers import Home


async def _approved(home: Home, *texts: str) -> None:
    """Have changes approved, that each make the unit's rules another text."""
    async with serving(home.data) as (service, policies):
        hans = person(service, "Hans", "approver", "hr-team")
        for text in texts:
            change = await proposed(service, policies, text)
            await policies.changes.approve(hans, change.id, FOUND.decision, None)


async def _found(home: Home) -> tuple[list[str], list[State], list[str]]:
    """Reasons of publications, states of changes, the last first; codes of what is told."""
    async with serving(home.data) as (service, policies):
        history = await policies.publications.history()
        states = [each.change.state for each in await policies.changes.list(10)]
        happened = policies.store.notices.happened("")
        assert history[0].snapshot == service.readiness().snapshot
        return [each.reason for each in history], states, [each.code for each in happened]


def test_a_registry_of_several_publications_ago(tmp_path: Path) -> None:
    """It gets all of them again, in order, and what became of the changes by them."""
    home, old = small_home(tmp_path / "data"), tmp_path / "old.db"

    async def story() -> None:
        await _approved(home, CLOSED, CLOSED + "# again\n")
        shutil.copy(home.data / "registry.db", old)
        async with serving(home.data) as (service, policies):
            two, _ = await policies.changes.list(10)
            await publish_and_go_back(service, policies)
            ann = person(service, "Ann", "author")
            job = await policies.publisher.publish(ann, two.change.id, None)
            assert (await ended(policies, job)).state == "done"
        shutil.copy(old, home.data / "registry.db")
        assert await _found(home) == (
            ["publish", "rollback", "publish", "init"],
            [State.PUBLISHED, State.ROLLED_BACK],
            ["registry-put-back"],
        )

    asyncio.run(story())


def test_a_log_of_an_earlier_day(tmp_path: Path) -> None:
    """The registry forgets what the log does not have: nothing was in force without its record."""
    home, old = small_home(tmp_path / "data"), tmp_path / "old"

    async def story() -> None:
        await _approved(home, CLOSED)
        shutil.copytree(home.data, old)
        async with serving(home.data) as (service, policies):
            ann = person(service, "Ann", "author")
            (kept,) = await policies.changes.list(10)
            job = await policies.publisher.publish(ann, kept.change.id, None)
            assert (await ended(policies, job)).state == "done"
        for each in home.data.glob("ledger.db*"):
            each.unlink()
        for each in old.glob("ledger.db*"):
            shutil.copy(each, home.data)
        expected = (["init"], [State.ROLLED_BACK], ["log-put-back"])
        assert await _found(home) == expected
        assert await _found(home) == expected  # and told once

    asyncio.run(story())
