"""Disclosures: values of which a record holds only a salted digest, so that they can be erased.

After RFC 9901 (Selective Disclosure for JWTs). An object of a record may have a member `_sd`, the
digests of members it does not show. Beside the log lies the disclosure of each:

    disclosure   JSON, ["salt", "name", value]; the salt has 128 random bits, in base64url
    digest       base64url(SHA-256(base64url(disclosure))), all without padding

What is shown is thereby held to what was recorded; what is erased tells nothing, since nobody can
guess the salt, while record and tree stay as they are. A record's own member `personal` names what
was hidden in it, so that it is known also afterwards.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from operator import attrgetter
from typing import Any, NamedTuple

from policyd_audit.errors import Contradiction, Malformed, shown

DIGESTS = "_sd"
NAMES = "personal"

_PARTS = 3
_DIGEST = re.compile("[A-Za-z0-9_-]{43}", re.ASCII)
_ERASED = 0  # no JSON begins with this byte
_ACT_BYTES = 8


class Value(NamedTuple):
    """A disclosed member: where it belongs, such as `call.purpose`, and what it is."""

    path: str
    value: Any


class Revealed(NamedTuple):
    """A record with what is disclosed of it.

    `record` has the disclosed members in their places, `values` lists them. `hidden` names the
    members that nobody disclosed, each once. `erased` has the records of the acts that erased some
    of those, and how many; `lost` counts what is not there although nobody erased it.
    """

    record: Mapping[str, Any]
    values: tuple[Value, ...]
    hidden: tuple[str, ...]
    erased: tuple[tuple[int, int], ...] = ()
    lost: int = 0


def encoded(data: bytes) -> str:
    """Return a disclosure as others' tools take it (RFC 9901, section 4.2)."""
    return _base64url(data)


def digest(data: bytes) -> str:
    """Return the digest of a disclosure, as it stands in `_sd`."""
    return _base64url(sha256(_base64url(data).encode()).digest())


def erased(act: int, length: int) -> bytes:
    """Return what stands in the place of a disclosure of that length; *act* is the record of it."""
    return (bytes([_ERASED]) + act.to_bytes(_ACT_BYTES)).ljust(length, b"\0")


def act_of(data: bytes) -> int | None:
    """Return the number of the record of the act that erased a disclosure; None if none did."""
    return int.from_bytes(data[1 : 1 + _ACT_BYTES]) if data[:1] == bytes([_ERASED]) else None


def reveal(record: Mapping[str, Any], disclosures: Iterable[bytes]) -> Revealed:
    """Return the record with all that *disclosures* show of it, as they are stored.

    This is the one place that says what was erased of a record.

    Raises:
        Malformed: a disclosure is none, or hides where nothing can be.
        Contradiction: one is of another record or another value.
    """
    stored = [(each, act_of(each)) for each in disclosures]
    acts = [act for _, act in stored if act is not None]
    opening = _Opening({digest(each): _parsed(each) for each, act in stored if act is None})
    opened = opening.opened(record, "")
    for name, _ in opening.known.values():
        why = f"the disclosure of {shown(name)} is not what was recorded"
        raise Contradiction("disclosure-differs", why)
    values = sorted(opening.values, key=attrgetter("path"))
    hidden = _hidden(record, values, opening.missing)
    lost = opening.missing - len(acts)
    return Revealed(opened, tuple(values), hidden, tuple(sorted(Counter(acts).items())), lost)


class _Opening:
    """Puts disclosed members in their places; `known` are those by digest that have none yet."""

    def __init__(self, known: dict[str, tuple[str, Any]]) -> None:
        self.known = known
        self.values: list[Value] = []
        self.missing = 0

    def opened(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        out = {
            name: self._any(each, f"{path}{name}.")
            for name, each in value.items()
            if name != DIGESTS
        }
        for each in _digests(value):
            if each in self.known:
                self._put(out, path, *self.known.pop(each))
            else:
                self.missing += 1
        return out

    def _put(self, out: dict[str, Any], path: str, name: str, value: object) -> None:
        if name in out:
            raise Malformed("disclosure-malformed", f"`{path}{name}` is there twice")
        out[name] = value
        self.values.append(Value(path + name, value))

    def _any(self, value: object, path: str) -> object:
        if isinstance(value, list):
            return [self._any(each, path) for each in value]
        return self.opened(value, path) if isinstance(value, dict) else value


def _hidden(record: Mapping[str, Any], values: Iterable[Value], missing: int) -> tuple[str, ...]:
    """Return the names of what nobody disclosed, as far as the record tells."""
    if not missing:
        return ()
    names = [each for each in record.get(NAMES, ()) if isinstance(each, str)]
    disclosed = {path.rpartition(".")[2] for path, _ in values}
    # Of several members of one name, some may be disclosed.
    return tuple(each for each in names if each not in disclosed) or tuple(names)


def _digests(value: Mapping[str, Any]) -> Iterator[str]:
    digests = value.get(DIGESTS, [])
    if not are_digests(digests):
        raise Malformed("record-malformed", f"`{DIGESTS}` is not a list of digests")
    yield from digests


def are_digests(value: object) -> bool:
    """Return whether *value* can be a member `_sd`: digests in order, each once."""
    if not isinstance(value, list) or not value:
        return value == []
    spelt = all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in value)
    return spelt and value == sorted(set(value))


def _parsed(data: bytes) -> tuple[str, Any]:
    try:
        parts = json.loads(data)
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != _PARTS or not isinstance(parts[1], str):
        raise Malformed("disclosure-malformed", "a disclosure is not a list of salt, name, value")
    return parts[1], parts[2]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
