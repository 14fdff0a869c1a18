"""Contents: which values a segment has, so that it is not read for what it cannot have.

A file tells that of its row groups, but has to be opened for it: for a question about little, that
is most of the time. Here it is remembered, for columns that have few values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any as Anything
from typing import NamedTuple, TypeAlias

from policyd.search import query as q
from policyd.search.asking import Bounds, Scope
from policyd.search.fields import FIELDS, LISTS, Kind
from policyd.search.sql import stretch

MOST = 1_000
"""Values of a column that are remembered; of one that has more, none are."""

COLUMNS = (
    *("kind", "decision", "would", "unit", "subject", "integration", "stage", "template", "action"),
    *("system", "dataset", "destination", "host", "zone", "level", "purpose", "snapshot", "owner"),
    *("status", "act", "key", "roles", "sources", "categories", "reasons", "checks", "rules"),
    *("modes", "exemptions", "obligations"),
)
"""Columns of names: what a record has there, many others have, too."""

STATEMENT = (
    f"select min(seq), max(seq), min(ts), max(ts),"  # noqa: S608 - our own words
    f" {', '.join(f'list(distinct {each})' for each in COLUMNS)} from {{log}} as log"
)
"""What `contents_of` takes, of some records."""

Pool: TypeAlias = dict[frozenset[str], frozenset[str]]
"""Sets of values by themselves: most segments of a log have the same ones, kept once."""

_TEXTS = frozenset({Kind.TEXT, Kind.WORD, Kind.LEVEL})


class Reach(NamedTuple):
    """The least and the greatest value of a column, none if no record has any."""

    least: Anything
    greatest: Anything


@dataclass(frozen=True, slots=True)
class Contents:
    """What some records have.

    Attributes:
        values: By column, all the values it has; of some columns nothing is known.
        reach: Of `seq` and `ts`, the time in UTC, bare.
    """

    values: Mapping[str, frozenset[str]]
    reach: Mapping[str, Reach]


def contents_of(row: Sequence[Anything], pool: Pool) -> Contents:
    """The contents that a row of `STATEMENT` tells; sets of values that *pool* has are its own."""
    found = {}
    for name, listed in zip(COLUMNS, row[4:], strict=True):
        said = [each for each in listed or () if each is not None]
        values = frozenset(each for some in said for each in some) if name in LISTS else {*said}
        if len(values) <= MOST:
            found[name] = pool.setdefault(frozenset(values), frozenset(values))
    return Contents(found, {"seq": Reach(*row[:2]), "ts": Reach(*row[2:4])})


def may_have(contents: Contents, condition: q.Condition | None) -> bool:
    """Whether a record of these contents may be what is asked for; true if nobody knows."""
    match condition:
        case q.All(parts):
            return all(may_have(contents, each) for each in parts)
        case q.Any(parts):
            return any(may_have(contents, each) for each in parts)
        case q.Term(name, test) if FIELDS[name].kind in _TEXTS:
            return any(_may_be(contents.values.get(each), test) for each in FIELDS[name].columns)
        case q.Term("time" | "index" as name, test):
            return _may_reach(contents.reach[FIELDS[name].columns[0]], test)
    return True  # of what is not something, too: the others are not known


def may_be_asked(contents: Contents, scope: Scope) -> bool:
    """Whether a record of these contents may be in the stretch and the bounds of a question."""
    since, until = contents.reach["ts"]
    if scope.after and (until is None or until < _bare(scope.after)):
        return False
    if scope.before and (since is None or since >= _bare(scope.before)):
        return False
    return scope.bounds is None or _may_be_own(contents.values.get("integration"), scope.bounds)


def _may_be(values: frozenset[str] | None, test: q.Test) -> bool:
    if values is None:
        return True
    match test:
        case q.Is(str(text)):
            return text in values
        case q.Begins(text):
            return any(each.startswith(text) for each in values)
        case q.Ends(text):
            return any(each.endswith(text) for each in values)
    return bool(values)  # whatever is compared, there has to be something


def _may_reach(reach: Reach, test: q.Test) -> bool:
    least, greatest = reach
    if least is None or greatest is None:
        return False
    match test:
        case q.Is(value):
            start, end = stretch(value)
        case q.Within(low, high):
            start, end = stretch(low)[0], stretch(high)[1]
        case q.Compares(operator, value):
            at = stretch(value)[operator in (">", "<=")]
            return bool(greatest >= at if operator[0] == ">" else least < at)
        case _:
            return True
    return bool(greatest >= start and least < end)


def _may_be_own(integrations: Iterable[str] | None, bounds: Bounds) -> bool:
    return integrations is None or any(
        each.partition("/")[0] in bounds.units or each in bounds.integrations
        for each in integrations
    )


def _bare(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
