"""Who holds which role: casbin's `g()` as tables, made once from a loaded role manager.

A question leaves no trace here. pycasbin adds every name it is asked about to its graph, where
a matching function may from then on take it for a pattern; these tables answer as a pycasbin does
that has just been loaded.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Protocol

from casbin.rbac.default_role_manager.role_manager import (
    DomainManager,
    RoleManager,
    match_error_handler,
)

from policyd.engine.compiled.errors import NotCompiled

Link = tuple[str, str]
Match = Callable[[Any, Any], Any]
Finder = Callable[[Sequence[Any]], Collection[Any]]
"""The keys of a request."""
Read = int | str
"""Where a value stands: a position of the request, or a text of the matcher itself."""

FEW = 8
"""Up to so many keys are tried one by one; more are met with what there is."""
REMEMBERED = 4096
"""Names a table remembers the roles of; bounded, because callers choose the names."""
REMEMBERED_DOMAINS = 256
"""Domains that a table is kept of, where a matching function makes any domain possible."""


class Table(Protocol):
    """The roles within one domain."""

    def linked(self, name: Any, role: Any) -> bool:
        """Whether *name* holds *role*."""

    def held(self, name: str, among: frozenset[str]) -> frozenset[str]:
        """Those of *among* that *name* holds."""


class Roles:
    """One role definition without conditions; never raises on texts."""

    def __init__(self, manager: Any) -> None:
        """Take a copy of the links of *manager*, which pycasbin has loaded.

        Raises:
            NotCompiled: *manager* is not one of pycasbin's own.
        """
        self._hops = 0
        self._names_match: Match | None = None
        self._domains_match: Match | None = None
        self._links: dict[str, list[Link]] = {}
        self.has_domain = isinstance(manager, DomainManager)
        self._make: Callable[[Iterable[Link]], Table] = self._plain
        if manager is not None:
            self._read(manager)
        self._tables = {domain: self._make(self._links_of(domain)) for domain in self._links}
        self._nobody = self._make([])
        self._other = lru_cache(REMEMBERED_DOMAINS)(self._of_other_domain)

    def _read(self, manager: Any) -> None:
        if type(manager) not in (RoleManager, DomainManager):
            raise NotCompiled(f"roles are kept by `{type(manager).__name__}`")
        links = manager.all_links if self.has_domain else {"": manager.all_links}
        self._links = {domain: [tuple(link) for link in each] for domain, each in links.items()}
        self._hops = manager.max_hierarchy_level - 1  # its levels count the name itself
        if not (self.has_domain and is_equality(manager.matching_func)):
            self._names_match = manager.matching_func
        if self._names_match is not None:
            self._make = self._patterned
        if self.has_domain:
            self._domains_match = manager.domain_matching_func

    def linked(self, name: Any, role: Any, *rest: Any) -> bool:
        """casbin's `g(name, role)` or `g(name, role, domain)`."""
        return self.table(str(rest[0]) if rest else "").linked(name, role)

    def table(self, domain: str) -> Table:
        """The roles within *domain*, which is ignored where the definition has none."""
        known = self._tables.get(domain if self.has_domain else "")
        if known is not None:
            return known
        return self._nobody if self._domains_match is None else self._other(domain)

    def finder(self, among: frozenset[str], name: Read, domain: Read) -> Finder:
        """What finds those of *among* that are held, given where name and domain stand.

        Resolved here for every name that has links, in every domain that has some.
        """
        known, unknown = self._known(among), self._unknown(among)
        if not self.has_domain:
            domain = ""
        nothing: dict[str, Collection[str]] = {}
        if isinstance(name, int) and isinstance(domain, str):
            within = known.get(domain, nothing)
            return lambda request: within.get(request[name]) or unknown(request[name], domain)
        name_of, domain_of = reader(name), reader(domain)
        return lambda request: (
            known.get(domain_of(request), nothing).get(name_of(request))
            or unknown(name_of(request), domain_of(request))
        )

    def _known(self, among: frozenset[str]) -> dict[str, dict[str, Collection[str]]]:
        """By domain and name; those of equal roles share one collection."""
        shared: dict[frozenset[str], Collection[str]] = {}
        return {
            domain: {
                name: shared.setdefault(held, held if len(held) > FEW else [*held])
                for name in {name for link in self._links_of(domain) for name in link}
                for held in [table.held(name, among)]
            }
            for domain, table in self._tables.items()
        }

    def _unknown(self, among: frozenset[str]) -> Callable[[str, str], Collection[str]]:
        """What finds the same for a name without links, or for a domain without any."""
        if self._names_match is None and self._domains_match is None:
            return lambda name, _: (name,)
        return lru_cache(REMEMBERED)(lambda name, domain: self.table(domain).held(name, among))

    def _links_of(self, domain: str) -> list[Link]:
        """The links of *domain*, then those of the domains that it matches."""
        links = list(self._links.get(domain, ()))
        if self._domains_match is not None:
            for other, more in self._links.items():
                if other != domain and match_error_handler(self._domains_match, domain, other):
                    links += more
        return links

    def _of_other_domain(self, domain: str) -> Table:
        return self._make(self._links_of(domain))

    def _plain(self, links: Iterable[Link]) -> Table:
        return PlainTable(links, self._hops)

    def _patterned(self, links: Iterable[Link]) -> Table:
        return PatternTable(links, self._hops, self._names_match)


def is_equality(function: Any) -> bool:
    """Whether *function* is what a domain manager compares names with unless told otherwise."""
    default = DomainManager().matching_func.__code__
    return getattr(function, "__code__", None) is default


def reader(place: Read) -> Callable[[Sequence[Any]], Any]:
    """What reads the value that stands at *place*."""
    return itemgetter(place) if isinstance(place, int) else lambda _: place


class PlainTable:
    """Roles by name alone."""

    def __init__(self, links: Iterable[Link], hops: int) -> None:
        """Follow *links* for at most *hops*."""
        self._above: dict[Any, list[str]] = {}
        for name, role in links:
            self._above.setdefault(name, []).append(role)
        self._hops = hops
        self._known = lru_cache(REMEMBERED)(self.reach)

    def linked(self, name: Any, role: Any) -> bool:
        """Whether *name* is *role* or reaches it."""
        return role in self._known(name)

    def held(self, name: str, among: frozenset[str]) -> frozenset[str]:
        """Those of *among* that *name* reaches, itself included."""
        return self.reach(name) & among

    def reach(self, name: Any) -> frozenset[Any]:
        """*name* and every role at most `hops` links above it."""
        return spread({name}, lambda each: self._above.get(each, ()), self._hops)


class PatternTable:
    """Roles whose names may be patterns, as a freshly loaded role manager has them.

    A name that is asked about joins the graph: it takes the roles of the patterns it matches, and
    becomes a role of whoever holds one of them.
    """

    def __init__(self, links: Iterable[Link], hops: int, match: Match | None) -> None:
        """Let pycasbin make the graph from *links*, whose order matters to it."""
        manager = RoleManager()
        manager.matching_func = match
        for name, role in links:
            manager.add_link(name, role)
        self._graph = Graph()
        for name, node in manager.all_roles.items():
            self._graph.above[name] = frozenset(each.name for each in node.roles)
            self._graph.below[name] = frozenset(each.name for each in node.users)
        self._match, self._hops = match, hops
        self._known = lru_cache(REMEMBERED)(self._reach)
        self._strange = lru_cache(REMEMBERED)(self._reaches)

    def linked(self, name: Any, role: Any) -> bool:
        """casbin's `g()`; *role* may be one that only patterns know."""
        if role in self._graph.above:
            return role in self._known(name)
        return self._strange(name, role)

    def held(self, name: str, among: frozenset[str]) -> frozenset[str]:
        """Those of *among* that *name* holds."""
        strange = among - self._graph.above.keys()
        return (self._known(name) & among) | {each for each in strange if self.linked(name, each)}

    def _reach(self, name: Any) -> frozenset[Any]:
        return self._joined(name).reach(name, self._hops)

    def _reaches(self, name: Any, role: Any) -> bool:
        return role in self._joined(name, role).reach(name, self._hops)

    def _joined(self, *names: Any) -> "Graph":
        """The graph with *names* in it, who join in this order."""
        graph = self._graph
        for name in names:
            if name not in graph.above:
                graph = graph.joined_by(name, partial(match_error_handler, self._match, name))
        return graph


class Graph:
    """Names and their roles, seen from both sides."""

    def __init__(self) -> None:
        self.above: dict[Any, frozenset[Any]] = {}
        self.below: dict[Any, frozenset[Any]] = {}

    def joined_by(self, name: Any, matches: Callable[[Any], Any]) -> "Graph":
        """A copy with *name* in it, which *matches* some of the names as patterns.

        The patterns pass on what they have in their order, as in pycasbin, where each sees what
        those before it did.
        """
        graph = Graph()
        graph.above, graph.below = dict(self.above), dict(self.below)
        graph.above[name] = graph.below[name] = frozenset()
        for pattern in filter(matches, self.above):
            for role in graph.above[pattern]:
                graph.link(name, role)
            for user in graph.below[pattern]:
                graph.link(user, name)
        return graph

    def link(self, name: Any, role: Any) -> None:
        """Let *name* have *role*."""
        self.above[name] |= {role}
        self.below[role] |= {name}

    def reach(self, name: Any, hops: int) -> frozenset[Any]:
        """*name* and every role at most *hops* links above it."""
        return spread({name}, self.above.__getitem__, hops)


def spread(start: set[Any], above: Callable[[Any], Iterable[Any]], hops: int) -> frozenset[Any]:
    """*start* and all that is at most *hops* steps above it."""
    seen = level = start
    for _ in range(hops):
        level = {role for each in level for role in above(each)} - seen
        if not level:
            break
        seen = seen | level
    return frozenset(seen)
