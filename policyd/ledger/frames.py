"""Frames: what the server and its writer say to each other over a socket pair.

The server sends frames of records: their number, their total length and that of what goes beside
them; their lengths; their bytes; what goes beside them, in MessagePack. All integers have 32 bits,
little-endian. The writer sends replies: a length, then MessagePack.
"""

from collections.abc import Iterator, Sequence
from struct import Struct, pack, unpack_from
from typing import NamedTuple

import msgspec

MAX_BATCH = 512
"""Records committed in one transaction; a frame is never split, so it holds no more."""

_HEAD = Struct("<III")
_LENGTH = Struct("<I")


class Erase(msgspec.Struct, frozen=True, array_like=True, tag="erase"):
    """The frame's first record is that of the erasure of these disclosures."""

    ids: tuple[int, ...]


class Hold(msgspec.Struct, frozen=True, array_like=True, tag="hold"):
    """The frame's first record places a hold."""


class Release(msgspec.Struct, frozen=True, array_like=True, tag="release"):
    """The frame's first record ends the hold that was placed by that one."""

    hold: int


class Prune(msgspec.Struct, frozen=True, array_like=True, tag="prune"):
    """The frame's first record says that the log begins at this one from now on."""

    first: int


class Sweep(msgspec.Struct, frozen=True, array_like=True, tag="sweep"):
    """Remove so many of the records before the one the log begins at; the frame has none itself."""

    most: int


class Forget(msgspec.Struct, frozen=True, array_like=True, tag="forget"):
    """The records of that sealed segment may leave the ledger's file; the frame has none itself."""

    segment: int


Act = Erase | Hold | Release | Prune | Sweep | Forget


class Disclosure(NamedTuple):
    """What is kept apart of a record: its place in the frame, a number within the record."""

    record: int
    number: int
    data: bytes


class Aside(msgspec.Struct, frozen=True, array_like=True):
    """What is changed beside the leaves in the same transaction."""

    disclosures: tuple[Disclosure, ...] = ()
    act: Act | None = None


class Batch(NamedTuple):
    """Whole frames: how many, their records, and what goes beside those from a place on."""

    frames: int
    records: list[bytes]
    asides: list[tuple[int, Aside]]


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
_decode_aside = msgspec.msgpack.Decoder(Aside).decode


def frame(records: Sequence[bytes], aside: Aside | None = None) -> bytes:
    """The frame of records that are to be committed together, and of what goes beside them."""
    lengths = [len(record) for record in records]
    beside = _encode(aside) if aside else b""
    head = _HEAD.pack(len(records), sum(lengths), len(beside))
    return b"".join((head, pack(f"<{len(lengths)}I", *lengths), *records, beside))


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

    def batch(self) -> Batch:
        """As many whole frames as fit one batch, or none."""
        at = frames = 0
        records: list[bytes] = []
        asides: list[tuple[int, Aside]] = []
        while (end := self._end(at)) and len(records) + self._count(at) <= MAX_BATCH:
            _, _, beside = _HEAD.unpack_from(self._data, at)
            if beside:
                aside = _decode_aside(self._data[end - beside : end])
                asides.append((len(records), aside))
            records += self._records(at)
            at, frames = end, frames + 1
        del self._data[:at]
        return Batch(frames, records, asides)

    def _count(self, at: int) -> int:
        (count,) = _LENGTH.unpack_from(self._data, at)
        return int(count)

    def _end(self, at: int) -> int:
        """Where the frame at *at* ends; 0 while some of it is missing."""
        if len(self._data) - at < _HEAD.size:
            return 0
        count, size, beside = _HEAD.unpack_from(self._data, at)
        end = at + _HEAD.size + _LENGTH.size * count + size + beside
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
