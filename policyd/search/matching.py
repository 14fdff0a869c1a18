"""Matching: whether one record is what a query asks for, without a database.

It filters the live log, and tests hold the database to it; so it shares nothing with `sql`, and
reads the record itself, not columns made of it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any as Anything
from typing import TypeAlias
from urllib.parse import urlsplit

from policyd.search import query as q

Record: TypeAlias = Mapping[str, Anything]
_Named: TypeAlias = Callable[[Record], Iterable[Anything]]


def matches(query: q.Query, record: Record, *, index: int, outcome: str | None = None) -> bool:
    """Whether the query finds the record.

    Args:
        query: What is asked for.
        record: The record, decoded from its leaf.
        index: Its place in the log.
        outcome: The status that was reported of it, if it is a decision of which any was.
    """
    asked = query.condition
    return asked is None or _holds(asked, {**record, "#": index, "?": outcome})


def _holds(condition: q.Condition, record: Record) -> bool:
    match condition:
        case q.Not(of):
            return not _holds(of, record)
        case q.All(parts):
            return all(_holds(each, record) for each in parts)
        case q.Any(parts):
            return any(_holds(each, record) for each in parts)
        case q.Term("outcome", test):
            return _has_outcome(record, test)
        case q.Term("anywhere", q.Is(str(text))):
            return any(text in each for name in _NAMES for each in _FIELDS[name](record)) or any(
                text == each for name in _IDS for each in _FIELDS[name](record)
            )
        case q.Term("label", q.Compares() | q.Within() as test):
            return any(_passes(test, each) for each in _labels(record)[:1])
        case q.Term(name, test):
            return any(_passes(test, each) for each in _FIELDS[name](record))


def _passes(test: q.Test, value: Anything) -> bool:
    """Whether a value the record has is one that is asked for."""
    match test:
        case q.Present():
            return True
        case q.Begins(text):
            return bool(value.startswith(text))
        case q.Ends(text):
            return bool(value.endswith(text))
        case q.Is(q.Moment(_, start, end)):
            return bool(start <= value < end)
        case q.Is(str() | int() as wanted):
            return bool(value == wanted)
        case q.Is(network):
            return value in network
        case q.Compares(operator, wanted):
            return _compares(operator, value, wanted)
        case q.Within(low, high):
            return _compares(">=", value, low) and _compares("<=", value, high)


def _compares(operator: str, value: Anything, wanted: q.Value) -> bool:
    match wanted:
        case q.Level(name, below):
            rank = [*below, name].index(value) if value in (*below, name) else len(below) + 1
            return _ordered(operator, rank, len(below), len(below))
        case q.Moment(_, start, end):
            return _ordered(operator, value, start, end - datetime.resolution)
    return _ordered(operator, value, wanted, wanted)


def _ordered(operator: str, value: Anything, first: Anything, last: Anything) -> bool:
    """How a value lies to a stretch that has a first and a last one."""
    return bool(
        {
            ">=": value >= first,
            ">": value > last,
            "<=": value <= last,
            "<": value < first,
        }[operator]
    )


def _has_outcome(record: Record, test: q.Test) -> bool:
    if record["kind"] != "decision":
        return False
    status = record["?"]
    match test:
        case q.Is("missing"):
            return bool(status is None and record["decision"] == "allow")
        case q.Is("done"):
            return bool(status == "ok")
        case q.Is(word):
            return bool(status == word)
    return status is not None


def _at(record: Record, *path: str) -> Anything:
    """What is at the end of a path of members, or None."""
    found: Anything = record
    for each in path:
        found = found.get(each) if isinstance(found, Mapping) else None
    return found


def _member(*path: str) -> _Named:
    """The values at the end of a path, none if there is nothing."""

    def values(record: Record) -> Iterable[Anything]:
        found = _at(record, *path)
        return () if found is None else found if isinstance(found, list) else (found,)

    return values


def _each(member: str, name: str) -> _Named:
    """A member of each of several objects, of those that have it."""
    return lambda record: (each[name] for each in record.get(member, ()) if name in each)


def _of_kind(kind: str, *path: str) -> _Named:
    values = _member(*path)
    return lambda record: values(record) if record["kind"] == kind else ()


def _both(*several: _Named) -> _Named:
    return lambda record: (each for values in several for each in values(record))


def _labels(record: Record) -> list[str]:
    return list(_at(record, "call", "labels", "effective") or ())


def _integration(record: Record) -> Iterable[str]:
    subject, kind = (_at(record, "call", each) for each in ("subject", "subject_type"))
    return () if subject is None or kind is not None else (subject,)


def _persons(record: Record) -> Iterable[str]:
    for each in _at(record, "call", "on_behalf_of") or ():
        yield f"{each['type']}:{each['id']}"


def _endpoint(record: Record) -> Iterable[str]:
    for each in ("canonical", "sent"):
        yield from _member("call", "destination", each)(record)


def _host(record: Record) -> Iterable[str]:
    for url in _member("call", "destination", "canonical")(record):
        yield from filter(None, (urlsplit(url).hostname,))


def _address(record: Record) -> Iterable[IPv4Address | IPv6Address]:
    for text in _member("caller", "address")(record):
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        yield mapped or address


def _trace(record: Record) -> Iterable[str]:
    for text in _member("call", "traceparent")(record):
        yield text
        yield from filter(None, text.split("-")[1:2])


def _amount(name: str) -> _Named:
    """An amount of the call, or of what the record is itself about."""
    call, own = _member("call", "volume", name), _member(name)
    return lambda record: call(record) or own(record)


_FIELDS: Mapping[str, _Named] = {
    "decision": _of_kind("decision", "decision"),
    "would": _member("would"),
    "kind": _member("kind"),
    "unit": _member("call", "unit"),
    "integration": _integration,
    "subject": _member("call", "subject"),
    "action": _member("call", "action"),
    "system": _member("call", "system"),
    "dataset": _both(_member("call", "dataset"), _member("call", "sources")),
    "field": _member("call", "fields"),
    "destination": _member("call", "destination", "name"),
    "endpoint": _endpoint,
    "host": _host,
    "zone": _member("call", "destination", "zone"),
    "label": _labels,
    "category": lambda record: _labels(record)[1:],
    "asserted": _member("call", "labels", "asserted"),
    "rule": _each("reasons", "rule"),
    "reason": _each("reasons", "code"),
    "check": _each("reasons", "check"),
    "mode": _each("reasons", "mode"),
    "exemption": _each("reasons", "exemption"),
    "obligation": _each("obligations", "type"),
    "template": _member("call", "template"),
    "stage": _member("call", "stage"),
    "role": _member("call", "roles"),
    "on-behalf-of": _persons,
    "purpose": _member("call", "purpose"),
    "rows": _amount("rows"),
    "bytes": _amount("bytes"),
    "key": _member("caller", "key"),
    "address": _address,
    "id": _both(_member("id"), _of_kind("outcome", "decision")),
    "request": _member("call", "request_id"),
    "trace": _trace,
    "snapshot": _member("snapshot"),
    "status": _member("status"),
    "error": _member("error"),
    "act": _member("act"),
    "target": _member("target"),
    "holder": _member("by"),
    "text": _both(_member("text"), _member("reason")),
    "time": lambda record: (datetime.fromisoformat(record["ts"]),),
    "index": _member("#"),
}
_NAMES = (
    *("dataset", "system", "unit", "subject", "destination", "endpoint", "template", "purpose"),
    "on-behalf-of",
)
_IDS = ("id", "request", "trace")
