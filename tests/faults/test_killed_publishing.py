"""SIGKILL at each step of putting a policy in force, and of going back to the one before."""

import asyncio
import itertools
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from policyd.ledger.folder import DataFolder
from policyd.model.change import State
from tests.faults.publishing import FOUND, ended, person, proposed, serving
from tests.published import CLOSED, small_home
from tests.servers import REPOSITORY, Home


class Found(NamedTuple):
    """What a server that comes back finds."""

    in_force: str
    change: State
    published: tuple[str, ...]  # reasons of the publications that the registry knows, oldest first


@pytest.fixture
def approved(tmp_path: Path) -> Home:
    """A data folder with a change that is approved."""
    home = small_home(tmp_path / "approved")
    asyncio.run(_approve(home))
    return home


async def _approve(home: Home) -> None:
    async with serving(home.data) as (service, policies):
        change = await proposed(service, policies, CLOSED)
        hans = person(service, "Hans", "approver", "hr-team")
        await policies.changes.approve(hans, change.id, FOUND.decision, None)


def killed(data: Path, step: int) -> subprocess.CompletedProcess[str]:
    """How a server ended that killed itself at a step."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.publishing", str(data), str(step)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def _found(data: Path) -> Found:
    """What the next server finds; it goes on to publish, if that is still to be done."""
    async with serving(data) as (service, policies):
        (kept,) = await policies.changes.list(10)
        history = await policies.publications.history()
        found = Found(
            service.readiness().snapshot,
            kept.change.state,
            tuple(each.reason for each in reversed(history)),
        )
        assert history[0].snapshot == found.in_force
        if kept.change.state is State.APPROVED:
            ann = person(service, "Ann", "author")
            job = await policies.publisher.publish(ann, kept.change.id, "again")
            assert (await ended(policies, job)).state == "done"
            assert service.readiness().snapshot == kept.change.snapshot
    return found


def _logged(home: Home) -> tuple[str, tuple[str, ...]]:
    """The digest that the log names, and the reasons of its publications."""
    changes = home.records("policy_change")
    reasons = [each["reason"] for each in changes if each["reason"] != "start"]
    return changes[-1]["snapshot"], tuple(reasons)


STATES = {
    ("init",): State.APPROVED,
    ("init", "publish"): State.PUBLISHED,
    ("init", "publish", "rollback"): State.ROLLED_BACK,
}


@pytest.mark.slow
def test_what_the_log_names_is_in_force_wherever_it_ends(approved: Home, tmp_path: Path) -> None:
    """At whichever step, the next server decides by what the log names, and the registry agrees."""
    seen = set()
    for step in itertools.count(1):
        home = Home(tmp_path / f"killed-{step}", approved.admin, approved.vkey)
        shutil.copytree(approved.data, home.data)
        done = killed(home.data, step)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        with closing(DataFolder.open(home.data)):
            digest, reasons = _logged(home)  # the writer, which may have gone on, has ended
        found = asyncio.run(_found(home.data))
        assert found == (digest, STATES[reasons], reasons)
        assert home.verify().returncode == 0
        seen.add(found.published)
        shutil.rmtree(home.data)
    assert seen == set(STATES)
    assert int(done.stdout.splitlines()[-1]) == step - 1
