"""Reviews of changes, each by a process of its own, one at a time."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from policyd.ledger.stamp import Stamp
from policyd.model.errors import PolicyUnread
from policyd.points.replays import USUAL, Between, Replays
from policyd.policy.packing import pack
from policyd.review.assessment import Assessment
from policyd.review.replayed import Replaying

PROGRAM = ("-m", "policyd.search.assessor")
"""What Python is told to run."""

PATIENCE_S = 1800.0
"""How long a review may take; a proof gives up long before."""

_LONGEST_LINE = 1 << 26

Files = Mapping[str, bytes]
Tell = Callable[[str], None]
"""Told which step begins."""


class Reviewer:
    """Has changes reviewed beside the server."""

    def __init__(
        self,
        program: tuple[str, ...] = PROGRAM,
        patience_s: float = PATIENCE_S,
        replays: Replays | None = None,
    ) -> None:
        """Run *program* for each, and end one that takes more than *patience_s* seconds.

        With *replays* there is a log whose calls can be replayed.
        """
        self._replays = replays
        self._program = program
        self._patience_s = patience_s
        self._one_at_a_time = asyncio.Lock()

    async def past(self, stamp: Stamp, window: Between = USUAL) -> Replaying | None:
        """What of the log a review is to replay, if there is a log."""
        return await self._replays.of(stamp, window) if self._replays else None

    async def assess(
        self, base: Files, head: Files, now: datetime, tell: Tell, past: Replaying | None = None
    ) -> Assessment:
        """What the change from *base* to *head* comes to at one moment.

        The calls of *past* are replayed, if that is said.

        Raises:
            PolicyUnread: the process ended, or took too long.
        """
        async with self._one_at_a_time:
            tell("beginning")
            trees = await asyncio.to_thread(pack, (dict(base), dict(head), now, past))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", *self._program),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
            try:
                async with asyncio.timeout(self._patience_s):
                    return await _heard(process, trees, tell)
            except (TimeoutError, OSError, ValueError) as error:
                raise PolicyUnread(
                    f"the review did not come to an end ({type(error).__name__}): see the log of"
                    " the server, then ask for it again"
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def _heard(process: asyncio.subprocess.Process, trees: bytes, tell: Tell) -> Assessment:
    """What the process says in the end.

    Raises:
        OSError: it does not take the trees.
        ValueError: it says nothing that can be read.
    """
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(trees)
    await process.stdin.drain()
    process.stdin.close()
    async for line in process.stdout:
        said = json.loads(line)
        if "assessment" in said:
            return msgspec.convert(said["assessment"], Assessment)
        tell(str(said["step"]))
    raise ValueError("it ended without a word")
