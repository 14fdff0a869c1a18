"""Destinations that nearly list a URL, with the words of each that keep it out."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple

from policyd.engine.destination import path_covers
from policyd.model.destinations import PORTS, CanonicalUrl, Destination

_SHARED = 2  # labels at the end of a host that make another host a near one


class Near(NamedTuple):
    """A destination that does not list a URL; `fails` has `host`, `scheme`, `port`, `path`."""

    destination: Destination
    fails: tuple[str, ...]


def near(destinations: Iterable[Destination], url: CanonicalUrl) -> tuple[Near, ...]:
    """Those that list the host but not the URL, or all of it but the host, which is a like one."""
    looked = (Near(each, tuple(_fails(each, url))) for each in destinations)
    return tuple(
        each
        for each in looked
        if each.fails
        and ("host" not in each.fails or (len(each.fails) == 1 and _is_like(each[0], url.host)))
    )


def _fails(place: Destination, url: CanonicalUrl) -> Iterator[str]:
    if not _has_host(place, url.host):
        yield "host"
    if url.scheme not in place.schemes:
        yield "scheme"
    if url.port not in (place.ports or {PORTS[url.scheme]}):
        yield "port"
    if place.paths and not any(path_covers(pattern, url.path) for pattern in place.paths):
        yield "path"


def _has_host(place: Destination, host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host in place.hosts or host.endswith(place.suffixes)
    return host in place.hosts or any(address in network for network in place.networks)


def _is_like(place: Destination, host: str) -> bool:
    end = host.split(".")[-_SHARED:]
    return any(each.split(".")[-_SHARED:] == end for each in (*place.hosts, *place.suffixes))
