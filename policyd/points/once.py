"""Once: which decisions have their outcome, a bit for each, so that none is told twice."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from policyd.ledger.stamp import moment

CHUNK = 1 << 16
"""Records that share one bit map."""

_MARK = b'"kind":"outcome"'


class Marks(NamedTuple):
    """What is known of one chunk: when it was last reported on, and `CHUNK` bits."""

    newest: datetime
    bits: bytes


class _Reported(msgspec.Struct, tag_field="kind", tag="outcome"):
    ts: str
    index: int | None = None  # of no decision, where there was none


_reported = msgspec.json.Decoder(_Reported).decode


class Once:
    """Which records have their outcome, in chunks that are dropped in time."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}
        self._newest: dict[int, datetime] = {}

    def take(self, index: int, at: datetime) -> bool:
        """Whether record *index* had none so far; from now on it has, reported *at*."""
        chunk, bit = self._place(index)
        bits = self._chunks.setdefault(chunk, bytearray(CHUNK // 8))
        self._newest[chunk] = max(at, self._newest.get(chunk, at))
        if bits[bit // 8] >> bit % 8 & 1:
            return False
        bits[bit // 8] |= 1 << bit % 8
        return True

    def give_back(self, index: int) -> None:
        """Undo a `take` whose record never became durable."""
        chunk, bit = self._place(index)
        self._chunks[chunk][bit // 8] &= ~(1 << bit % 8)

    def recount(self, leaf: bytes) -> None:
        """Take what a record of the log reports, if it is one that does."""
        if _MARK in leaf:
            said = _reported(leaf)
            if said.index is not None:
                self.take(said.index, moment(said.ts))

    def forget(self, before: datetime) -> None:
        """Drop the chunks in which nothing was reported since *before*."""
        for chunk in [each for each, newest in self._newest.items() if newest < before]:
            del self._chunks[chunk], self._newest[chunk]

    def marks(self) -> dict[int, Marks]:
        """A copy of all that is known, by chunk."""
        return {each: Marks(self._newest[each], bytes(self._chunks[each])) for each in self._chunks}

    def resume(self, marks: Mapping[int, Marks]) -> None:
        """Know what was known when `marks` gave these."""
        self._chunks = {each: bytearray(known.bits) for each, known in marks.items()}
        self._newest = {each: known.newest for each, known in marks.items()}

    @staticmethod
    def _place(index: int) -> tuple[int, int]:
        return divmod(index, CHUNK)
