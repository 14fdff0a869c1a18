"""The ledger: durable before done, bounded, and once broken, closed to everyone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw
import pytest
import uvloop

from policyd.ledger.frames import Committed, Failed
from policyd.ledger.ledger import Failure, Ledger, Options
from policyd.ledger.record import Admin, encode, stamped, time_of
from policyd.ledger.store import Store
from policyd.model.errors import ClockBehind, DataFolderError, LedgerStalled, LedgerUnavailable
from tests.unit.ledger.by_hand import by_hand, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from policyd.ledger.folder import DataFolder
    from tests.unit.ledger.conftest import Clock

    Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test's own coroutine to its end, on the loop of a server and on the plain one."""

    def run_on(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main)

    return run_on


def test_done_means_durable(
    folder: DataFolder, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """What `append` returns from can be read by another process, at the index it says."""
    leaves = records(5)

    async def main() -> None:
        async with opened(folder, clock) as ledger:
            assert await ledger.append(leaves[:2]) == 0
            with closing(apsw.Connection(str(folder.ledger))) as db:
                assert list(db.execute("select leaf from leaf")) == [(each,) for each in leaves[:2]]
            assert await ledger.append(leaves[2:]) == 2
            assert (ledger.size, ledger.last_ts) == (5, time_of(leaves[-1]))
            assert (ledger.queue_depth, ledger.failure) == (0, None)
            assert ledger.last_commit_seconds > 0

    run(main())
    with closing(Store(folder.ledger, folder.signer)) as store:
        assert store.size == 5


def test_many_at_a_time_each_get_their_own_index(
    folder: DataFolder, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """Concurrent appends share commits, and each learns where its records are."""
    leaves, commits = records(300), []

    async def main() -> None:
        options = Options(clock, observe=lambda count, seconds: commits.append((count, seconds)))
        ledger = await Ledger.open(folder, options)
        indexes = await asyncio.gather(*(ledger.append([leaf]) for leaf in leaves))
        assert indexes == list(range(300))
        await ledger.close()

    run(main())
    assert sum(count for count, _ in commits) == 300
    assert len(commits) < 300


def test_closing_waits_for_what_was_submitted(
    folder: DataFolder, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """An orderly end loses nothing: what was submitted before it is durable after it."""
    leaves = records(100)

    async def main() -> None:
        ledger = await Ledger.open(folder, Options(clock))
        futures = [ledger.submit([leaf]) for leaf in leaves]
        await ledger.close()
        assert [future.result() for future in futures] == list(range(100))
        with pytest.raises(LedgerUnavailable, match="shutting down"):
            ledger.submit(records(1))
        await ledger.close()

    run(main())


def test_stamps_go_on_from_the_last_record(folder: DataFolder, clock: Clock, run: Run) -> None:
    """After a restart with a clock set back, no record is older than the log's last."""

    async def main() -> None:
        async with opened(folder, clock) as ledger:
            first = ledger.stamp()
            await ledger.append([encode(Admin(**stamped(first), act="a", target="t", by="b"))])
        clock.move(seconds=-3)
        async with opened(folder, clock) as ledger:
            assert ledger.clock_behind.total_seconds() == 3
            assert ledger.stamp().ts == first.ts
        clock.move(seconds=-3)
        async with opened(folder, clock) as ledger:
            assert ledger.clock_behind.total_seconds() == 6
            with pytest.raises(ClockBehind):
                ledger.stamp()

    run(main())


def test_nothing_is_done_before_the_writer_says_so(
    clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """A future resolves with its own frame's commit: not earlier, not with another's."""

    async def main() -> None:
        async with by_hand(clock) as (ledger, writer):
            one, two, three = (ledger.submit(records(count)) for count in (1, 2, 3))
            await writer.records(6)
            assert not one.done()
            assert (ledger.queue_depth, ledger.size) == (6, 0)
            await writer.say(Committed(2, 3, 0.5))
            assert (one.result(), two.result(), three.done()) == (0, 1, False)
            assert (ledger.queue_depth, ledger.size, ledger.last_commit_seconds) == (3, 3, 0.5)
            await writer.say(Committed(1, 6, 0.5))
            assert three.result() == 3

    run(main())


def test_a_disk_that_does_not_answer(
    clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """Who is in a hurry is told, nobody else is let in; what is said later is as ever."""

    async def main() -> None:
        async with by_hand(clock, patience_s=0.05) as (ledger, writer):
            urgent, patient = (ledger.submit(records(1), is_urgent=each) for each in (True, False))
            with pytest.raises(LedgerStalled, match="has not answered for"):
                await urgent
            assert isinstance(ledger.stall, LedgerStalled)
            with pytest.raises(LedgerUnavailable, match="see to the disk") as refused:
                ledger.submit(records(1), is_urgent=True)
            assert not isinstance(refused.value, LedgerStalled)  # it will never be recorded
            assert not patient.done()
            assert ledger.submitted == 2

            await writer.records(2)
            await writer.say(Committed(2, 2, 0.5))
            assert await patient == 1
            assert ledger.size == 2
            assert ledger.queue_depth == 0
            assert not ledger.failure
            later = ledger.submit(records(1), is_urgent=True)
            await writer.say(Committed(1, 3, 0.5))
            assert await later == 2

    run(main())


@pytest.mark.parametrize(
    ("limit", "room"),
    [((5, 1 << 24), "no room for 3 more records"), ((4096, 700), "no room for 3 more")],
)
def test_a_full_queue_takes_all_or_none(
    limit: tuple[int, int], room: str, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """With fewer free places than records, none is taken; a commit makes room again."""
    leaves = records(6)

    async def main() -> None:
        async with by_hand(clock, *limit) as (ledger, writer):
            first = ledger.submit(leaves[:3])
            with pytest.raises(LedgerUnavailable, match=room) as caught:
                ledger.submit(leaves[3:])
            assert caught.value.code == "audit-unavailable"
            assert ledger.queue_depth == 3
            assert await writer.records(3) == leaves[:3]
            await writer.say(Committed(1, 3, 0.1))
            assert first.result() == 0
            second = ledger.submit(leaves[3:])
            assert await writer.records(3) == leaves[3:]
            await writer.say(Committed(1, 6, 0.1))
            assert second.result() == 3

    run(main())


def test_cancelling_the_waiter_keeps_the_record(
    folder: DataFolder, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """A caller that goes away neither takes its record back nor shifts anyone's index."""
    leaves = records(3)

    async def main() -> None:
        async with opened(folder, clock) as ledger:
            gone = asyncio.create_task(ledger.append([leaves[0]]))
            await asyncio.sleep(0)
            gone.cancel()
            ledger.submit([leaves[1]]).cancel()
            assert await ledger.append([leaves[2]]) == 2
            assert gone.cancelled()

    run(main())
    with closing(Store(folder.ledger, folder.signer)) as store:
        assert store.size == 3


def test_whoever_waits_for_all_is_told_of_what_was_cancelled(
    clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """A submitter who goes away ends nobody else's wait, neither before the commit nor after."""

    async def main() -> None:
        async with by_hand(clock) as (ledger, writer):
            gone = ledger.submit(records(1))
            settled = asyncio.create_task(ledger.settled())
            await writer.records(1)
            gone.cancel()
            await asyncio.sleep(0)
            assert not settled.done()
            await writer.say(Committed(1, 1, 0.1))
            await settled

    run(main())


@pytest.mark.parametrize("count", [0, 513])
def test_a_frame_has_bounds(
    count: int, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """One transaction takes at most 512 records, so that is what may be submitted at once."""

    async def main() -> None:
        async with by_hand(clock) as (ledger, _):
            with pytest.raises(ValueError, match="submit 1 to 512 records at once"):
                ledger.submit(records(count))

    run(main())


def test_the_order_of_time_is_kept(
    clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """A record older than one before it is refused; the log's order is that of time."""
    early, late = records(2)

    async def main() -> None:
        async with by_hand(clock) as (ledger, _):
            ledger.submit([late])
            for several in ([early], [late, early]):
                with pytest.raises(ValueError, match="stamp, then submit"):
                    ledger.submit(several)
            assert ledger.queue_depth == 1

    run(main())


def test_a_failed_commit_reaches_everyone(
    clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """After a failure every waiter and every later call gets the same, with the way out."""

    async def main() -> None:
        async with by_hand(clock) as (ledger, writer):
            durable, lost, cancelled = (ledger.submit(records(1)) for _ in range(3))
            cancelled.cancel()
            failed = Failed("disk-full", "the disk is full: free some space")
            await writer.say(Committed(1, 1, 0.1), failed)
            assert durable.result() == 0
            with pytest.raises(LedgerUnavailable, match="free some space"):
                lost.result()
            with pytest.raises(LedgerUnavailable, match="free some space") as caught:
                await ledger.append(records(1))
            assert caught.value.code == "audit-unavailable"
            assert ledger.failure == Failure("disk-full", failed.message)
            writer.end()
            await ledger.close()
            assert ledger.failure == Failure("disk-full", failed.message)
            assert ledger.queue_depth == 0

    run(main())


def test_a_killed_writer_reaches_everyone(
    folder: DataFolder, clock: Clock, records: Callable[[int], list[bytes]], run: Run
) -> None:
    """A writer that is killed ends the service, not the server: what is asked next is refused."""
    leaves = records(2)

    async def main() -> None:
        async with opened(folder, clock) as ledger:
            await ledger.append(leaves[:1])
            assert ledger.writer_pid is not None
            os.kill(ledger.writer_pid, signal.SIGKILL)
            with pytest.raises(LedgerUnavailable, match="ended unexpectedly"):
                await ledger.append(leaves[1:])
            assert ledger.failure is not None
            assert ledger.failure.code == "ledger-writer-ended"
            with pytest.raises(LedgerUnavailable, match="restart policyd"):
                ledger.submit(leaves[1:])

    run(main())


def test_an_idle_ledger_notices_its_writers_end(folder: DataFolder, clock: Clock, run: Run) -> None:
    """Even without a request, a dead writer shows."""

    async def main() -> None:
        async with opened(folder, clock) as ledger:
            assert ledger.writer_pid is not None
            os.kill(ledger.writer_pid, signal.SIGKILL)
            while ledger.failure is None:  # noqa: ASYNC110 - it is polled, as readiness does
                await asyncio.sleep(0.01)
            assert ledger.failure.code == "ledger-writer-ended"

    run(main())


def test_a_damaged_ledger_is_not_opened(folder: DataFolder, clock: Clock, run: Run) -> None:
    """A server on a damaged ledger does not start, and says what is wrong."""
    with closing(apsw.Connection(str(folder.ledger))) as db:
        db.execute("update state set root = zeroblob(32)")

    async def main() -> None:
        with pytest.raises(DataFolderError, match="root") as caught:
            await Ledger.open(folder, Options(clock))
        assert caught.value.code == "ledger-damaged"

    run(main())


def test_a_writer_that_ends_at_once_is_an_error(clock: Clock, run: Run) -> None:
    """A writer that never gets ready is no ledger."""

    async def main() -> None:
        near, far = socket.socketpair()
        far.close()
        with pytest.raises(DataFolderError, match="ended unexpectedly"):
            await Ledger.attach(near, Options(clock))

    run(main())


def test_a_writer_keeps_the_folder_locked(folder: DataFolder, clock: Clock, run: Run) -> None:
    """The lock is not free before the writer has ended, even if the server has let go of it."""

    async def main() -> None:
        async with opened(folder, clock):
            folder.close()
            with pytest.raises(DataFolderError) as caught:
                type(folder).open(folder.path, wait=0)
            assert caught.value.code == "data-folder-locked"
        folder.lock_fd = type(folder).open(folder.path, wait=2).lock_fd

    run(main())
