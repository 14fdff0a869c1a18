"""Frames: what the server and its writer say to each other over a socket pair.

The server sends frames of records: their number and total length, their lengths, their bytes,
all integers of 32 bits, little-endian. A frame of no records is an order to forget: its bytes are
the number of a segment, whose records may leave the ledger's file. The writer sends replies: a
length, then MessagePack.
"""

from collections.abc import Iterator, Sequence
from struct import Struct, pack, unpack_from

import msgspec

MAX_BATCH = 512
"""Records committed in one transaction; a frame is never split, so it holds no more."""

_HEAD = Struct("<II")
_LENGTH = Struct("<I")
_ORDER = Struct("<Q")


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The ledger is open, with so many records, the last of them written then."""

    size: int
    last_ts: str | None


class Committed(msgspec.Struct, frozen=True, array_like=True, tag="committed"):
    """The oldest so many frames are durable; the commit took so long."""

    frames: int
    size: int
    seconds: float


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The writer ends; of what it has not said to be durable, nothing is known."""

    code: str
    message: str


Reply = Ready | Committed | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode


def frame(records: Sequence[bytes]) -> bytes:
    """The frame of records that are to be committed together."""
    lengths = [len(record) for record in records]
    head = _HEAD.pack(len(records), sum(lengths))
    return b"".join((head, pack(f"<{len(lengths)}I", *lengths), *records))


def order(number: int) -> bytes:
    """The frame that tells the writer to forget the records of a sealed segment."""
    return _HEAD.pack(0, _ORDER.size) + _ORDER.pack(number)


def reply(message: Reply) -> bytes:
    """The bytes of a reply."""
    data = _encode(message)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Frames as they arrive, in whatever pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what has arrived."""
        self._data += data

    def batch(self) -> tuple[int, list[bytes]]:
        """How many whole frames, and their records: as many as fit one batch, or none."""
        at = frames = 0
        records: list[bytes] = []
        while (end := self._end(at)) and 0 < self._count(at) <= MAX_BATCH - len(records):
            records += self._records(at)
            at, frames = end, frames + 1
        del self._data[:at]
        return frames, records

    def order(self) -> int | None:
        """The segment to forget, if an order is what has arrived next."""
        end = self._end(0)
        if not end or self._count(0):
            return None
        (number,) = _ORDER.unpack_from(self._data, _HEAD.size)
        del self._data[:end]
        return int(number)

    def _count(self, at: int) -> int:
        (count,) = _LENGTH.unpack_from(self._data, at)
        return int(count)

    def _end(self, at: int) -> int:
        """Where the frame at *at* ends; 0 while some of it is missing."""
        if len(self._data) - at < _HEAD.size:
            return 0
        count, size = _HEAD.unpack_from(self._data, at)
        end = at + _HEAD.size + _LENGTH.size * count + size
        return int(end) if end <= len(self._data) else 0

    def _records(self, at: int) -> Iterator[bytes]:
        count = self._count(at)
        at += _HEAD.size
        start = at + _LENGTH.size * count
        for length in unpack_from(f"<{count}I", self._data, at):
            yield bytes(self._data[start : start + length])
            start += length


class Replies:
    """Replies as they arrive, in whatever pieces."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Add what has arrived; the replies that are whole now."""
        self._data += data
        while len(self._data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data)
            end = _LENGTH.size + length
            if len(self._data) < end:
                return
            message = _decode(self._data[_LENGTH.size : end])
            self._data = self._data[end:]
            yield message
