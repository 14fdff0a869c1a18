"""What is asked of the process that reads segments, and what it answers.

A message is its length in 32 bits, little-endian, and MessagePack.
"""

import socket
from struct import Struct

import msgspec

_LENGTH = Struct("<I")


class Leaves(msgspec.Struct, frozen=True, array_like=True, tag="leaves"):
    """Give the records of a file from `first` to below `end`."""

    path: str
    first: int
    end: int


class Records(msgspec.Struct, frozen=True, array_like=True, tag="records"):
    """The bytes of the records, in order."""

    leaves: list[bytes]


class Bad(msgspec.Struct, frozen=True, array_like=True, tag="bad"):
    """The file cannot be read."""

    why: str


_encode = msgspec.msgpack.Encoder().encode
_questions: msgspec.msgpack.Decoder[Leaves] = msgspec.msgpack.Decoder(Leaves)
_answers: msgspec.msgpack.Decoder[Records | Bad] = msgspec.msgpack.Decoder(Records | Bad)


def write_message(line: socket.socket, message: msgspec.Struct) -> None:
    """Send a message."""
    data = _encode(message)
    line.sendall(_LENGTH.pack(len(data)) + data)


def read_question(line: socket.socket) -> Leaves:
    """The next question.

    Raises:
        EOFError: the other end is closed.
    """
    return _questions.decode(read_message(line))


def read_answer(line: socket.socket) -> Records | Bad:
    """The next answer; raises as `read_question`."""
    return _answers.decode(read_message(line))


def read_message(line: socket.socket) -> bytes:
    """The bytes of the next message; raises EOFError if the other end is closed."""
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    return _exactly(line, length)


def _exactly(line: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = line.recv(min(count - len(data), 1 << 20))
        if not piece:
            raise EOFError("the process that reads them has ended")
        data += piece
    return bytes(data)
