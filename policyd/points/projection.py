"""Projection: what the log says of limits and outcomes, kept beside it as of one of its records.

Without it a start would read a month of records to know them. Nothing rests on the file: it is used
if it was written with this folder's own secret, and if the log still has, under the same root, the
records that it sums up; otherwise they are read again.

    {"kind":"log","origin":"policyd.example/log","size":4711,"root":"9f…"}
    {"kind":"counters","stretch":"2026-11","counters":{"GR-7 sales/crm-sync 2026-11":12}}
    {"kind":"outcomes","chunk":0,"newest":"2026-11-21T22:56:26.000000Z","bits":"…"}
    {"kind":"end","mac":"…"}

`bits` are compressed (RFC 1950); `mac` is the HMAC-SHA-256 of the lines before it.
"""

import asyncio
import hmac
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Page, Reader
from policyd.ledger.replacing import replace_file
from policyd.ledger.stamp import moment, timestamp
from policyd.model.errors import LedgerUnavailable
from policyd.points.counters import Counters
from policyd.points.once import CHUNK, Marks, Once

log = structlog.get_logger(__name__)

_LOOK_S = 5.0
_RECORDS = 16_384
"""So many records are read again after a crash, and what came in `_LOOK_S`."""

_PAGE = 8_192  # records in a row group of a segment, which gives as many as fast as one
_TELL_S = 5.0


class _Log(msgspec.Struct, tag_field="kind", tag="log"):
    origin: str
    size: int
    root: str


class _Stretch(msgspec.Struct, tag_field="kind", tag="counters"):
    stretch: str
    counters: dict[str, int]


class _Outcomes(msgspec.Struct, tag_field="kind", tag="outcomes"):
    chunk: int
    newest: str
    bits: bytes


class _End(msgspec.Struct, tag_field="kind", tag="end"):
    mac: str


_line = msgspec.json.Decoder(_Log | _Stretch | _Outcomes | _End).decode


class _Sums(msgspec.Struct):
    """What the first *size* records of the log come to."""

    size: int
    counters: dict[str, dict[str, int]]
    marks: dict[int, Marks]


class _Useless(Exception):
    """The file does not help; the message says why."""


class Projection:
    """Keeps what the log's records come to, and brings it back at the next start.

    Attributes:
        counters: What limits have counted.
        once: Which decisions have their outcome.
    """

    def __init__(
        self,
        kept: tuple[Path, bytes],
        logs: tuple[str, Ledger, Reader],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sum up a log, known by its origin, in a file under a secret."""
        self.counters = Counters()
        self.once = Once()
        self._path, self._secret = kept
        self._origin, self._ledger, self._reader = logs
        self._clock = clock
        self._size = 0  # of the log that the file sums up
        self._has_failed = False

    def restore(self, since: datetime, now: datetime) -> None:
        """Know again what the log says, from the file and the records after it.

        Args:
            since: What was recorded before then matters no more.
            now: The company's clock, without a zone.

        Raises:
            LedgerUnavailable: the log cannot be read.
        """
        try:
            sums = self._kept()
        except _Useless as error:
            log.warning("projection-useless", code="projection-useless", message=str(error))
            sums = None
        if sums:
            self.counters.resume(sums.counters)
            self.once.resume(sums.marks)
            self._size = sums.size
        lost: list[range] = []
        for page in self._pages(since, sums):
            for found in page.records:
                self.counters.recount(found.leaf, now)
                self.once.recount(found.leaf)
            lost += page.lost
        if lost:
            log.warning(
                "limits-undercounted",
                code="limits-undercounted",
                message="some records of this month cannot be read: what calls in them have used"
                " of limits is not counted; put good copies of their segments back and restart",
                records=[f"{each.start} to {each.stop - 1}" for each in lost],
            )

    async def run(self) -> None:
        """Keep it up to date, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._ledger.submitted - self._size >= _RECORDS:
                await self.keep()

    async def keep(self) -> None:
        """Write what is known now to the file, as of a record that is durable.

        That it cannot be written is told once: all it costs is time at the next start.
        """
        # INVARIANT: in one turn of the loop a call is counted and its record submitted, so between
        # two turns the sums are those of the records submitted so far.
        size = self._ledger.submitted
        sums = _Sums(size, self.counters.sums(), self.once.marks())
        if size == self._size:
            return
        try:
            await self._ledger.settled()
            await asyncio.to_thread(self._write, sums)
        except (LedgerUnavailable, OSError) as error:
            if not self._has_failed:
                log.warning("projection-unwritten", path=str(self._path), message=str(error))
            self._has_failed = True
            return
        self._size, self._has_failed = size, False

    def _write(self, sums: _Sums) -> None:
        head = _Log(self._origin, sums.size, self._reader.root(sums.size).hex())
        replace_file(self._path, signed(_lines(head, sums), self._secret))

    def _kept(self) -> _Sums | None:
        """What the file says; None if there is no file.

        Raises:
            _Useless: it says nothing that is of use.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _Useless(f"`{self._path}` cannot be read: {error.strerror}") from error
        try:
            head, sums = self._read(data)
        except ValueError as error:  # what msgspec raises is one too
            raise _Useless(f"`{self._path}` was written by another release") from error
        if head.origin != self._origin:
            raise _Useless(f"`{self._path}` is about the log `{head.origin}`, which was ended")
        size = self._ledger.size
        if sums.size > size or self._reader.root(sums.size).hex() != head.root:
            raise _Useless(f"`{self._path}` is about other records than those of the log")
        return sums

    def _read(self, data: bytes) -> tuple[_Log, _Sums]:
        if not self._is_own(data):
            raise _Useless(f"`{self._path}` is damaged, or was written by somebody else")
        head, sums = _Log("", 0, ""), _Sums(0, {}, {})
        for line in map(_line, data.splitlines()):
            match line:
                case _Log():
                    head, sums.size = line, line.size
                case _Stretch():
                    sums.counters[line.stretch] = line.counters
                case _Outcomes():
                    bits = zlib.decompress(line.bits, bufsize=CHUNK // 8)
                    sums.marks[line.chunk] = Marks(moment(line.newest), bits)
        return head, sums

    def _is_own(self, data: bytes) -> bool:
        """Whether the last line is what was written at the end of the others."""
        start = data.rfind(b"\n", 0, -1) + 1
        return hmac.compare_digest(data[start:], _end(self._mac(data[:start])))

    def _mac(self, said: bytes) -> str:
        return hmac.digest(self._secret, said, "sha256").hex()

    def _pages(self, since: datetime, sums: _Sums | None) -> Iterator[Page]:
        """The records that the file does not sum up, and how far that has got."""
        cursor = sums.size - 1 if sums else None
        after = None if sums else since
        told = self._clock()
        while True:
            page = self._reader.page(limit=_PAGE, after=after, cursor=cursor, newest_first=False)
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor
            if self._clock() - told >= _TELL_S:
                told = self._clock()
                log.info("counting-limits-again", record=cursor, of=page.size)


def _lines(head: _Log, sums: _Sums) -> Iterator[bytes]:
    """The lines of the file, made one by one: no thread waits long for its turn meanwhile."""
    yield _encoded(head)
    for stretch, counters in sums.counters.items():
        yield _encoded(_Stretch(stretch, counters))
    for chunk, known in sums.marks.items():
        bits = zlib.compress(known.bits, 1)
        yield _encoded(_Outcomes(chunk, timestamp(known.newest), bits))


def signed(lines: Iterable[bytes], secret: bytes) -> Iterator[bytes]:
    """The file of these lines, with the one that ends it."""
    mac = hmac.new(secret, digestmod="sha256")
    for each in lines:
        mac.update(each)
        yield each
    yield _end(mac.hexdigest())


def _end(mac: str) -> bytes:
    return _encoded(_End(mac))


def _encoded(line: _Log | _Stretch | _Outcomes | _End) -> bytes:
    return msgspec.json.encode(line) + b"\n"
