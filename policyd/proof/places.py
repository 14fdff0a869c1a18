"""Spots: one way to contact each place that the destination lists of either side tell apart."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import product
from typing import NamedTuple

from policyd.engine.destination import DestinationTable, UrlRefused, canonical
from policyd.engine.resolve import Endpoint, endpoint_of
from policyd.model.call import Call, Entity
from policyd.model.destinations import PORTS, Destination
from policyd.proof.sayings import Sides

_METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER")
_ADDRESSES = {4: IPv4Address, 6: IPv6Address}
_HOST_OF_NOBODY = "unlisted.invalid"
_PATH_OF_NOBODY = "unlisted"


class Spot(NamedTuple):
    """One way to contact a place, and by side what the engine makes of it."""

    endpoint: str | None
    path: str | None
    method: str | None
    ends: tuple[Endpoint, Endpoint]

    def place(self, side: int) -> Destination | None:
        """The destination that is contacted, if it is a listed one."""
        return self.ends[side].destination

    def is_incomplete(self, side: int) -> bool:
        """Whether the call is refused for what it says of the place, whoever makes it."""
        end = self.ends[side]
        unsaid = not self.method and (end.url is None or end.url.scheme == "https")
        return unsaid or end.destination is None

    def is_wrong_method(self, side: int) -> bool:
        """Whether the place does not take the method."""
        place = self.place(side)
        return bool(place and place.methods and self.method not in place.methods)


def spots(sides: Sides) -> list[Spot]:
    """One spot for each way in which the lists tell endpoints and methods apart."""
    tables = [DestinationTable(side.destinations) for side in sides]
    listed = [each for side in sides for each in side.destinations.values()]
    named = {method for each in listed for method in each.methods}
    methods = [*_sorted_methods(named), next(m for m in _METHODS if m not in named), None]
    found: dict[object, Spot] = {}
    for endpoint, path in _endpoints(sides, listed):
        for method in methods:
            call = Call(_NOBODY, "read", _NOTHING, endpoint=endpoint, path=path, method=method)
            one, two = (
                endpoint_of(side, table, call) for side, table in zip(sides, tables, strict=True)
            )
            spot = Spot(endpoint, path, method, (one, two))
            found.setdefault(tuple(_looks(spot, side) for side in (0, 1)), spot)
    return list(found.values())


_NOBODY, _NOTHING = Entity("integration", ""), Entity("dataset", "")


def _sorted_methods(named: Iterable[str]) -> list[str]:
    return sorted(named, key=lambda each: _METHODS.index(each) if each in _METHODS else 99)


def _looks(spot: Spot, side: int) -> tuple[object, ...]:
    """All that a decision sees of a spot."""
    place = spot.place(side)
    return place and place.name, spot.is_incomplete(side), spot.is_wrong_method(side)


def _endpoints(
    sides: Sides, listed: Sequence[Destination]
) -> Iterator[tuple[str | None, str | None]]:
    """Endpoints with the path below them: connections, then URLs, then what is neither."""
    names = sorted({name for side in sides for name in side.connections})
    for name in names:
        yield name, None
        bases = [base for side in sides if (base := side.connections.get(name))]
        if len(set(bases)) > 1 or len(bases) == 1:
            for below in _below(bases, listed):
                yield name, below
    for url in _urls(listed):
        yield url, None
    yield "nowhere", None
    yield None, None


def _below(bases: Sequence[str], listed: Sequence[Destination]) -> Iterator[str]:
    """Paths below the URLs of a connection that some list tells apart."""
    yield _PATH_OF_NOBODY
    for base in bases:
        try:
            start = canonical(base).path.removesuffix("/") + "/"
        except UrlRefused:
            continue
        for path in _paths(listed):
            if path.startswith(start) and path != start:
                yield path.removeprefix(start)


def _urls(listed: Sequence[Destination]) -> Iterator[str]:
    """A URL of everything that the lists tell apart; some name no host that can be written."""
    for scheme in PORTS:
        yield f"{scheme}://{_HOST_OF_NOBODY}/"
    for host, near in _hosts(listed):
        schemes = sorted({each for place in near for each in place.schemes})
        for scheme, path in product(schemes, _paths(near)):
            for port in sorted({PORTS[scheme], *(p for place in near for p in place.ports)}):
                yield f"{scheme}://{host}:{port}{path}"


def _paths(near: Iterable[Destination]) -> list[str]:
    """A path of each pattern that no longer pattern has, and one of none."""
    patterns = {pattern for each in near for pattern in each.paths}
    token = _PATH_OF_NOBODY
    while any(token in each for each in patterns):
        token += "-x"
    below = {each[:-1] + token if each.endswith("/*") else each for each in patterns}
    exact = {each[:-1] for each in patterns if each.endswith("/*")}
    return sorted({f"/{token}", *below, *exact})


def _hosts(listed: Sequence[Destination]) -> Iterator[tuple[str, list[Destination]]]:
    """A host of each pattern, with the destinations that may list it."""
    exact = {host for each in listed for host in each.hosts}
    suffixes = {suffix for each in listed for suffix in each.suffixes}
    for host in sorted(exact):
        yield host, [each for each in listed if _may_list(each, host)]
    for suffix in sorted(suffixes):
        for label in (f"x{n}" for n in range(len(exact) + len(suffixes) + 1)):
            host = label + suffix
            if host not in exact and f".{host}" not in suffixes:
                yield host, [each for each in listed if _may_list(each, host)]
                break
    yield from _addresses(listed)


def _may_list(destination: Destination, host: str) -> bool:
    return host in destination.hosts or any(host.endswith(each) for each in destination.suffixes)


def _addresses(listed: Sequence[Destination]) -> Iterator[tuple[str, list[Destination]]]:
    """Addresses on both sides of every end of a network."""
    networks = {network for each in listed for network in each.networks}
    edges = {
        (each.version, int(end) + step)
        for each in networks
        for end in (each.network_address, each.broadcast_address)
        for step in (-1, 0, 1, 2)
    }
    for version, number in sorted(edges):
        try:
            address = _ADDRESSES[version](number)
        except ValueError:
            continue
        host = f"[{address}]" if version == 6 else str(address)  # noqa: PLR2004 - IP version
        near = [
            each
            for each in listed
            if any(address in network for network in each.networks) or str(address) in each.hosts
        ]
        if near:
            yield host, near
