"""Keys of one column, found for a request: one by itself, or the few that several sources give."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from policyd.engine.compiled.closures import Values
from policyd.engine.compiled.reading import Key, Source, Token
from policyd.engine.compiled.roles import Roles
from policyd.engine.prefixes import PrefixTable

Finder = Callable[[Values], Collection[Any]]


def finder(key: Key, values: frozenset[str], roles: Mapping[str, Roles]) -> Finder:
    """What finds the keys of a request, of those *values* that the column has."""
    found = [_finder(source, values, roles) for source in key.sources]
    if len(found) == 1:
        return found[0]
    return lambda request: {each for find in found for each in find(request)}


def breadth(key: Key) -> int:
    """How many keys to expect, roughly: the fewer, the nearer to the root of the index.

    One key comes first, then a few, prefixes, and roles.
    """
    kinds = {source.kind for source in key.sources}
    return 3 if "role" in kinds else 2 if "prefix" in kinds else min(len(key.sources), 2) - 1


def _finder(source: Source, values: frozenset[str], roles: Mapping[str, Roles]) -> Finder:
    if source.kind == "same":
        position = source.token.value
        return lambda request: (request[position],)
    if source.kind == "text":
        texts = [source.token.value]
        return lambda _: texts
    read = _reader(source.token)
    if source.kind == "prefix":
        find = PrefixTable(values).find
        return lambda request: find(read(request))
    keys = roles[source.roles].keys(values)
    if source.domain.kind == "text" and source.token.kind == "request":
        position, domain = source.token.value, source.domain.value
        return lambda request: keys(request[position], domain)
    domain_of = _reader(source.domain)
    return lambda request: keys(read(request), domain_of(request))


def _reader(token: Token) -> Callable[[Values], Any]:
    value = token.value
    if token.kind == "text":
        return lambda _: value
    return lambda request: request[value]
