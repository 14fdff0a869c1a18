"""Destinations that nearly list a URL, with the words of each that keep it out."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from policyd.engine.destination import path_covers
from policyd.model.destinations import PORTS, CanonicalUrl, Destination
from policyd.model.rules import EVERYONE

_SHARED = 2  # labels at the end of a host that make another host a near one


class Request(NamedTuple):
    """What is looked for: a URL, and who would do what there, as far as that is said.

    `names` are those of an integration; empty for one that nobody registered.
    """

    url: CanonicalUrl
    method: str | None = None
    names: frozenset[str] | None = None


class Near(NamedTuple):
    """A destination that does not take a request.

    `fails` has those of `host`, `scheme`, `port`, `path`, `method` and `who` that keep it out.
    """

    destination: Destination
    fails: tuple[str, ...]


def near(destinations: Iterable[Destination], sought: Request) -> tuple[Near, ...]:
    """Those that list the host but not all of it, or all of it but the host, which is a like one.

    The nearest come first: what lacks least, then what has the host itself, then by name.
    """
    looked = (Near(each, tuple(_fails(each, sought))) for each in destinations)
    found = (each for each in looked if each.fails and _is_near(each, sought.url))
    return tuple(sorted(found, key=_distance))


def listed(place: Destination) -> Mapping[str, tuple[str, ...]]:
    """What *place* lists, by the words of `Near.fails`, as policy files write it."""
    suffixes = (f"*{each}" for each in place.suffixes)
    ports = place.ports or {PORTS[scheme] for scheme in place.schemes}
    return {
        "host": tuple(sorted([*place.hosts, *suffixes, *map(str, place.networks)])),
        "scheme": tuple(sorted(place.schemes)),
        "port": tuple(str(each) for each in sorted(ports)),
        "path": place.paths,
        "method": tuple(sorted(place.methods)),
        "who": tuple(sorted(place.who or {EVERYONE})),
    }


def _is_near(found: Near, url: CanonicalUrl) -> bool:
    if "host" not in found.fails:
        return True
    return len(found.fails) == 1 and _is_like(found.destination, url.host)


def _distance(found: Near) -> tuple[int, bool, str]:
    return len(found.fails), "host" in found.fails, found.destination.name


def _fails(place: Destination, sought: Request) -> Iterator[str]:
    url = sought.url
    if not _has_host(place, url.host):
        yield "host"
    if url.scheme not in place.schemes:
        yield "scheme"
    if url.port not in (place.ports or {PORTS[url.scheme]}):
        yield "port"
    if place.paths and not any(path_covers(pattern, url.path) for pattern in place.paths):
        yield "path"
    if sought.method is not None and place.methods and sought.method not in place.methods:
        yield "method"
    if sought.names is not None and sought.names.isdisjoint(place.who or {EVERYONE}):
        yield "who"


def _has_host(place: Destination, host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host in place.hosts or host.endswith(place.suffixes)
    return host in place.hosts or any(address in network for network in place.networks)


def _is_like(place: Destination, host: str) -> bool:
    end = host.split(".")[-_SHARED:]
    return any(each.split(".")[-_SHARED:] == end for each in (*place.hosts, *place.suffixes))
