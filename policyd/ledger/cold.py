"""Cold: the records that have left the ledger's file, read from their segments.

A process of its own reads them, started when it is first needed, since DuckDB is not to run where
checks are answered. What it gives is held to the tree by whoever asked.
"""

import socket
import subprocess
import sys
from bisect import bisect_left
from contextlib import suppress
from threading import Lock

from policyd.ledger.asking import Bad, Leaves, Records, read_answer, write_message
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.model.errors import LedgerUnavailable, RecordsLost
from policyd_audit.errors import VerificationError
from policyd_audit.segment import Segment, file_name


class Cold:
    """Reads sealed segments; may be used by many threads at a time.

    Args:
        shelf: Where they lie.
        signer: Of the log.
        seconds: Time for one look.
    """

    def __init__(self, shelf: Shelf, signer: Signer, seconds: float = 20.0) -> None:
        self.shelf = shelf
        self._signer = signer
        self._seconds = seconds
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._known: list[Segment] | None = None

    def pieces(self, first: int, end: int) -> list[range]:
        """The numbers from *first* to below *end*, by segment."""
        size = self.shelf.records
        bounds = range(first // size * size, end, size)
        return [range(max(first, each), min(end, each + size)) for each in bounds]

    def leaves(self, piece: range) -> list[bytes]:
        """The bytes of some records of one segment, nothing checked but their number.

        Raises:
            RecordsLost: the segment cannot be read.
            LedgerUnavailable: not in time.
        """
        number = piece.start // self.shelf.records
        reply = self._ask(Leaves(str(self.shelf.file(number)), piece.start, piece.stop))
        if isinstance(reply, Bad) or len(reply.leaves) != len(piece):
            raise self.lost(number)
        return reply.leaves

    def whole(self, index: int) -> int:
        """*index*, or the beginning of the segment that it would cut in two."""
        number = index // self.shelf.records
        return number * self.shelf.records if number in self.shelf.numbers() else index

    def around(self, ts: str, before: int) -> range:
        """Where, among those below *before*, the first record not older than *ts* is, if any is.

        Manifests tell; where there are none, the stretch is longer.
        """
        known = [each for each in self._segments() if each.first < before]
        at = bisect_left(known, ts, key=lambda each: each.latest)
        first = known[at - 1].end if at else 0
        end = known[at].end if at < len(known) else before
        return range(min(first, before), min(end, before))

    def refresh(self) -> None:
        """Read the manifests again at the next look."""
        self._known = None

    def lost(self, number: int, why: str = "it is damaged or missing") -> RecordsLost:
        """The error for a segment that cannot be read."""
        records = self.shelf.range(number)
        return RecordsLost(
            f"records {records.start} to {records.stop - 1} cannot be read from "
            f"`{file_name(number)}` ({why}): put a good copy of it and of its manifest into the "
            f"folder `{self.shelf.folder.name}` of the data folder",
            records,
        )

    @property
    def pid(self) -> int | None:
        """Id of the process that reads, while there is one."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the process that reads."""
        with self._lock:
            self._end()

    def _segments(self) -> list[Segment]:
        """What the good manifests say, in order."""
        known = self._known
        if known is None:
            known = []
            for number in self.shelf.numbers():
                with suppress(VerificationError):
                    known.append(self.shelf.read(number, self._signer))
            self._known = known
        return known

    def _ask(self, question: Leaves) -> Records | Bad:
        with self._lock:
            try:
                line = self._line or self._start()
                write_message(line, question)
                return read_answer(line)
            except (OSError, EOFError) as error:  # a timeout is an OSError
                self._end()
                raise LedgerUnavailable(
                    f"sealed records could not be read ({error}): try again in a moment"
                ) from error

    def _start(self) -> socket.socket:
        near, far = socket.socketpair()
        near.settimeout(self._seconds)
        with far:
            command = [sys.executable, "-P", "-m", "policyd.ledger.cold_reader"]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(far.fileno()), str(self.shelf.folder)],
                stdin=subprocess.DEVNULL,
                pass_fds=(far.fileno(),),
            )
        self._line = near
        return near

    def _end(self) -> None:
        if self._line:
            self._line.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._line = self._process = None
