"""A ledger whose writer is the test, and one with its real writer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from policyd.ledger.frames import Committed, Failed, Frames, Ready, reply
from policyd.ledger.ledger import Ledger, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from policyd.ledger.folder import DataFolder
    from tests.unit.ledger.conftest import Clock

READY = Ready(0, None)


class Writer:
    """A writer's end of the socket pair, driven by hand."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._frames = Frames()
        pipe.setblocking(False)

    async def records(self, count: int) -> list[bytes]:
        """The next records, so many, as the server sent them."""
        heard: list[bytes] = []
        while len(heard) < count:
            if batch := self._frames.batch()[1]:
                heard += batch
                continue
            self._frames.feed(await asyncio.get_running_loop().sock_recv(self._pipe, 1 << 16))
        return heard

    async def say(self, *messages: Ready | Committed | Failed) -> None:
        """Reply, and let the server hear it."""
        await asyncio.get_running_loop().sock_sendall(self._pipe, b"".join(map(reply, messages)))
        for _ in range(3):  # one turn of the loop to see it, one to read it, one to spare
            await asyncio.sleep(0)

    def end(self) -> None:
        """Be gone."""
        self._pipe.close()


@asynccontextmanager
async def by_hand(
    clock: Clock, records: int = 4096, size: int = 1 << 24, patience_s: float = 60.0
) -> AsyncIterator[tuple[Ledger, Writer]]:
    """A ledger whose writer does only what the test makes it do."""
    near, far = socket.socketpair()
    writer = Writer(far)
    await writer.say(READY)
    options = Options(clock, records=records, bytes=size, patience_s=patience_s)
    ledger = await Ledger.attach(near, options)
    yield ledger, writer
    writer.end()
    await ledger.close()


@asynccontextmanager
async def opened(folder: DataFolder, clock: Clock) -> AsyncIterator[Ledger]:
    """The folder's ledger with its real writer process."""
    ledger = await Ledger.open(folder, Options(clock))
    yield ledger
    await ledger.close()
