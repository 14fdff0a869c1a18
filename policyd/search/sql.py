"""SQL: a query as a condition on rows of the log, with every value a bound parameter.

INVARIANT: the text is made of words of this module and names of columns; nothing of what was asked
gets into it. Queries that differ only in their values have the same text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from policyd.ledger.record import REPORTED_WITHIN
from policyd.ledger.stamp import millisecond_of
from policyd.search.fields import FIELDS, ID_LENGTH, IDS, LISTS, SENT, WHOLE, Field, Kind
from policyd.search.query import (
    All,
    Any,
    Begins,
    Compares,
    Condition,
    Ends,
    Is,
    Level,
    Moment,
    Network,
    Not,
    Present,
    Query,
    Term,
    Test,
    Value,
    Within,
    terms,
)

OUTCOMES = "select decision_index, status from log where decision_index is not null"
"""What the relation `outcomes` has to be, for conditions that ask for it.

It is taken from the whole log up to the size that is asked about, also where the asker may see only
a part: an outcome tells nothing that its decision does not.
"""

Bound: TypeAlias = str | int | datetime | list[str]

_STATUS = {"done": "ok", "failed": "failed", "ran-despite-deny": "ran-despite-deny"}


@dataclass(frozen=True, slots=True)
class Where:
    """A condition for DuckDB.

    Attributes:
        text: A boolean expression over `seq` and the columns of a segment, true for what is found;
            its parameters are named: `$q0`, `$q1`, …
        parameters: The value of each.
        asks_outcomes: Whether the text reads a relation `outcomes`; see `OUTCOMES`.
    """

    text: str
    parameters: Mapping[str, Bound]
    asks_outcomes: bool


def where(query: Query) -> Where:
    """The condition that finds what the query asks for."""
    made = _Made()
    text = "true" if query.condition is None else made.condition(query.condition)
    asks_outcomes = any(each.field == "outcome" for each in terms(query.condition))
    return Where(text, made.parameters, asks_outcomes)


class _Made:
    """A condition in the making.

    A null is as good as false wherever no `not` is around it, so the planner gets bare
    comparisons, by which it skips row groups; a `not` sees to the nulls beneath it.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Bound] = {}

    def condition(self, condition: Condition) -> str:
        """The text of a condition."""
        match condition:
            case Term(name, test):
                return self._term(FIELDS[name], test)
            case Not(of):
                return f"not coalesce({self.condition(of)}, false)"
            case All(parts):
                return f"({' and '.join(map(self.condition, parts))})"
            case Any(parts):
                return f"({' or '.join(map(self.condition, parts))})"

    def _bind(self, value: Bound) -> str:
        name = f"q{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _term(self, field: Field, test: Test) -> str:
        if field.kind is Kind.OUTCOME:
            return self._outcome(test)
        if isinstance(test, Present):
            return _either(_is_there(each) for each in field.columns)
        if field.kind in (Kind.TIME, Kind.NUMBER):
            return self._ordered(field.columns[0], test)
        return self._by_value(field, test)

    def _by_value(self, field: Field, test: Test) -> str:
        first = field.columns[0]
        match test:
            case Is(str(text)) if field.kind is Kind.ANYWHERE:
                return self._anywhere(field, self._bind(text))
            case Is(IPv4Network() | IPv6Network() as network):
                low, high = ends(network)
                return f"{first} between {self._bind(low)} and {self._bind(high)}"
            case Compares(operator, Level() as level):
                return self._level(first, operator, level)
            case Within(Level() as low, Level() as high):
                return f"({self._level(first, '>=', low)} and {self._level(first, '<=', high)})"
        return self._text(field, test)

    def _anywhere(self, field: Field, bound: str) -> str:
        """Texts are looked through; ids are looked for whole, as a part of one names nothing.

        The planner knows the bound text: with one that is too short for an id, the columns that
        take longest to read, since no two records have the same, are not read at all.
        """
        names = [_called(each, "contains", bound) for each in field.columns if each not in WHOLE]
        said = [_equals(each, bound) for each in SENT]
        ids = _either(_equals(each, bound) for each in IDS)
        return _either([*names, *said, f"(length({bound}) >= {ID_LENGTH} and {ids})"])

    def _text(self, field: Field, test: Test) -> str:
        match test:
            case Is(str(text)):
                bound = self._bind(text)
                said = _either(_equals(each, bound) for each in field.columns)
                return self._about_then(text, said) if field.columns == IDS else said
            case Begins(text):
                bound = self._bind(text)
                return _either(_called(each, "starts_with", bound) for each in field.columns)
            case Ends(text):
                bound = self._bind(text)
                return _either(_called(each, "ends_with", bound) for each in field.columns)
        raise _impossible(field, test)

    def _about_then(self, record_id: str, said: str) -> str:
        """What is said of a record's id, where it can be: an id has its time (RFC 9562).

        What is about a decision is the record itself, or its outcome, which comes in time; and
        by their times most row groups are skipped.
        """
        millisecond = millisecond_of(record_id.partition("/")[0])
        if millisecond is None:
            return said
        start = datetime.fromisoformat(millisecond)
        end = start + REPORTED_WITHIN + timedelta(milliseconds=1)
        return f"(ts >= {self._bind(start)} and ts < {self._bind(end)} and {said})"

    def _ordered(self, column: str, test: Test) -> str:
        """Numbers are stretches of one, so that they compare as times do."""
        match test:
            case Is(value):
                first, end = stretch(value), stretch(value)
            case Within(low, high):
                first, end = stretch(low), stretch(high)
            case Compares(operator, value):
                at = stretch(value)[operator in (">", "<=")]
                return f"{column} {'>=' if operator[0] == '>' else '<'} {self._bind(at)}"
            case _:
                raise _impossible(FIELDS["time"], test)
        return f"({column} >= {self._bind(first[0])} and {column} < {self._bind(end[1])})"

    def _level(self, column: str, operator: str, level: Level) -> str:
        """A level that is not in the order is above all of them."""
        lower = [*level.below, level.name] if operator in (">", "<=") else [*level.below]
        is_below = f"list_contains({self._bind(lower)}::varchar[], {column})"
        return f"({column} is not null and {'not ' if operator[0] == '>' else ''}{is_below})"

    def _outcome(self, test: Test) -> str:
        reported = "select decision_index from outcomes"
        match test:
            case Is("missing"):
                return f"(decision = 'allow' and seq not in ({reported}))"
            case Is(str(word)):
                status = self._bind(_STATUS[word])
                return f"(kind = 'decision' and seq in ({reported} where status = {status}))"
        return f"(kind = 'decision' and seq in ({reported}))"


def stretch(value: Value) -> tuple[int | datetime, int | datetime]:
    """From where to before where a value of an ordered column is; times are in UTC, bare."""
    match value:
        case Moment(_, start, end):
            return start.replace(tzinfo=None), end.replace(tzinfo=None)
        case int():
            return value, value + 1
    raise TypeError(type(value))


def ends(network: Network) -> tuple[str, str]:
    """The first and the last address of a network, as the column `address_key` has addresses."""
    return address_key(network[0]), address_key(network[-1])


def address_key(address: IPv4Address | IPv6Address) -> str:
    """An address in a spelling that sorts as addresses do.

    >>> from ipaddress import ip_address
    >>> address_key(ip_address("10.20.0.1")), address_key(ip_address("fd00::1"))
    ('4:010.020.000.001', '6:fd00:0000:0000:0000:0000:0000:0000:0001')
    """
    if isinstance(address, IPv4Address):
        return "4:" + ".".join(part.zfill(3) for part in str(address).split("."))
    return "6:" + address.exploded


def _either(conditions: Iterable[str]) -> str:
    first, *others = conditions
    return f"({' or '.join((first, *others))})" if others else first


def _equals(column: str, bound: str) -> str:
    return f"list_contains({column}, {bound})" if column in LISTS else f"{column} = {bound}"


def _called(column: str, function: str, bound: str) -> str:
    """A function of DuckDB of one text and another; of a list, any of its texts will do."""
    if column in LISTS:
        return f"len(list_filter({column}, lambda each: {function}(each, {bound}))) > 0"
    return f"{function}({column}, {bound})"


def _is_there(column: str) -> str:
    return f"len({column}) > 0" if column in LISTS else f"{column} is not null"


def _impossible(field: Field, test: Test) -> TypeError:
    return TypeError(f"no test of `{field.name}`: {test}")
