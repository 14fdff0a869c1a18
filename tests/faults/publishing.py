"""A server's real parts, of which any step of publishing or going back may be the last.

    python -m tests.faults.publishing DATA STEP

publishes the change that is approved in the data folder DATA, then goes back, and kills itself with
SIGKILL at the step of that number; it prints the number of steps if there were not so many.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from policyd.bootstrap import utc_now
from policyd.ledger.folder import DataFolder
from policyd.ledger.frames import Act
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.model.change import Change
from policyd.model.keys import Key
from policyd.points.changes import Content
from policyd.points.jobs import Job
from policyd.points.policies import Policies
from policyd.points.reviewing import Reviewer, Tell
from policyd.points.service import Service, Stores
from policyd.points.source import Maker, PublishedSource
from policyd.policy.builder_process import Builder
from policyd.registry.database import open_database
from policyd.registry.keys import KeyStore, NewKey
from policyd.registry.policies import PolicyStore, Publication
from policyd.review.assessment import Assessment, Files
from policyd.review.replayed import Replaying
from policyd.search.process import Search
from tests.published import edited, files_of

FOUND = Assessment(
    verdict="proved", decision=f"sha256:{'d' * 64}", lane="fast", owners=("hr-team",)
)
"""What every review finds: none is what these tests are about."""

Step = Callable[[], None]


class Quick(Reviewer):
    """Reviews without looking."""

    def __init__(self, found: Assessment = FOUND) -> None:
        """Find this, whatever is to be reviewed."""
        super().__init__()
        self._found = found

    async def assess(
        self, base: Files, head: Files, now: datetime, tell: Tell, past: Replaying | None = None
    ) -> Assessment:
        """What is always found."""
        del base, head, now, past
        tell("looking away")
        return self._found


class Killer:
    """Kills this process at the step of a number."""

    def __init__(self, at: int | None) -> None:
        self.steps = 0
        self._at = at

    def step(self) -> None:
        """One more step; perhaps the last."""
        self.steps += 1
        if self.steps == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


class FatefulStore(PolicyStore):
    """A registry before and after each write of which the process may end."""

    step: Step = staticmethod(lambda: None)

    def save(
        self, change: Change, *, at: str | None = None, review: Mapping[str, object] | None = None
    ) -> None:
        """As ever."""
        self.step()
        super().save(change, at=at, review=review)
        self.step()

    def publish(self, publication: Publication, *changes: Change) -> None:
        """As ever."""
        self.step()
        super().publish(publication, *changes)
        self.step()


class FatefulLedger(Ledger):
    """A log before, during and after each record of which the process may end."""

    step: Step = staticmethod(lambda: None)

    def submit(
        self, records: Sequence[bytes], act: Act | None = None, *, is_urgent: bool = False
    ) -> asyncio.Future[int]:
        """As ever."""
        self.step()
        durable = super().submit(records, act, is_urgent=is_urgent)
        durable.add_done_callback(lambda _: self.step())
        return durable

    def _send(self) -> None:
        super()._send()
        self.step()


class Drives:
    """What a server's two databases are on: the disk of this machine, each as ever."""

    def registry(self, path: Path) -> Engine:
        """The registry at *path*."""
        return open_database(path)

    async def ledger(self, folder: DataFolder) -> FatefulLedger:
        """The log of *folder*."""
        return await FatefulLedger.open(folder, Options(utc_now))


_DRIVES = Drives()


@asynccontextmanager
async def serving(
    data: Path,
    step: Step = lambda: None,
    reviewer: Reviewer | None = None,
    maker_type: type[Maker] = Maker,
    drives: Drives = _DRIVES,
) -> AsyncIterator[tuple[Service, Policies]]:
    """A server in this process, without HTTP; its *step*s begin once it has started."""
    builder = Builder()
    with (
        closing(DataFolder.open(data)) as folder,
        closing(KeyStore(folder.registry, drives.registry(folder.registry), folder.pepper)) as keys,
        closing(Reader(folder.ledger)) as reader,
        closing(FatefulStore(folder.registry, drives.registry(folder.registry))) as policies,
    ):
        maker = maker_type("policyd/test", builder)
        source = PublishedSource(reader, policies, maker)
        start = await source.read()
        ledger = await drives.ledger(folder)
        stores = Stores(ledger, reader, keys, folder.signer, Search(folder.path), folder.projection)
        service = Service(stores, source.read, start)
        service.policies = Policies(
            service._policy,  # noqa: SLF001 - the reviewer alone is another
            service.administration,
            (ledger, reader),
            (policies, keys),
            maker,
            reviewer or Quick(),
        )
        service.notices = service._noticing(ledger)  # noqa: SLF001 - of these policies
        async with service.running():
            policies.step = step
            ledger.step = step
            yield service, service.policies
            policies.step = ledger.step = lambda: None
        await ledger.close()
        await builder.close()


def person(service: Service, holder: str, role: str, owner: str | None = None) -> Key:
    """A person's key; the first one there is."""
    found = [each for each in service.keys.list() if each.holder == holder]
    if found:
        return found[0]
    new = NewKey(holder, "person", frozenset({role}), owner=owner)
    key, secret = service.keys.prepare(new, now=utc_now())
    service.keys.add(key, secret)
    return key


async def ended(policies: Policies, job: Job) -> Job:
    """The job, once it is over."""
    while job.state == "running":
        await asyncio.sleep(0.01)
        job = policies.jobs.get(job.id)
    return job


async def proposed(service: Service, policies: Policies, text: str) -> Change:
    """A change of the small company that Ann proposes, once its review is there."""
    ann = person(service, "Ann", "author")
    files = {path: each.encode() for path, each in edited(files_of(), text=text).items()}
    content = Content(service.readiness().snapshot, files)
    kept = await policies.changes.propose(ann, "a change", "because", content)
    while kept.change.demand is None:
        await asyncio.sleep(0.01)
        kept = await policies.changes.get(kept.change.id)
    return kept.change


async def publish_and_go_back(
    service: Service, policies: Policies, published: Step = lambda: None
) -> None:
    """Put the oldest open change in force, then what was there before; told in between."""
    ann = person(service, "Ann", "author")
    hans = person(service, "Hans", "approver", "hr-team")
    before = service.readiness().snapshot
    approved = (await policies.changes.list(10, only_open=True))[-1]
    job = await policies.publisher.publish(ann, approved.change.id, "now")
    assert (await ended(policies, job)).state == "done"
    published()
    await ended(policies, await policies.publisher.compare(hans, approved.change.snapshot, before))
    job = await policies.publisher.roll_back(hans, before, "it broke", None)
    assert (await ended(policies, job)).state == "done"


async def _main(data: Path, at: int) -> None:
    killer = Killer(at)
    async with serving(data, killer.step) as (service, policies):
        await publish_and_go_back(service, policies)
    sys.stdout.write(f"{killer.steps}\n")


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
