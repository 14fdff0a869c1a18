"""Entry: a record of a log, as every form takes it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Entry(NamedTuple):
    """A record: the name of its log, its number there, its very bytes, and what they say."""

    origin: str
    seq: int
    leaf: bytes
    record: Mapping[str, Any]

    @classmethod
    def of(cls, origin: str, seq: int, leaf: bytes) -> Self:
        """The entry of the record with these bytes."""
        return cls(origin, seq, leaf, msgspec.json.decode(leaf))

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return datetime.fromisoformat(self.record["ts"])

    @property
    def at_ms(self) -> int:
        """When it was recorded, in milliseconds from 1970."""
        return (self.at - _EPOCH) // timedelta(milliseconds=1)

    @property
    def traceparent(self) -> str | None:
        """The trace that the call was part of, if what was sent names one (W3C Trace Context)."""
        said = self.part("call", "traceparent")
        return said if said and _TRACEPARENT.fullmatch(said) else None

    def part(self, *path: str) -> Any:  # noqa: ANN401 - JSON is any of its types
        """What the record has there; None if it has nothing."""
        found: Any = self.record
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found


def present(**members: object) -> dict[str, Any]:
    """The members that say something.

    >>> present(name="crm", port=None, labels=[])
    {'name': 'crm'}
    """
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
