"""Publication: what is new is published, what is not is renewed, and a broken log falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyd.ledger.folder import DataFolder, create
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.ledger.record import Epoch, encode, stamped
from policyd.model.errors import LedgerUnavailable
from policyd.points.publication import Pace, Publication
from policyd_audit import cosignature, note

ORIGIN = "policyd.example/log"
EAGER = Pace(look_s=0.0, idle_s=3600.0)
RESTLESS = Pace(look_s=0.0, idle_s=0.0)


class Clock:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The next second."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Log:
    """A log with its publication."""

    ledger: Ledger
    publication: Publication
    key: note.Key

    async def grow(self) -> None:
        """Append one record."""
        stamp = stamped(self.ledger.stamp())
        await self.ledger.append([encode(Epoch(**stamp, origin=ORIGIN))])

    def cosigned(self) -> int:
        """When the newest checkpoint was cosigned."""
        seconds = cosignature.time_of(note.parse(self.publication.newest.note), self.key)
        assert seconds is not None
        return seconds


@asynccontextmanager
async def publishing(path: Path, pace: Pace) -> AsyncIterator[Log]:
    """An empty log whose publication runs until the end of the block."""
    with create(path, ORIGIN):
        pass
    with closing(DataFolder.open(path)) as folder, closing(Reader(folder.ledger)) as reader:
        ledger = await Ledger.open(folder, Options(Clock()))
        publication = Publication(ledger, reader, folder.signer, pace=pace)
        running = asyncio.create_task(publication.run())
        yield Log(ledger, publication, folder.signer.key)
        running.cancel()
        reader.close()
        await ledger.close()


async def until(log: Log, size: int, after: int = 0) -> None:
    """Wait until a checkpoint of that size, cosigned later than that, is published by itself."""
    while True:
        await asyncio.sleep(0)
        try:
            if log.publication.newest.size >= size and log.cosigned() > after:
                return
        except LedgerUnavailable:
            continue


def test_what_is_new_is_published_by_itself(tmp_path: Path) -> None:
    """Nobody has to ask: a new record is soon under a published checkpoint."""

    async def story() -> None:
        async with publishing(tmp_path / "data", EAGER) as log:
            for size in (1, 2):
                await log.grow()
                await until(log, size)
                note.verify(note.parse(log.publication.newest.note), log.key)

    asyncio.run(story())


def test_an_unchanged_checkpoint_is_not_made_anew_at_once(tmp_path: Path) -> None:
    """Between two signs of life it stays the same, byte for byte."""

    async def story() -> None:
        async with publishing(tmp_path / "data", EAGER) as log:
            await log.grow()
            await until(log, 1)
            before = log.publication.newest
            for _ in range(100):
                await asyncio.sleep(0)
            assert log.publication.newest is before

    asyncio.run(story())


def test_an_idle_log_shows_that_it_is_alive(tmp_path: Path) -> None:
    """After the pause the same checkpoint is published with a later time."""

    async def story() -> None:
        async with publishing(tmp_path / "data", RESTLESS) as log:
            await log.grow()
            await until(log, 1)
            first = log.cosigned()
            await until(log, 1, after=first)
            assert log.publication.newest.size == 1

    asyncio.run(story())


def test_who_waits_gets_one_that_covers(tmp_path: Path) -> None:
    """A receipt waits for no pause, and many that wait at once share one checkpoint."""

    async def story() -> None:
        async with publishing(tmp_path / "data", Pace(look_s=3600.0)) as log:
            with pytest.raises(LedgerUnavailable, match="no checkpoint is published yet"):
                _ = log.publication.newest
            await log.grow()
            found = await asyncio.gather(*[log.publication.covering(1) for _ in range(9)])
            assert {id(each) for each in found} == {id(log.publication.newest)}
            assert await log.publication.covering(1) is found[0]

    asyncio.run(story())


def test_a_broken_log_gives_no_sign_of_life(tmp_path: Path) -> None:
    """Once nothing can be recorded any more, nothing says that the log is up to date."""

    async def story() -> None:
        async with publishing(tmp_path / "data", RESTLESS) as log:
            await log.ledger.close()
            for _ in range(100):
                await asyncio.sleep(0)
            with pytest.raises(LedgerUnavailable):
                _ = log.publication.newest

    asyncio.run(story())
