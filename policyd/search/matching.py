"""Matching: whether one record is what a query asks for, without a database.

It filters the live log, and tests hold the database to it; so it shares nothing with `sql`, and
reads the record itself, not columns made of it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any as Anything
from typing import TypeAlias
from urllib.parse import urlsplit

from policyd.search import query as q

Record: TypeAlias = Mapping[str, Anything]
_Value: TypeAlias = Anything  # out of a record, of the type the field has
_Named: TypeAlias = Callable[[Record], Iterable[_Value]]


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
    return _found(condition, record)


def _found(term: q.Term, record: Record) -> bool:
    match term:
        case q.Term("outcome", test):
            return _has_outcome(record, test)
        case q.Term("anywhere", q.Is(str(text))):
            names = (each for name in _NAMES for each in _FIELDS[name](record))
            ids = (each for name in _IDS for each in _FIELDS[name](record))
            return any(text in each for each in names) or text in ids
        case q.Term("label", q.Compares() | q.Within() as test):
            return any(_passes(test, each) for each in _labels(record)[:1])
    return any(_passes(term.test, each) for each in _FIELDS[term.field](record))


def _passes(test: q.Test, value: _Value) -> bool:
    """Whether a value the record has is one that is asked for."""
    match test:
        case q.Begins(text) | q.Ends(text):
            begins = isinstance(test, q.Begins)
            return bool(value.startswith(text) if begins else value.endswith(text))
        case q.Compares(operator, wanted):
            return _compares(operator, value, wanted)
        case q.Within(low, high):
            return _compares(">=", value, low) and _compares("<=", value, high)
        case q.Is(IPv4Network() | IPv6Network() as network):
            return value in network
        case q.Is(wanted):
            return _compares(">=", value, wanted) and _compares("<=", value, wanted)
    return True  # present, and that is what was asked


def _compares(operator: str, value: _Value, wanted: q.Value) -> bool:
    first, last = _reach(wanted)
    if isinstance(wanted, q.Level):
        known = (*wanted.below, wanted.name)
        value = known.index(value) if value in known else len(known)
    holds = {
        ">=": value >= first,
        ">": value > last,
        "<=": value <= last,
        "<": value < first,
    }
    return bool(holds[operator])


def _reach(wanted: q.Value) -> tuple[_Value, _Value]:
    """The first and the last of what a value stands for."""
    match wanted:
        case q.Moment(_, start, end):
            return start, end - datetime.resolution
        case q.Level(_, below):
            return len(below), len(below)
    return wanted, wanted


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


def _at(record: Record, *path: str) -> _Value:
    """What is at the end of a path of members, or None."""
    found: _Value = record
    for each in path:
        found = found.get(each) if isinstance(found, Mapping) else None
    return found


def _member(*path: str) -> _Named:
    """The values at the end of a path, none if there is nothing."""

    def values(record: Record) -> Iterable[_Value]:
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
    "owner": _member("facts", "owner"),
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
    "target": _both(_member("target"), _member("name")),
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
