"""Keeping: what is full is sealed, what is damaged made good, what is old leaves the ledger's file.

A process of its own does the work and ends (`ledger.sealer`); here is decided when it runs, and
what is told of what it found. Nothing of this holds up a check, and no trouble with a segment ends
readiness: it is told until it is over.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from policyd.ledger.cold import Cold
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.recovery import TAIL
from policyd.ledger.stamp import moment
from policyd.ledger.told import ALL, Ended, Looked, read
from policyd.model.errors import LedgerUnavailable, PolicydError, RecordsLost
from policyd_audit.segment import Segment

log = structlog.get_logger(__name__)

_TOLD = {"rebuilt": "segment-rebuilt", "renewed": "manifest-renewed", "sealed": "segment-sealed"}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When segments are looked at.

    Attributes:
        look_s: Seconds between two looks at the folder.
        thorough_s: Seconds after which every byte is read again.
        hot: How old records must be to leave the ledger's file.
    """

    look_s: float = 5.0
    thorough_s: float = 86_400.0
    hot: timedelta = timedelta(days=30)


class _Face(NamedTuple):
    """What can be seen at a glance: full stretches of the log, and the files of each segment."""

    full: int
    files: dict[int, list[tuple[int, int]]]


class Keeping:
    """Looks after the segments of one running server.

    Attributes:
        lost: The segments that cannot be read, by number.
        trouble: Why not everything could be done; None while all is well.
    """

    def __init__(
        self,
        data: Path,
        stores: tuple[Ledger, Reader, Cold],
        clock: Callable[[], datetime],
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        """Look after the segments in the data folder at *data*."""
        self.lost: dict[int, RecordsLost] = {}
        self.trouble: PolicydError | None = None
        self._data = data
        self._ledger, self._reader, self._cold = stores
        self._clock = clock
        self._rhythm = rhythm
        self._sealed: dict[int, Segment] = {}  # those found good
        self._face: _Face | None = None
        self._read_all_at = 0.0  # by the event loop's clock

    @property
    def sealed(self) -> int:
        """Number of segments that are in order."""
        return len(self._sealed)

    @property
    def troubles(self) -> tuple[PolicydError, ...]:
        """What is wrong now."""
        lost = tuple(self.lost[number] for number in sorted(self.lost))
        return (*lost, self.trouble) if self.trouble else lost

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except (PolicydError, OSError) as error:
                self._say_trouble(LedgerUnavailable(str(error)))
            await asyncio.sleep(self._rhythm.look_s)

    async def look(self) -> None:
        """See whether there is something to do, and do it."""
        now = asyncio.get_running_loop().time()
        is_due = self._face is None or now - self._read_all_at >= self._rhythm.thorough_s
        before, face = self._face, await asyncio.to_thread(self._glance)
        if face.full and (is_due or face != before or self.trouble):
            if await self._work(None if before is None or is_due else _changed(before, face)):
                self._read_all_at = now if is_due else self._read_all_at
            face = await asyncio.to_thread(self._glance)
            # What was damaged behind the sealer's back is seen at the next look.
            for number, found in self._sealed.items():
                if not face.files.get(number) or face.files[number][0][0] != found.size:
                    face.files[number] = []
        self._face = face
        await self._forget()

    def _glance(self) -> _Face:
        shelf, files = self._cold.shelf, {}
        for number in shelf.numbers():
            paths = [shelf.file(number), shelf.manifest(number)]
            stats = [each.stat() for each in paths if each.exists()]
            files[number] = [(each.st_size, each.st_mtime_ns) for each in stats]
        return _Face(self._ledger.size // shelf.records, files)

    async def _work(self, thoroughly: Iterable[int] | None) -> bool:
        """Run the sealer, which reads these segments, or all; whether it came to its end."""
        which = ALL if thoroughly is None else ",".join(map(str, thoroughly))
        command = [sys.executable, "-P", "-m", "policyd.ledger.sealer"]
        process = await asyncio.create_subprocess_exec(
            *(*command, str(self._data), str(self._cold.shelf.level), which),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        ended = Ended("sealer-ended", "the process that seals has ended: see the server's log")
        try:
            assert process.stdout  # noqa: S101 - it was asked for
            async for line in process.stdout:
                told = read(line)
                if isinstance(told, Ended):
                    ended = told
                else:
                    self._hear(told)
        except msgspec.DecodeError:
            pass  # it died within a line
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        self._cold.refresh()
        self._say_trouble(PolicydError(ended.message, code=ended.code) if ended.code else None)
        return not ended.code

    def _hear(self, told: Looked) -> None:
        """Take note of how it stands with one segment."""
        number = told.number
        if told.segment is None:
            self._sealed.pop(number, None)
            if number not in self.lost:
                self.lost[number] = self._cold.lost(number, told.why)
                log.error("segment-lost", code="segment-lost", message=self.lost[number].message)
            return
        self._sealed[number] = told.segment
        if self.lost.pop(number, None):
            log.warning("segment-restored", segment=told.segment.file)
        if told.did in _TOLD:
            why = {"why": told.why} if told.why else {}
            say = log.warning if told.why else log.info
            say(_TOLD[told.did], segment=told.segment.file, **why)

    async def _forget(self) -> None:
        """Have the oldest segment's records leave the ledger's file, once they are old."""
        kept_from = await asyncio.to_thread(self._reader.kept_from)
        shelf = self._cold.shelf
        number = kept_from // shelf.records
        found = self._sealed.get(number)
        is_old = found is not None and moment(found.latest) + self._rhythm.hot <= self._clock()
        # The last records stay: every start holds them to the tree.
        if is_old and shelf.range(number).stop <= self._ledger.size - TAIL:
            self._ledger.forget(number)

    def _say_trouble(self, error: PolicydError | None) -> None:
        if error and (self.trouble is None or self.trouble.code != error.code):
            log.error("segments-in-trouble", code=error.code, message=error.message)
        self.trouble = error


def _changed(before: _Face, after: _Face) -> list[int]:
    """The segments whose files are not those of before."""
    numbers = sorted(before.files.keys() | after.files.keys())
    return [each for each in numbers if before.files.get(each) != after.files.get(each)]
