"""Destinations that could both list one URL, which a table without order must not have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

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
    listed: dict[Pattern, list[int]] = {}
    hosts = [
        (order, at, _comparable(host))
        for order, (_, entry) in enumerate(destinations)
        for at, host in enumerate(entry.hosts)
    ]
    for order, _, host in hosts:
        listed.setdefault(host, []).append(order)
    found: dict[tuple[int, int], int] = {}
    for order, at, host in hosts:
        for wider in _wider(host):
            for other in listed.get(wider, ()):
                _note(destinations, (order, at), (other, wider), found)
    for (later, earlier), at in sorted(found.items()):
        yield Overlap(destinations[earlier][0], destinations[later][0], at)


def _note(
    destinations: Sequence[tuple[str, DestinationEntry]],
    one: tuple[int, int],
    other: tuple[int, Pattern],
    found: dict[tuple[int, int], int],
) -> None:
    """Add the pair to *found* unless it is one destination, or ports or paths keep it apart."""
    earlier, later = sorted((one[0], other[0]))
    if earlier == later or not _meet(destinations[earlier][1], destinations[later][1]):
        return
    hosts = [_comparable(host) for host in destinations[later][1].hosts]
    at = one[1] if later == one[0] else hosts.index(other[1])
    found[later, earlier] = min(at, found.get((later, earlier), at))


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


def _meet(one: DestinationEntry, other: DestinationEntry) -> bool:
    """Whether some scheme, port and path is listed by both."""
    return bool(_doors(one) & _doors(other)) and any(
        _paths_meet(mine, theirs)
        for mine in one.paths or ("/*",)
        for theirs in other.paths or ("/*",)
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
