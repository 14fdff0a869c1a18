"""The server's end of the policy builder: one process, started when it is needed."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from policyd.model.errors import PolicyInvalid, PolicyUnread
from policyd.policy.deliveries import LENGTH, Delivery, Order, Refused, Reply, Working, message
from policyd.policy.packing import Unpackable, unpack

PATIENCE_S = 120.0
"""How long a builder may say nothing; it says something after each file."""

PROGRAM = ("-m", "policyd.policy.builder")
"""What Python is told to run; the number of the socket comes after it."""

_AHEAD = 1 << 20  # bytes that are read before they are wanted
_Ended = (asyncio.IncompleteReadError, ConnectionError)
_AGAIN = "the policies in force stay so; reload to start another"


@dataclass(frozen=True, slots=True)
class _Line:
    """A running builder, and the way to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


def unlike(error: Exception) -> PolicyUnread:
    """What is wrong where a builder's answer makes no sense here."""
    return PolicyUnread(
        f"the policy builder said what this server cannot read ({error}), as one of another version"
        " would; the policies in force stay so; if policyd was updated, restart it"
    )


class Builder:
    """Has policy trees read by a process of its own.

    Takes one order at a time. A builder that ended, or that hangs, is replaced at the next order.
    """

    def __init__(self, patience_s: float = PATIENCE_S, program: tuple[str, ...] = PROGRAM) -> None:
        """Start none yet; wait *patience_s* seconds for each word of *program*."""
        self._patience_s = patience_s
        self._program = program
        self._line: _Line | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the builder, if there is one."""
        return self._line.process.pid if self._line else None

    async def start(self) -> None:
        """Start a builder, unless there is one, so that it is ready when it gets an order."""
        await self._running()

    async def deliver(
        self, tree: Path | Mapping[str, bytes], held: Iterable[str]
    ) -> tuple[Delivery, dict[str, bytes]]:
        """What *tree* comes to, and by key its pieces, still packed, that are not *held*.

        Args:
            tree: A folder, or files by their paths in it.
            held: Keys of the pieces that are here.

        Raises:
            PolicyInvalid: the tree has findings.
            PolicyUnread: the builder ended, said nothing for too long, or said what is no answer.
        """
        line = await self._running()
        try:
            what = str(tree) if isinstance(tree, Path) else dict(tree)
            return await self._ask(line, Order(what, frozenset(held)))
        except _Ended:
            raise PolicyUnread(
                f"the policy builder ended unexpectedly: see its last line in the log; {_AGAIN}"
            ) from None
        except TimeoutError:
            raise PolicyUnread(
                f"the policy builder said nothing for {self._patience_s:g} s; {_AGAIN}"
            ) from None
        except Unpackable as error:
            raise unlike(error) from None

    async def close(self) -> None:
        """End the builder; it has nothing that is worth waiting for."""
        line, self._line = self._line, None
        if line:
            line.process.kill()
            line.writer.close()
            await asyncio.to_thread(line.process.wait)

    async def _running(self) -> _Line:
        if self._line and self._line.process.poll() is not None:
            await self.close()
        if self._line is None:
            near, far = socket.socketpair()
            with far:
                process = subprocess.Popen(  # noqa: ASYNC220, S603 - a moment; our own program
                    [sys.executable, "-P", *self._program, str(far.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(far.fileno(),),
                )
            way = await asyncio.open_unix_connection(sock=near, limit=_AHEAD)
            self._line = _Line(process, *way)
        return self._line

    async def _ask(self, line: _Line, order: Order) -> tuple[Delivery, dict[str, bytes]]:
        is_done = False
        try:
            line.writer.write(message(order))
            reply: Reply = Working()
            while isinstance(reply, Working):
                reply = unpack(await self._message(line))
            if isinstance(reply, Refused):
                is_done = True
                raise PolicyInvalid(reply.findings)
            if not isinstance(reply, Delivery):
                raise Unpackable(f"`{type(reply).__name__}` is no reply")
            new = {key: await self._message(line) for key in reply.new}
            is_done = True
            return reply, new
        finally:
            # Whatever else it would say, if it still can, is no answer to the next order.
            if not is_done:
                await self.close()

    async def _message(self, line: _Line) -> bytes:
        async with asyncio.timeout(self._patience_s):
            length = LENGTH.unpack(await line.reader.readexactly(LENGTH.size))
            return await line.reader.readexactly(*length)
