"""The server's end of search: one process, and who waits for it.

It is started when it is first asked, or at once if there are segments, since it reads each of them
before it trusts it.

Questions are answered one after the other. So many may wait, and only for so long: whoever comes
on top of that is told to come again, and no check is the slower for it.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import TypeVar

import msgspec

from policyd.ledger.shelf import LEVEL, Shelf
from policyd.model.errors import QueryRefused, SearchUnavailable
from policyd.search.asking import Failed, Question, Refused, Reply, reply_of

PROGRAM = ("-m", "policyd.search.searcher")
"""What Python is told to run; the number of the socket and the rest come after it."""

_LENGTH = Struct("<I")
_Ended = (asyncio.IncompleteReadError, ConnectionError)
_Found = TypeVar("_Found", bound=Reply)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What searching may take.

    Attributes:
        seconds: Time for one question.
        grace_s: More than that, before the process is taken for hung.
        waiting: Questions that may wait for their turn.
        wait_s: How long one may wait.
        memory: Bytes the process may use; beyond them it uses the disk.
        threads: Cores it may use; one is left to checks, if there are several.
    """

    seconds: float = 10.0
    grace_s: float = 10.0
    waiting: int = 16
    wait_s: float = 20.0
    memory: int = 1 << 30
    threads: int = max(1, (os.cpu_count() or 1) - 1)


@dataclass(frozen=True, slots=True)
class _Line:
    """A running process, and the way to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Search:
    """Has questions answered by a process of its own; belongs to one event loop.

    A process that ended, or that hangs, is replaced at the next question.

    Attributes:
        data: The data folder whose log is searched.
        level: Of its segments.
    """

    def __init__(
        self,
        data: Path,
        allowance: Allowance = Allowance(),
        *,
        level: int = LEVEL,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        """Search the log in the data folder at *data*, whose segments are of that *level*."""
        self.allowance = allowance
        self.data = data
        self.level = level
        self._program = program
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._line: _Line | None = None

    @property
    def pid(self) -> int | None:
        """Process id, while there is one."""
        return self._line.process.pid if self._line else None

    async def prepare(self) -> None:
        """Have the process read the segments, if there are any, before the first question."""
        if Shelf(self.data, self.level).numbers():
            await self._running()

    async def ask(self, question: Question, kind: type[_Found]) -> _Found:
        """The answer to a question, which is of that *kind*.

        Raises:
            QueryRefused: its text cannot be read.
            SearchUnavailable: too many wait already, or it could not be answered.
        """
        async with self._its_turn():
            reply = await self._exchange(question)
        if isinstance(reply, Refused):
            raise QueryRefused(
                reply.message,
                column=reply.column,
                length=reply.length,
                expected=reply.expected,
                code=reply.code,
            )
        if isinstance(reply, Failed):
            raise SearchUnavailable(f"the log could not be searched: {reply.why}")
        if not isinstance(reply, kind):
            raise SearchUnavailable("the search process said what is no answer to this question")
        return reply

    async def close(self) -> None:
        """End the process; it has nothing that is worth waiting for."""
        line, self._line = self._line, None
        if line:
            line.process.kill()
            line.writer.close()
            await asyncio.to_thread(line.process.wait)

    @asynccontextmanager
    async def _its_turn(self) -> AsyncIterator[None]:
        if self._waiting >= self.allowance.waiting:
            raise _busy(f"{self._waiting} questions wait already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.allowance.wait_s):
                await self._turn.acquire()
        except TimeoutError:
            raise _busy("its turn did not come in time") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    async def _exchange(self, question: Question) -> Reply:
        line = await self._running()
        is_done = False
        try:
            data = msgspec.msgpack.encode(question)
            line.writer.write(_LENGTH.pack(len(data)) + data)
            async with asyncio.timeout(question.scope.seconds + self.allowance.grace_s):
                (length,) = _LENGTH.unpack(await line.reader.readexactly(_LENGTH.size))
                reply = reply_of(await line.reader.readexactly(length))
            is_done = True
        except TimeoutError:
            raise SearchUnavailable(
                "the search process did not answer and was ended: ask for less, or try again"
            ) from None
        except (*_Ended, msgspec.DecodeError) as error:
            raise SearchUnavailable(
                "the search process ended unexpectedly: see its last line in the log, and try again"
            ) from error
        finally:
            # Whatever else it would say, if it still can, is no answer to the next question.
            if not is_done:
                await self.close()
        return reply

    async def _running(self) -> _Line:
        if self._line and self._line.process.poll() is not None:
            await self.close()
        if self._line is None:
            near, far = socket.socketpair()
            said = (far.fileno(), self.data, self.level, self.allowance.memory)
            with far:
                process = subprocess.Popen(  # noqa: ASYNC220, S603 - a moment; our own program
                    [
                        *(sys.executable, "-P", *self._program),
                        *map(str, (*said, self.allowance.threads)),
                    ],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(far.fileno(),),
                )
            way = await asyncio.open_unix_connection(sock=near)
            self._line = _Line(process, *way)
        return self._line


def _busy(why: str) -> SearchUnavailable:
    return SearchUnavailable(
        f"the search is busy ({why}): try again in a moment", code="search-busy"
    )
