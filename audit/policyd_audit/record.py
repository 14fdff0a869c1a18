"""Record v1: what one leaf of the ledger says.

A leaf is one JSON object in exactly one spelling: UTF-8, keys sorted, no spaces, no floats,
integers below 2^53, nothing escaped that need not be. Every record has

    v       1
    id      a UUIDv7; items of a batch share it and add `/index`
    ts      when, RFC 3339 in UTC with microseconds; the millisecond is also that of the id
    kind    one of `KINDS`
    nonce   128 random bits in hex, so that nobody can guess a record from its hash

What is personal in a record may be kept apart of it: see `disclosure`.

Members beyond those checked here are allowed; what has no value is absent, never null.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from policyd_audit.disclosure import DIGESTS, NAMES, are_digests
from policyd_audit.errors import Malformed, shown

VERSION = 1
MAX_BYTES = 65_535  # the length field of a C2SP entry bundle has two bytes
KINDS = frozenset(
    {
        "admin",
        "decision",
        "epoch",
        "export",
        "gap",
        "hold",
        "outcome",
        "policy_change",
        "query",
        "refusals",
        "retention",
    }
)

_MAX_INTEGER = 2**53 - 1  # what every JSON reader keeps exact
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX = "[0-9a-f]"
_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-7{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}"
_ID = re.compile(rf"{_UUID}(?:/(?:0|[1-9][0-9]{{0,3}}))?")
_TS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-9]{2}){2}\.[0-9]{6}Z")
_NONCE = re.compile(f"{_HEX}{{32}}")
_SNAPSHOT = re.compile(f"sha256:{_HEX}{{64}}")


class Member(NamedTuple):
    """What one member must be; `expected` completes the sentence "`name` is not …"."""

    name: str
    holds: Callable[[Any], object]
    expected: str
    required: bool = True


def parse(leaf: bytes) -> Mapping[str, Any]:
    """Return the record that *leaf* spells, with its shape checked.

    Raises:
        Malformed: it is no record v1; the message names the member.
    """
    record = _object(leaf)
    for value, members, path in checked(record):
        _check(value, members, path)
    if record["kind"] != "decision" and "/" in record["id"]:
        raise _bad("`id` has an index, which only decisions of a batch have")
    return record


def reread(leaf: bytes) -> Mapping[str, Any]:
    """Return the record that *leaf* spells, of which `parse` found that it is one."""
    content: dict[str, Any] = _DECODER.decode(leaf.decode())
    return content


def checked(record: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Sequence[Member], str]]:
    """Yield the objects in a record, with the members each must have and its path.

    An object may be taken only while those before hold.
    """
    yield record, _COMMON, ""
    if record["kind"] != "decision":
        return
    yield record, _DECISION, ""
    caller = record["caller"]
    yield caller, _HIDING_CALLER if DIGESTS in caller else _CALLER, "caller."
    yield record["call"], _CALL, "call."
    yield record["facts"], _FACTS, "facts."
    for at, reason in enumerate(record["reasons"]):
        yield reason, _REASON, f"reasons[{at}]."
    for at, obligation in enumerate(record["obligations"]):
        yield obligation, _OBLIGATION, f"obligations[{at}]."


def claimed_id(leaf: bytes) -> str | None:
    """Return the id that *leaf* gives itself, whatever else is wrong with it."""
    try:
        value = json.loads(leaf)
    except (ValueError, RecursionError):
        return None
    claimed = value.get("id") if isinstance(value, dict) else None
    return claimed if is_id(claimed) else None


def is_of_time(record_id: str, ts: str) -> bool:
    """Return whether a checked `id` carries the millisecond of a checked `ts`.

    Raises:
        ValueError: `ts` is spelt as a time, but there is no such time.
    """
    return id_millisecond(record_id) == ts_millisecond(ts)


def ts_millisecond(ts: str) -> int:
    """Return the milliseconds from 1970 to a checked `ts`.

    Raises:
        ValueError: it is spelt as one, but there is no such time.
    """
    return 1_000 * ts_second(ts) + int(ts[20:23])


def ts_second(ts: str) -> int:
    """Return the whole seconds from 1970 to a checked `ts`; raises like `ts_millisecond`."""
    return _second(ts[:19])


def id_millisecond(record_id: str) -> int:
    """Return the milliseconds from 1970 that a checked `id` carries (RFC 9562, section 5.7)."""
    return int(record_id[:8] + record_id[9:13], 16)


@lru_cache
def _second(ts: str) -> int:
    return (datetime.fromisoformat(ts + "Z") - _EPOCH) // timedelta(seconds=1)


def _object(leaf: bytes) -> dict[str, Any]:
    if len(leaf) > MAX_BYTES:
        raise _bad(f"it has {len(leaf):,} bytes, more than {MAX_BYTES:,}")
    try:
        value = _DECODER.decode(leaf.decode())
        respelled = _ENCODER.encode(value).encode()
    except (ValueError, RecursionError) as error:
        raise _bad(f"it cannot be read as JSON ({error})") from error
    # One spelling only: two readers can then never see two different records, for example where
    # a key stands twice.
    if respelled != leaf:
        raise _bad("it is not in the one spelling (keys sorted and unique, no spaces)")
    if not isinstance(value, dict):
        raise _bad("it is not an object")
    return value


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > _MAX_INTEGER:
        raise ValueError("an integer is not below 2^53")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{shown(text)} is not an integer")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
# What was just decoded holds no circle, so nothing looks for one.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False
)


def _check(value: Mapping[str, Any], members: Iterable[Member], path: str = "") -> None:
    for name, holds, expected, required in members:
        if name in value:
            if not holds(value[name]):
                raise _bad(f"`{path}{name}` is not {expected}")
        elif required:
            raise _bad(f"`{path}{name}` is missing")


def is_text(value: object) -> bool:
    """Return whether *value* is a text that says something."""
    return isinstance(value, str) and value != ""


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_object, value))


def _are_names(value: object) -> bool:
    if not isinstance(value, list) or not all(map(is_text, value)):
        return False
    return value == sorted(set(value))


def _is_effect(value: object) -> bool:
    return value in ("allow", "deny")


def _is_version(value: object) -> bool:
    return type(value) is int and value == VERSION


def _is_kind(value: object) -> bool:
    return isinstance(value, str) and value in KINDS


def is_id(value: object) -> bool:
    """Return whether *value* is a UUIDv7, for an item of a batch followed by `/index`."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_ts(value: object) -> bool:
    """Return whether *value* is a time as records spell it."""
    if not isinstance(value, str) or not _TS.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _spells(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _bad(why: str) -> Malformed:
    return Malformed("record-malformed", f"not a record v{VERSION}: {why}")


_is_nonce = _spells(_NONCE)
_is_snapshot = _spells(_SNAPSHOT)

SPELT: Mapping[Callable[[Any], object], str] = {
    is_id: _ID.pattern,
    is_text: '[^"]+',
    is_ts: _TS.pattern,
    _is_effect: "(?:allow|deny)",
    _is_nonce: _NONCE.pattern,
    _is_snapshot: _SNAPSHOT.pattern,
}
"""How texts are spelt of which these hold, without quotes in them; a time may still be none."""

_DIGESTS = "a list of digests in order, each once"
_TIME = "an RFC 3339 time in UTC with microseconds"
_COMMON = (
    Member("v", _is_version, f"{VERSION}, the version this program reads"),
    Member("id", is_id, "a UUIDv7, for an item of a batch followed by `/index`"),
    Member("ts", is_ts, _TIME),
    Member("kind", _is_kind, "one of " + ", ".join(sorted(KINDS))),
    Member("nonce", _is_nonce, "32 lower-case hex digits"),
    Member(NAMES, _are_names, "a list of names in order, each once", required=False),
    Member(DIGESTS, are_digests, _DIGESTS, required=False),
)
_DECISION = (
    Member("caller", _is_object, "an object"),
    Member("call", _is_object, "an object"),
    Member("facts", _is_object, "an object"),
    Member("snapshot", _is_snapshot, "`sha256:` and 64 lower-case hex digits"),
    Member("source", is_text, "a text"),
    Member("engine", is_text, "a text"),
    Member("decision", _is_effect, "`allow` or `deny`"),
    Member("would", _is_effect, "`allow` or `deny`", required=False),
    Member("reasons", _are_objects, "a list of objects"),
    Member("obligations", _are_objects, "a list of objects"),
    Member("valid_until", is_ts, _TIME, required=False),
)
_CALLER = (
    Member("key", is_text, "a text"),
    Member("address", is_text, "a text"),
)
_CALL = (Member(DIGESTS, are_digests, _DIGESTS, required=False),)
_HIDING_CALLER = (_CALLER[0], *_CALL)
_FACTS = (
    Member("now", is_ts, _TIME),
    Member("used", _is_object, "an object", required=False),
    Member("owner", is_text, "a text", required=False),
)
_REASON = (
    Member("code", is_text, "a text"),
    Member("check", is_text, "a text"),
    Member("rule", is_text, "a text", required=False),
    Member("mode", is_text, "a text", required=False),
    Member("exemption", is_text, "a text", required=False),
)
_OBLIGATION = (
    Member("id", is_text, "a text"),
    Member("type", is_text, "a text"),
    Member("properties", _is_object, "an object"),
)
