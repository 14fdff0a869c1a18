"""What became of a URL on the way to its one spelling, step by step."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from policyd.engine.destination import split_port
from policyd.model.destinations import PORTS, CanonicalUrl

_DOTS = (".", "\u3002", "\uff0e", "\uff61")  # all that UTS #46 reads as a full stop


class Change(NamedTuple):
    """One part of a URL that is written in another way now.

    `step` is `connection`, `case`, `trailing-dot`, `ip-address`, `idna`, `default-port`,
    `empty-path`, `percent-encoding` or `query`. Dot segments and empty ones have none: a URL
    that has them is refused.
    """

    step: str
    before: str
    after: str


def changes(sent: str, url: CanonicalUrl) -> tuple[Change, ...]:
    """The steps from *sent* to the *url* that it became; none if it was spelt so already.

    >>> url = CanonicalUrl("https", "crm.example", 443, "/")
    >>> [each.step for each in changes("https://CRM.example.:443", url)]
    ['case', 'trailing-dot', 'default-port', 'empty-path']
    """
    scheme, _, rest = sent.partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    host, port = split_port(authority)
    steps = (
        *_of_scheme(scheme, url.scheme),
        *_of_host(host, f"[{url.host}]" if ":" in url.host else url.host),
        *_of_port(port, url),
        *_of_path(slash + path, url.path),
    )
    return tuple(each for each in steps if each.before != each.after)


def _of_scheme(sent: str, scheme: str) -> Iterator[Change]:
    yield Change("case", sent, scheme)


def _of_host(sent: str, host: str) -> Iterator[Change]:
    lower = sent.lower()
    yield Change("case", sent, lower)
    bare = lower[:-1] if lower.endswith(_DOTS) else lower
    yield Change("trailing-dot", lower, bare)
    yield Change("ip-address" if is_address(host) else "idna", bare, host)


def _of_port(sent: str | None, url: CanonicalUrl) -> Iterator[Change]:
    if sent is not None and url.port == PORTS[url.scheme]:
        yield Change("default-port", f":{sent}", "")


def _of_path(sent: str, path: str) -> Iterator[Change]:
    yield Change("percent-encoding" if sent else "empty-path", sent, path)


def is_address(host: str) -> bool:
    """Whether a canonical host, IPv6 with or without its brackets, is an IP address."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
