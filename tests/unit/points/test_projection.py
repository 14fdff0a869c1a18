"""The projection: what a start need not read again is the same as if it had, by a real ledger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from policyd.ledger import record
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Page, Reader
from policyd.points.once import Once
from policyd.points.projection import Projection, signed
from tests.unit.points.decided import decided

NOW = datetime(2026, 3, 17, 12, tzinfo=UTC)
WALL = NOW.replace(tzinfo=None)
MONTH = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = b"of this folder"
BUCKETS = {
    "GR-1": "GR-1 sales/a 2026-03-17T12",
    "GR-2": "GR-2 sales/a 2026-03-17",
    "GR-3": "GR-3 sales 2026-03",
}


class CountingReader(Reader):
    """Knows how many records it was asked for, page by page."""

    read = 0

    def page(self, **asked: Any) -> Page:  # noqa: ANN401 - as Reader
        """As `Reader.page`."""
        page = super().page(**asked)
        self.read += len(page.records)
        return page


class World:
    """A server's ledger with what it sums up, and nothing else of it."""

    def __init__(self, folder: DataFolder, ledger: Ledger, reader: CountingReader) -> None:
        self.ledger, self.reader = ledger, reader
        origin = folder.signer.origin
        self.projection = Projection((folder.projection, SECRET), (origin, ledger, reader))
        self.decided = 0

    def decide(self) -> asyncio.Future[int]:
        """Count a call and submit its record, as the decision point does: in one turn."""
        self.decided += 1
        counted = {BUCKETS[rule]: self.decided for rule in BUCKETS}
        self.projection.counters.add(counted, WALL)
        made = self.ledger.stamp()
        return self.ledger.submit([decided(made, counted=counted)])

    def report(self, index: int) -> asyncio.Future[int]:
        """Say what became of a call."""
        made = self.ledger.stamp()
        assert self.projection.once.take(index, made.at)
        said = record.Outcome(
            **record.stamped(made),
            caller=record.Caller(key="k1", address="127.0.0.1"),
            decision="d",
            index=index,
            status="ok",
        )
        return self.ledger.submit([record.encode(said)])

    def known(self) -> tuple[object, object]:
        """Everything that is summed up."""
        return self.projection.counters.sums(), self.projection.once.marks()


@asynccontextmanager
async def at_work(folder: DataFolder, *, restored: bool = True) -> AsyncIterator[World]:
    """A ledger and its projection, restored from what is there."""
    ledger = await Ledger.open(folder, Options(lambda: NOW))
    with closing(CountingReader(folder.ledger, seconds=60.0)) as reader:
        world = World(folder, ledger, reader)
        if restored:
            world.projection.restore(MONTH, WALL)
        try:
            yield world
        finally:
            await ledger.close()


def new_folder(path: Path) -> DataFolder:
    """A data folder, new and locked."""
    with create(path, "policyd.example/log"):
        pass
    return DataFolder.open(path, wait=0)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder, new and locked."""
    return new_folder(tmp_path / "data")


def counted_again(folder: DataFolder) -> tuple[object, object]:
    """What a start knows that reads the whole log."""
    folder.projection.unlink(missing_ok=True)

    async def scenario() -> tuple[object, object]:
        async with at_work(folder) as world:
            return world.known()

    return asyncio.run(scenario())


async def _fill(folder: DataFolder) -> None:
    """Ten calls, three outcomes, the file as of then, and two calls more."""
    async with at_work(folder) as world:
        await asyncio.gather(*(world.decide() for _ in range(10)))
        await asyncio.gather(*(world.report(each) for each in (1, 4, 7)))
        await world.projection.keep()
        await asyncio.gather(world.decide(), world.decide())


def test_only_what_came_since_is_read(folder: DataFolder) -> None:
    """A start knows all of the log, and reads only the records after those in the file."""

    async def scenario() -> tuple[tuple[object, object], int]:
        await _fill(folder)
        async with at_work(folder) as world:
            return world.known(), world.reader.read

    known, read = asyncio.run(scenario())
    assert read == 2
    assert known == counted_again(folder)


@pytest.mark.parametrize(("written", "turns"), [(1, 1), (3, 2), (5, 1), (4, 50)])
def test_whenever_it_is_written(folder: DataFolder, written: int, turns: int) -> None:
    """Calls are counted before they are durable; the file never has one that is not in the log."""

    async def scenario() -> tuple[object, object]:
        async with at_work(folder) as world:
            waiting: list[asyncio.Future[Any]] = []
            for call in range(120):
                waiting.append(world.decide())
                if call % written == 0:
                    waiting.append(asyncio.ensure_future(world.projection.keep()))
                if call % turns == 0:
                    await asyncio.sleep(0)
            await asyncio.gather(*waiting)
        async with at_work(folder) as world:
            return world.known()

    known = asyncio.run(scenario())
    assert folder.projection.exists()
    assert known == counted_again(folder)


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def _cut(path: Path, end: int) -> None:
    path.write_bytes(path.read_bytes()[:end])


def _other_release(path: Path) -> None:
    """As written by a program that knows another kind of line, with a good MAC."""
    path.write_bytes(b"".join(signed([b'{"kind":"tides"}\n'], SECRET)))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


USELESS = {
    "a byte of the head": lambda path: _flip(path, 40),
    "a byte of a counter": lambda path: _flip(path, path.read_bytes().index(b"GR-2") + 1),
    "a byte of the mac": lambda path: _flip(path, -5),
    "the end is missing": lambda path: _cut(path, -20),
    "the last line is missing": lambda path: _cut(path, path.read_bytes().rindex(b"{")),
    "empty": lambda path: _cut(path, 0),
    "of another release": _other_release,
    "not a file": _folder,
}


@pytest.mark.parametrize("spoil", USELESS.values(), ids=USELESS.keys())
def test_a_file_that_is_of_no_use(folder: DataFolder, spoil: Any) -> None:  # noqa: ANN401
    """It is told, and everything is read again."""
    asyncio.run(_fill(folder))
    spoil(folder.projection)

    async def scenario() -> tuple[object, object]:
        async with at_work(folder) as world:
            return world.known()

    with capture_logs() as said:
        known = asyncio.run(scenario())
    assert [each["code"] for each in said] == ["projection-useless"]
    if folder.projection.is_dir():
        folder.projection.rmdir()
    assert known == counted_again(folder)


def test_a_file_of_another_log(folder: DataFolder, tmp_path: Path) -> None:
    """Of a log with the same name and more records, or with other ones, nothing is believed."""
    asyncio.run(_fill(folder))
    other = new_folder(tmp_path / "other")
    folder.projection.rename(other.projection)

    async def scenario(calls: int) -> tuple[tuple[object, object], int]:
        async with at_work(other) as world:
            before = world.known(), world.reader.read
            await asyncio.gather(*(world.decide() for _ in range(calls)))
            return before

    with capture_logs() as said:
        ahead = asyncio.run(scenario(40))
        rewritten = asyncio.run(scenario(0))
    assert ahead == (({}, {}), 0)
    assert rewritten[1] == 40
    assert [each["code"] for each in said] == ["projection-useless"] * 2
    assert rewritten[0] == counted_again(other)


def test_nothing_is_written_of_what_is_not_durable(folder: DataFolder) -> None:
    """A ledger that fails leaves the file as it was, which is told once."""

    async def scenario() -> None:
        async with at_work(folder) as world:
            await world.decide()
            await world.projection.keep()
            before = folder.projection.read_bytes()
            await world.ledger.close()
            world.projection.counters.add({BUCKETS["GR-1"]: 5}, WALL)
            world.ledger.size += 1
            for _ in range(2):
                await world.projection.keep()
            assert folder.projection.read_bytes() == before

    with capture_logs() as said:
        asyncio.run(scenario())
    assert [each["event"] for each in said] == ["projection-unwritten"]


def test_lost_records_are_told(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls in a segment that cannot be read have used is not known, and not kept quiet."""

    def page(_: Reader, **__: object) -> Page:
        return Page([], None, 9, (range(3, 7),))

    monkeypatch.setattr(CountingReader, "page", page)

    async def scenario() -> None:
        async with at_work(folder):
            pass

    with capture_logs() as said:
        asyncio.run(scenario())
    assert [(each["code"], each["records"]) for each in said] == [
        ("limits-undercounted", ["3 to 6"])
    ]


def test_marks_are_a_copy() -> None:
    """What is reported after the copy is not in it."""
    once, again = Once(), Once()
    once.take(70_000, NOW)
    marks = once.marks()
    once.take(70_001, NOW + timedelta(hours=1))
    again.resume(marks)
    assert not again.take(70_000, NOW)
    assert again.take(70_001, NOW)
