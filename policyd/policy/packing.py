"""Values packed into bytes, to be handed from one of our own processes to another.

Python's own pickle: the other end is this program, started by this program, at the end of a
socket pair that nobody else has. Nothing that was packed is ever kept or read from elsewhere.
"""

import copyreg
import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from policyd.model.rules import Place, Rule, Sentence
from policyd.policy import times


def _by_members(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """How a value of a dataclass is packed: its members. Several times as fast as pickle's way."""
    members = attrgetter(*(each.name for each in fields(kind)))
    return lambda value: (kind, members(value))


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {
        # A zone of the locked tzdata was read from a file, and such a one cannot be pickled.
        ZoneInfo: lambda zone: (times.zone, (zone.key,)),
        Rule: _by_members(Rule),
        Sentence: _by_members(Sentence),
        Place: _by_members(Place),
    }


def pack(value: object) -> bytes:
    """The bytes of *value*."""
    into = io.BytesIO()
    _Pickler(into, pickle.HIGHEST_PROTOCOL).dump(value)
    return into.getvalue()


class Unpackable(ValueError):
    """Bytes that no process of this version of the program has packed."""


def unpack(data: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    """The value of *data*, which another process of this program has packed.

    Raises:
        Unpackable: it has not; it may be of another version, if policyd was updated meanwhile.
    """
    try:
        return pickle.loads(data)  # noqa: S301
    except Exception as error:  # noqa: BLE001 - pickle raises whatever the bytes lead it to
        raise Unpackable(f"{type(error).__name__}: {error}") from None


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed value under a name of its content: with the same key it is the same value."""

    data: bytes
    key: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it."""
        object.__setattr__(self, "key", sha256(self.data).hexdigest())

    @classmethod
    def of(cls, value: object) -> "Packed":
        """The value, packed."""
        return cls(pack(value))

    def __iter__(self) -> Iterator[Any]:
        """What is in the packed sequence."""
        return iter(unpack(self.data))


def unpack_piece(key: str, data: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    """The value of the piece of that *key*.

    Raises:
        Unpackable: it is not what the key says, or not of this version.
    """
    if Packed(data).key != key:
        raise Unpackable(f"a piece is not what its key `{key:.8}` says")
    return unpack(data)
