"""Logs of every kind of record, drawn from the shapes that records have.

They are drawn by a seeded generator, since a log has thousands of members: Hypothesis would take
its time over each, and repeat itself.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded, and handed in
from typing import Any

import msgspec

from policyd.ledger import record
from policyd.ledger.personal import FIELDS, Personal
from policyd.ledger.stamp import timestamp

START = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
LEVELS = ("public", "internal", "confidential", "restricted")
TEXTS = [
    *("crm", "crm/customers", "crm/customers-old", "crm/", "sales", "sales/cube", "Sales", "a b"),
    *('quo"te', "back\\slash", "100%", "_", "*", "a*b", "a..b", "x' or '1'='1", "$q0", "", "ü"),
    *("OR", "-7d", "personal", "confidential", "two\nlines", "(a)", "null", "\x01", "\u2028"),
    *("GR-7", "GR-70", "user:ann", "https://x.example", "0", "'; drop view log; --", "İ"),
]
CATEGORIES = [(), ("personal",), ("personal", "payment"), ("health",)]
TRACES = ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f35", "-", "a-b-c"]
ADDRESSES = [
    *("10.20.0.1", "10.20.255.255", "10.21.0.0", "192.0.2.7", "::ffff:10.20.0.1", "::1", "::"),
    *("fd00::1", "fd00:0:0:1::", "2001:db8:1:2:3:4:5:6", "fe80::1%eth0", "", "testclient"),
]
URLS = [
    *("https://api.mailer.example/v3", "http://mailer.example:8080/", "https://[fd00::1]:8443/x"),
    *("https://10.20.0.1/", "https://example/", "https://a.b.example/x:y@z"),
]
WORDS: Mapping[str, list[str]] = {
    "address": ADDRESSES,
    "canonical": URLS,
    "sent": [*URLS, *TEXTS[:6]],
    "traceparent": TRACES,
    "id": ["ann", "bob"],
    "type": ["user", "person", "mask", "row-limit"],
    "action": ["read", "write", "send", "delete", "grab"],
    "owner": ["grace", "quarantined"],
    "mode": ["warn", "observe"],
    "would": ["deny"],
    "status": ["ok", "failed", "ran-despite-deny", "ran-unasked"],
}
NUMBERS = [0, 1, 2, 999, 1000, 2**53 - 1]
KINDS: list[type[record.Record]] = [
    *[record.Decision] * 12,
    *[record.Outcome] * 4,
    *(record.Epoch, record.PolicyChange, record.Admin, record.Retention, record.Hold),
    *(record.Query, record.Export, record.Refusals),
]
_PAUSES = [timedelta(**{each: 1}) for each in ("microseconds", "seconds", "days", "weeks")]
_PAUSES += [timedelta(0)]
_HIDING = [Personal(few, entropy=bytes) for few in ((), ("address", "on_behalf_of"), tuple(FIELDS))]


class Drawing:
    """Draws records that have words of *vocabulary* wherever no others have to be.

    A small one, so that what is asked for is often there.

    Attributes:
        ids: Of the records drawn so far.
    """

    def __init__(self, random: Random, vocabulary: Sequence[str]) -> None:
        self._random = random
        self._vocabulary = vocabulary
        self.ids: list[str] = []
        self._decided: list[int] = []
        self._times: list[datetime] = []
        self._at = START

    def log(self, size: int) -> list[bytes]:
        """The leaves of a log: outcomes are of decisions shortly before, one each at most."""
        return [self._leaf(index) for index in range(size)]

    def _leaf(self, index: int) -> bytes:
        pick = self._random.choice
        self._at += pick(_PAUSES)
        self._times.append(self._at)
        self.ids.append(_id(index, self._at))
        kind = pick(KINDS)
        same: dict[str, object] = {"v": 1, "id": self.ids[-1], "nonce": "0" * 32}
        same["ts"] = timestamp(self._at)
        if kind is record.Decision:
            same["decision"] = pick(["allow", "deny"])
        if kind is record.Outcome:
            same |= self._outcome()
        elif kind is record.Decision:
            self._decided.append(index)
        made = typing.cast("record.Record", self._part(kind, same))
        return pick(_HIDING).hide(record.encode(made))[0]

    def _outcome(self) -> dict[str, object]:
        """What an outcome is of: an earlier decision without one, or none at all."""
        since = self._at - record.REPORTED_WITHIN
        self._decided = [each for each in self._decided if self._times[each] >= since]
        if not self._decided or self._random.random() < 0.2:
            return {"index": None, "decision": None}
        of = self._decided.pop(self._random.randrange(len(self._decided)))
        return {"index": of, "decision": self.ids[of], "call": None}

    def _part(self, kind: type[msgspec.Struct], given: Mapping[str, object]) -> msgspec.Struct:
        """An object of this shape, each member of the type it has to have."""
        if kind is record.Labels:
            return self._labels()
        hints = typing.get_type_hints(kind)
        names = [each.name for each in msgspec.structs.fields(kind) if each.name not in given]
        return kind(**given, **{each: self._value(hints[each], each) for each in names})

    def _labels(self) -> record.Labels:
        """A level first, then categories, as records have them; also a level of some other day."""
        pick = self._random.choice
        effective = (pick([*LEVELS, "top-secret"]), *pick(CATEGORIES))
        return record.Labels(asserted=pick(CATEGORIES), effective=pick([effective, effective, ()]))

    def _value(self, kind: Any, name: str) -> Any:  # noqa: ANN401 - a type's form, and its value
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (types.UnionType, typing.Union):
            return self._value(self._random.choice(arguments), name)
        if origin is tuple:
            size = self._random.randrange(3)
            return tuple(self._value(arguments[0], name) for _ in range(size))
        if origin is Mapping:
            return {"x": self._value(arguments[1], name)} if self._random.random() < 0.5 else {}
        if kind is type(None):
            return None
        if kind is str:
            return self._random.choice(WORDS.get(name, self._vocabulary))
        return self._random.choice(NUMBERS) if kind is int else self._part(kind, {})


def _id(index: int, at: datetime) -> str:
    """The id of a record; those of a batch, which have their time in common, share most of it."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7c7e-8f4e-{index // 3:012x}/{index % 3}"
