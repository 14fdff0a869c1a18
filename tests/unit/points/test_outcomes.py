"""Outcomes: once, in time, and only of what a key was answered, by a real ledger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyd.ledger.folder import DataFolder, create
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.reader import Reader
from policyd.ledger.record import REPORTED_WITHIN
from policyd.model.errors import Conflict, LedgerUnavailable, NotFound, OutOfScope
from policyd.model.keys import Key
from policyd.points.decision import Sender
from policyd.points.metrics import Metrics
from policyd.points.once import Once
from policyd.points.outcomes import Outcome, OutcomePoint, UnaskedCall
from policyd.points.projection import Projection
from tests.unit.points.decided import decided

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Outcome("ok")
MICROSECOND = timedelta(microseconds=1)


class Clock:
    """A clock that is moved by hand."""

    now = START

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.now


def sender(key_id: str = "k1") -> Sender:
    """A PEP of the unit sales."""
    units = frozenset({"sales"})
    key = Key(key_id, "flows", "service", "it", frozenset({"pep"}), units, frozenset(), (), START)
    return Sender(key, "127.0.0.1")


@asynccontextmanager
async def at_work(
    folder: DataFolder, clock: Clock, room: int = 1 << 20
) -> AsyncIterator[tuple[Ledger, OutcomePoint]]:
    """A ledger and the point that records outcomes in it, restored from what is there."""
    ledger = await Ledger.open(folder, Options(clock, bytes=room))
    with closing(Reader(folder.ledger, seconds=60.0)) as reader:
        projection = Projection(
            (folder.projection, b"secret"), (folder.signer.origin, ledger, reader)
        )
        projection.restore(clock() - REPORTED_WITHIN, clock().replace(tzinfo=None))
        point = OutcomePoint(reader, ledger, Metrics(), projection.once)
        yield ledger, point
        await ledger.close()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder, new and locked."""
    with create(tmp_path / "data", "policyd.example/log"):
        pass
    return DataFolder.open(tmp_path / "data", wait=0)


async def decide(ledger: Ledger, effect: str = "allow") -> str:
    """The id of a new decision that the key `k1` got."""
    made = ledger.stamp()
    await ledger.append([decided(made, effect)])
    return made.id


def test_an_outcome_may_come_a_day_later_but_no_more(folder: DataFolder) -> None:
    """At the end of the time it is taken, a moment after that it is refused."""

    async def main() -> None:
        clock = Clock()
        async with at_work(folder, clock) as (ledger, point):
            first, second = await decide(ledger), await decide(ledger)
            clock.now = START + REPORTED_WITHIN
            assert (await point.report(sender(), first, DONE))[1] == "ok"
            clock.now += MICROSECOND
            with pytest.raises(Conflict) as caught:
                await point.report(sender(), second, DONE)
            assert caught.value.code == "outcome-too-late"

    asyncio.run(main())


def test_of_two_at_a_time_one_is_taken(folder: DataFolder) -> None:
    """Reports that arrive together do not both get in."""

    async def main() -> None:
        async with at_work(folder, Clock()) as (ledger, point):
            decided = await decide(ledger)
            said = [point.report(sender(), decided, DONE) for _ in range(8)]
            got = await asyncio.gather(*said, return_exceptions=True)
            refused = [each for each in got if isinstance(each, Conflict)]
            assert len(refused) == 7
            assert {each.code for each in refused} == {"outcome-already-reported"}

    asyncio.run(main())


def test_once_is_kept_in_the_log(folder: DataFolder) -> None:
    """As long as an outcome may come, a restart knows whether it came."""

    async def main() -> None:
        clock = Clock()
        async with at_work(folder, clock) as (ledger, point):
            told, untold = await decide(ledger), await decide(ledger, "deny")
            await point.report(sender(), told, DONE)
            await point.report_unasked(sender(), UnaskedCall("sales/x", "read", "a/b"), DONE)
            await asyncio.gather(*[decide(ledger) for _ in range(600)])
        clock.now = START + REPORTED_WITHIN
        async with at_work(folder, clock) as (_, point):
            with pytest.raises(Conflict):
                await point.report(sender(), told, DONE)
            assert (await point.report(sender(), untold, DONE))[1] == "ran-despite-deny"

    asyncio.run(main())


def test_only_who_was_answered_may_say(folder: DataFolder) -> None:
    """Another key is told that there is no such decision, and speaks for no one else's calls."""

    async def main() -> None:
        async with at_work(folder, Clock()) as (ledger, point):
            decided = await decide(ledger)
            with pytest.raises(NotFound):
                await point.report(sender("k2"), decided, DONE)
            with pytest.raises(OutOfScope):
                await point.report_unasked(sender(), UnaskedCall("hr/x", "read", "a/b"), DONE)

    asyncio.run(main())


def test_what_was_not_recorded_may_be_said_again(folder: DataFolder) -> None:
    """A report that the log had no room for is not held against the next one."""

    async def main() -> None:
        async with at_work(folder, Clock(), room=2000) as (ledger, point):
            decided = await decide(ledger)
            with pytest.raises(LedgerUnavailable):
                await point.report(sender(), decided, Outcome("failed", error="x" * 2000))
            assert (await point.report(sender(), decided, DONE))[1] == "ok"

    asyncio.run(main())


@pytest.mark.parametrize("index", [0, 7, 8, 65_535, 65_536, 1_000_000_007])
def test_each_record_has_a_bit_of_its_own(index: int) -> None:
    """Taking one takes no other, and giving it back gives no other."""
    once = Once()
    neighbours = [each for each in (index - 1, index + 1) if each >= 0]
    assert once.take(index, START)
    assert not once.take(index, START)
    assert all(once.take(each, START) for each in neighbours)
    once.give_back(index)
    assert once.take(index, START)
    assert not any(once.take(each, START) for each in neighbours)


def test_old_bits_are_dropped() -> None:
    """What nobody may report on any more takes no room."""
    once = Once()
    once.take(1, START)
    once.take(70_000, START + REPORTED_WITHIN)
    once.forget(START + MICROSECOND)
    assert once.take(1, START)
    assert not once.take(70_000, START)
