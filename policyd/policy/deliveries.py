"""Deliveries: what the server and its policy builder say to each other over a socket pair.

The server sends orders, the builder answers each with any number of `Working` and then either
`Refused` or `Delivery`, after which come the pieces that are new. Each is a length of 32 bits,
little-endian, and so many bytes: a packed value.

A snapshot is delivered in pieces, each under a key that stands for its content: the parts of
`Snapshot`, and the rules of each file. A piece that the server has is not sent again, so that the
new snapshot holds the very same objects wherever it says the same as the old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from struct import Struct
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import Rule
from policyd.model.snapshot import Snapshot
from policyd.policy.packing import Unpackable, pack

_REF = attrgetter("ref")
LENGTH = Struct("<I")
"""What stands before every message."""
PARTS = frozenset(each.name for each in fields(Snapshot)) - {"digest", "rules"}
"""The members of a snapshot that are one piece each."""


@dataclass(frozen=True, slots=True)
class Order:
    """Read this folder, or these files; the server has the pieces with these keys."""

    tree: str | Mapping[str, bytes]
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Working:
    """The builder is at it, and has come further since it said so last."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The tree has findings."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The keys of a snapshot's pieces; those of `new` follow, in this order."""

    digest: str
    parts: Mapping[str, str]  # by member of `Snapshot`, all but digest and rules
    rules: Mapping[str, str]  # by file
    new: tuple[str, ...]

    def all_keys(self) -> frozenset[str]:
        """Keys of all pieces."""
        return frozenset((*self.parts.values(), *self.rules.values()))

    def snapshot(self, pieces: Mapping[str, Any]) -> Snapshot:
        """The snapshot, of the values of its pieces by key.

        Raises:
            Unpackable: it is one of another version.
        """
        if self.parts.keys() != PARTS:
            raise Unpackable(f"a snapshot of {len(self.parts)} parts, not {len(PARTS)}")
        parts = {name: pieces[key] for name, key in self.parts.items()}
        rules: dict[str, Rule] = {}
        for key in self.rules.values():
            rules.update(zip(map(_REF, pieces[key]), pieces[key], strict=True))
        return Snapshot(digest=self.digest, rules=rules, **parts)


Reply = Working | Refused | Delivery


def message(value: Order | Reply | bytes) -> bytes:
    """The bytes of a message; those of a piece are packed already."""
    data = value if isinstance(value, bytes) else pack(value)
    return LENGTH.pack(len(data)) + data
