"""Destinations that could both list one URL, which a table without order must not have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from policyd.model.destinations import PORTS
from policyd.policy.hosts import Pattern, read_host
from policyd.policy.place_shapes import DestinationEntry
from policyd.policy.words import USUAL_SCHEME


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two destinations and the host, of the later one, that the earlier one has too."""

    earlier: str
    later: str
    host: int  # index in the later one's `hosts`


def overlaps(destinations: Sequence[tuple[str, DestinationEntry]]) -> Iterator[Overlap]:
    """One overlap for each pair of destinations that could list one URL, in order of the later.

    Each host is looked up among its own wider patterns, so that the cost grows with the number
    of hosts and not with the number of pairs.
    """
    hosts = [
        _Host(order, at, _comparable(host))
        for order, (_, entry) in enumerate(destinations)
        for at, host in enumerate(entry.hosts)
    ]
    found: dict[tuple[int, int], int] = {}
    for earlier, later in _sharing(hosts):
        pair = (later.order, earlier.order)
        if _meet(destinations, *pair):
            found[pair] = min(later.at, found.get(pair, later.at))
    for (after, before), at in sorted(found.items()):
        yield Overlap(destinations[before][0], destinations[after][0], at)


class _Host(NamedTuple):
    """One of the hosts of the destination that is number `order`."""

    order: int
    at: int
    pattern: Pattern

    def place(self) -> tuple[int, int]:
        """Where it stands among all hosts."""
        return self.order, self.at


def _sharing(hosts: Sequence[_Host]) -> Iterator[tuple[_Host, _Host]]:
    """Pairs of which one covers the other, the earlier of the two first."""
    listed: dict[Pattern, list[_Host]] = {}
    for host in hosts:
        listed.setdefault(host.pattern, []).append(host)
    for host in hosts:
        for wider in _wider(host.pattern):
            for other in listed.get(wider, ()):
                yield (host, other) if host.place() < other.place() else (other, host)


def _comparable(host: str) -> Pattern:
    """The host's pattern; one address is a network of one."""
    pattern = read_host(host)
    if not isinstance(pattern, str):
        return pattern
    try:
        return ip_network(ip_address(pattern))
    except ValueError:
        return pattern


def _wider(host: Pattern) -> Iterator[Pattern]:
    """The pattern itself and every pattern that covers all of it."""
    yield host
    if isinstance(host, IPv4Network | IPv6Network):
        yield from (host.supernet(new_prefix=length) for length in range(host.prefixlen))
        return
    dot = host.find(".", 1)
    while dot >= 0:
        yield host[dot:]
        dot = host.find(".", dot + 1)


def _meet(destinations: Sequence[tuple[str, DestinationEntry]], one: int, other: int) -> bool:
    """Whether these are two, and some scheme, port and path is listed by both."""
    mine, theirs = destinations[one][1], destinations[other][1]
    if one == other or _doors(mine).isdisjoint(_doors(theirs)):
        return False
    all_paths = ["/*"]
    return any(
        _paths_meet(here, there)
        for here in mine.paths or all_paths
        for there in theirs.paths or all_paths
    )


def _doors(entry: DestinationEntry) -> set[tuple[str, int]]:
    """Schemes and ports that the destination lists."""
    schemes = entry.schemes or (USUAL_SCHEME,)
    return {(scheme, port) for scheme in schemes for port in entry.ports or (PORTS[scheme],)}


def _paths_meet(one: str, other: str) -> bool:
    """Whether one path pattern covers the other, or part of it.

    >>> _paths_meet("/v1/*", "/v1/x/*"), _paths_meet("/v1/*", "/v10"), _paths_meet("/a", "/*")
    (True, False, True)
    """
    if not one.endswith("/*"):
        one, other = other, one
    if not one.endswith("/*"):
        return one == other
    mine = one[:-1]
    theirs = other[:-1] if other.endswith("/*") else other
    is_prefix = other.endswith("/*") and mine.startswith(theirs)
    return theirs.startswith(mine) or is_prefix
