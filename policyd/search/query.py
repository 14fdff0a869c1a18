"""A query, read: an immutable tree of terms, and its normal form."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of time in UTC, from `start` to before `end`, as it was said: `today`, `-7d`."""

    said: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Level:
    """A level of labels, and those below it, lowest first."""

    name: str
    below: tuple[str, ...]


Value: TypeAlias = str | int | Moment | Level | Network


@dataclass(frozen=True, slots=True)
class Is:
    """Is this value; of a time, is in it; of an address, is in the network."""

    value: Value


@dataclass(frozen=True, slots=True)
class Begins:
    """Begins with this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends with this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Present:
    """Has any value."""


@dataclass(frozen=True, slots=True)
class Compares:
    """Compares so with the value: `>=`, `>`, `<=` or `<`."""

    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Within:
    """Lies between two values, both included."""

    low: Value
    high: Value


Test: TypeAlias = Is | Begins | Ends | Present | Compares | Within


@dataclass(frozen=True, slots=True)
class Term:
    """A test of one field."""

    field: str
    test: Test


@dataclass(frozen=True, slots=True)
class Not:
    """What is not found by this, also for want of a value."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """What is found by every one; at least two, none of them an `All`."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """What is found by one or more; at least two, none of them an `Any`."""

    of: tuple["Condition", ...]


Condition: TypeAlias = Term | Not | All | Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text of a query: 1-based column, and characters."""

    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Query:
    """A query: what it asks for, everything if it has no condition.

    `places` says where each field it names stands first; it makes no difference between queries.
    """

    condition: Condition | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    @property
    def text(self) -> str:
        """Its normal form: queries that read alike have it in common, and it reads as they do.

        Times stay as they were said: `-7d` needs the moment of asking to be understood again.
        """
        return "" if self.condition is None else _written(self.condition, inside=False)


def terms(condition: Condition | None) -> Iterator[Term]:
    """The terms of a condition, in the order in which they stand."""
    match condition:
        case Term():
            yield condition
        case Not(of):
            yield from terms(of)
        case All(parts) | Any(parts):
            for each in parts:
                yield from terms(each)
        case None:
            return


def joined(kind: type[All] | type[Any], parts: list[Condition]) -> Condition:
    """All or any of *parts*, with those of the same kind taken apart."""
    flat: list[Condition] = []
    for each in parts:
        flat += each.of if isinstance(each, kind) else [each]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _written(condition: Condition, *, inside: bool) -> str:
    match condition:
        case Term():
            return _term(condition)
        case Not(of):
            return f"-{_written(of, inside=True)}"
        case All(parts):
            text = " AND ".join(_written(each, inside=True) for each in parts)
        case Any(parts):
            text = " OR ".join(_written(each, inside=True) for each in parts)
    return f"({text})" if inside else text


def _term(term: Term) -> str:
    match term:
        case Term("anywhere", Is(value)):
            return _quoted(str(value))
        case Term(name, Compares(operator, value)):
            return f"{name}{operator}{_value(value)}"
    return f"{term.field}:{_after_colon(term.test)}"


def _after_colon(test: Test) -> str:
    match test:
        case Is(value):
            return _value(value)
        case Begins(text):
            return f"{_value(text)}*"
        case Ends(text):
            return f"*{_value(text)}"
        case Within(low, high):
            return f"{_value(low)}..{_value(high)}"
    return "*"


_PLAIN = re.compile(r"[\w/:@.+=,#%&?;~$!-]+")


def _value(value: Value) -> str:
    match value:
        case Moment(said):
            text = said
        case Level(name):
            text = name
        case _:
            text = str(value)
    return text if ".." not in text and _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
