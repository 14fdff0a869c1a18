"""The policy builder: what it delivers, and what becomes of the server when it does not."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policyd.model.errors import PolicyInvalid, PolicyUnread
from policyd.policy.builder_process import PROGRAM, Builder
from policyd.policy.deliveries import Delivery
from policyd.policy.load import check, load
from policyd.policy.packing import unpack_piece
from tests.servers import POLICIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

HANGING_S = 0.2  # how long a builder that never says anything is waited for
_SAY = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as pipe:
    pipe.recv(4)
    pipe.sendall({said!r})
    pipe.recv(1 << 16)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sample company, to be edited."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


@asynccontextmanager
async def building(
    patience_s: float = 60, program: tuple[str, ...] = PROGRAM
) -> AsyncIterator[Builder]:
    """A builder, to be ended with the block."""
    builder = Builder(patience_s, program)
    try:
        yield builder
    finally:
        await builder.close()


def pid_of(builder: Builder) -> int:
    """The process id of one that runs."""
    assert builder.pid is not None
    return builder.pid


def pieces_of(new: Mapping[str, bytes]) -> dict[str, Any]:
    """The values of pieces."""
    return {key: unpack_piece(key, data) for key, data in new.items()}


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def test_a_snapshot_is_delivered_whole_and_then_in_part(tree: Path) -> None:
    """What comes is the snapshot that `load` makes; after a change, only what it changed."""

    async def story() -> None:
        async with building() as builder:
            first, new = await builder.deliver(tree, ())
            assert new.keys() == first.all_keys()
            pieces = pieces_of(new)
            assert first.snapshot(pieces) == load(tree)
            access = tree / "units/hr/access.yaml"
            access.write_text(access.read_text("utf-8").replace("reason: An", "reason: One", 1))
            second, new = await builder.deliver(tree, pieces)
            assert set(new) == {second.rules["units/hr/access.yaml"]}
            assert second.snapshot(pieces | pieces_of(new)) == load(tree)

    asyncio.run(story())


def test_findings_are_delivered(tree: Path) -> None:
    """A tree with findings is refused with all of them, and one builder goes on to the next."""

    async def story() -> None:
        async with building() as builder:
            (tree / "units/hr/access.yaml").write_text("allow: {\n")
            with pytest.raises(PolicyInvalid) as refused:
                await builder.deliver(tree, ())
            assert list(refused.value.findings) == check(tree)
            pid = builder.pid
            delivery, _ = await builder.deliver(POLICIES, ())
            assert (delivery.digest, builder.pid) == (load(POLICIES).digest, pid)

    asyncio.run(story())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is a finding, as it is for `load`."""

    async def story() -> None:
        async with building() as builder:
            with pytest.raises(PolicyInvalid) as refused:
                await builder.deliver(tmp_path / "nowhere", ())
            assert list(refused.value.findings) == check(tmp_path / "nowhere")

    asyncio.run(story())


def test_one_that_was_killed_is_replaced() -> None:
    """The next order goes to another builder, whether the one before it ended idle or at work."""

    async def story() -> None:
        async with building() as builder:
            await builder.start()
            idle = pid_of(builder)
            os.kill(idle, signal.SIGKILL)
            ended = os.WEXITED | os.WNOWAIT
            await asyncio.to_thread(os.waitid, os.P_PID, idle, ended)
            delivery, _ = await builder.deliver(POLICIES, ())
            assert isinstance(delivery, Delivery)
            at_work = pid_of(builder)
            os.kill(at_work, signal.SIGSTOP)
            order = asyncio.create_task(builder.deliver(POLICIES, ()))
            await asyncio.sleep(0)
            os.kill(at_work, signal.SIGKILL)
            with pytest.raises(PolicyUnread, match="ended unexpectedly: see its last line"):
                await order
            assert builder.pid is None
            await builder.deliver(POLICIES, ())
            assert builder.pid not in {None, idle, at_work}

    asyncio.run(story())


def test_one_that_hangs_is_ended() -> None:
    """Whoever says nothing for too long is waited for no longer, and is gone."""

    async def story() -> None:
        async with building(HANGING_S) as builder:
            await builder.start()
            pid = pid_of(builder)
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(PolicyUnread, match=r"said nothing for 0\.2 s; .* reload to start"):
                await builder.deliver(POLICIES, ())
            assert builder.pid is None
            assert not is_alive(pid)

    asyncio.run(story())


NONSENSE = {
    "no pickle": b"\x03\0\0\0abc",
    "nothing": b"\0\0\0\0",
    "no reply": b"\x02\0\0\0N.",  # None
    "of another version": b"\x16\0\0\0cpolicyd.model\nGone\n)R.",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_one_that_talks_nonsense(said: bytes) -> None:
    """What is no answer is told as that, and whoever said it is gone."""

    async def story() -> None:
        async with building(program=("-c", _SAY.format(said=said))) as builder:
            with pytest.raises(PolicyUnread, match=r"cannot read \(.*\), as one of another"):
                await builder.deliver(POLICIES, ())
            assert builder.pid is None

    asyncio.run(story())


def test_one_that_breaks_off() -> None:
    """Half an answer is none."""

    async def story() -> None:
        program = ("-c", "import os, sys; os.write(int(sys.argv[1]), bytes([9, 0, 0, 0, 1]))")
        async with building(program=program) as builder:
            with pytest.raises(PolicyUnread, match="ended unexpectedly"):
                await builder.deliver(POLICIES, ())

    asyncio.run(story())


def test_an_order_that_is_given_up() -> None:
    """Its builder is ended, so that nobody takes the answer for that to the next order."""

    async def story() -> None:
        async with building() as builder:
            await builder.start()
            pid = pid_of(builder)
            os.kill(pid, signal.SIGSTOP)
            order = asyncio.create_task(builder.deliver(POLICIES, ()))
            await asyncio.sleep(0)
            order.cancel()
            with pytest.raises(asyncio.CancelledError):
                await order
            assert not is_alive(pid)
            assert (await builder.deliver(POLICIES, ()))[0].digest == load(POLICIES).digest

    asyncio.run(story())
