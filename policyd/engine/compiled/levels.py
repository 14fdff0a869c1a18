"""Keys of one column, found for a request: one by itself, or the few that several sources give."""

from collections.abc import Mapping
from typing import Any

from policyd.engine.compiled.reading import Key, Source
from policyd.engine.compiled.roles import Finder, Roles, reader
from policyd.engine.prefixes import PrefixTable


def finder(key: Key, values: frozenset[str], roles: Mapping[str, Roles]) -> Finder:
    """What finds the keys of a request, of those *values* that the column has."""
    same = [source.token.value for source in key.sources if source.kind == "same"]
    texts = {source.token.value for source in key.sources if source.kind == "text"} & values
    found = [_finder(each, values, roles) for each in key.sources if each.kind in _SEVERAL]
    if len(found) == 1 and not same and not texts:
        return found[0]
    if len(same) == 1 and len(texts) == 1 and not found:
        return _this_or(same[0], *texts)
    return lambda request: {
        *texts,
        *[request[position] for position in same],
        *[each for find in found for each in find(request)],
    }


def breadth(key: Key) -> int:
    """How many keys to expect, roughly: the fewer, the nearer to the root of the index.

    A few come first, then prefixes, and roles.
    """
    return max(_SEVERAL.get(source.kind, 0) for source in key.sources)


_SEVERAL = {"prefix": 1, "role": 2}


def _finder(source: Source, values: frozenset[str], roles: Mapping[str, Roles]) -> Finder:
    place = source.token.value
    if source.kind == "role":
        return roles[source.roles].finder(values, place, source.domain.value)
    find, read = PrefixTable(values).find, reader(place)
    return lambda request: find(read(request))


def _this_or(position: int, text: str) -> Finder:
    both = (text,)

    def find(request: Any) -> tuple[Any, ...]:
        value = request[position]
        return both if value == text else (value, text)

    return find
