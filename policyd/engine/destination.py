"""One canonical form for hosts and URLs, and the table of listed destinations.

Sources: RFC 3986 (URI), RFC 5952 (IPv6 text), UTS #46 (IDNA compatibility processing, by `idna`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import product
from urllib.parse import quote

import idna

from policyd.model.destinations import PORTS, CanonicalUrl, Destination

MAX_URL = 2048
MAX_HOST = 253
# What inet_aton(3) would take for a number: 010.1, 0x7f.1, 2130706433.
_NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+")
# Half of a surrogate pair is no character at all and has no UTF-8 form.
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\]|\s")
_ESCAPE = re.compile(r"%(.{0,2})", re.DOTALL)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# An encoded slash, backslash or percent sign is read once by some servers and twice by others.
_AMBIGUOUS_BYTES = frozenset(b"/\\%") | frozenset(range(0x20)) | {0x7F}
# Networks whose addresses carry an IPv4 address to which a gateway or the host itself passes on:
# IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765), NAT64 (RFC 6052 and 8215), Teredo
# (RFC 4380) and 6to4 (RFC 3056).
_CARRYING_IPV4 = tuple(
    IPv6Network(each)
    for each in (
        *("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
        *("2001::/32", "2002::/16"),
    )
)
_ITSELF = frozenset({IPv6Address("::"), IPv6Address("::1")})
_ISATAP = frozenset({0x5EFE, 0x200_5EFE})  # RFC 5214, the upper half of an interface identifier
# What most URLs look like: no port, no query, and a path of unreserved characters.
_PLAIN = re.compile(rf"({'|'.join(PORTS)})://([a-z0-9.-]+)((?:/[\w.~/-]*)?)", re.ASCII)


class UrlRefused(ValueError):
    """A URL or host that two programs could read in two ways; `problem` says where."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def canonical(url: str) -> CanonicalUrl:
    """The one spelling of an absolute URL; its query takes no part.

    Raises:
        UrlRefused: it is no absolute URL of a scheme in `PORTS`, or could be read in two ways.

    >>> str(canonical("HTTPS://CRM.Example.:443/v3/%7Ejo?page=2"))
    'https://crm.example/v3/~jo'
    """
    if len(url) > MAX_URL:
        raise UrlRefused(f"it is longer than {MAX_URL} characters")
    plain = _PLAIN.fullmatch(url)
    if plain:
        scheme, host, path = plain.groups()
        if "//" not in path and "/." not in path:
            return CanonicalUrl(scheme, canonical_host(host), PORTS[scheme], path or "/")
    return canonical_of_any(url)


def canonical_of_any(url: str) -> CanonicalUrl:
    """What `canonical` says, found step by step whether the URL is plain or not."""
    if _UNPRINTABLE.search(url):
        raise UrlRefused("it has white space, a backslash or what is no printable character")
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in PORTS:
        raise UrlRefused(f"it does not start with {', '.join(f'{each}://' for each in PORTS)}")
    if "#" in rest:
        raise UrlRefused("it has a fragment (`#`)")
    rest = rest.partition("?")[0]
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        raise UrlRefused("it has a user name or password before `@`")
    host, port = split_port(authority)
    return CanonicalUrl(
        scheme, canonical_host(host), _port(port, PORTS[scheme]), _canonical_path(slash + path)
    )


@lru_cache(maxsize=4096)
def canonical_host(text: str) -> str:
    """The one spelling of a host: an IP address, or labels in lower-case ASCII form.

    Raises:
        UrlRefused: not a host, or one that programs read in different ways.

    >>> canonical_host("BÜCHER.example.")
    'xn--bcher-kva.example'
    >>> canonical_host("[::ffff:10.0.0.1]")
    '10.0.0.1'
    """
    if text.startswith("["):
        return _ipv6(text)
    if not text or len(text) > MAX_HOST + 1 or "%" in text:
        raise UrlRefused("its host is empty, too long or percent-encoded")
    try:
        # idna keeps one trailing dot, in whatever script it was written, and refuses two.
        host = idna.encode(text, uts46=True).decode("ascii").removesuffix(".")
    except UnicodeError:
        raise UrlRefused(f"`{text}` is not a host name") from None
    if not _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return host
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise UrlRefused(f"`{text}` is a number, not a host name or a plain IP address") from None


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text[1:-1] if text.endswith("]") and "%" not in text else "")
    except ValueError:
        raise UrlRefused(f"`{text}` is not a plain IPv6 address") from None
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if _carries_ipv4(address):
        raise UrlRefused(f"`{text}` carries an IPv4 address inside; send that address itself")
    return str(address)


def _carries_ipv4(address: IPv6Address) -> bool:
    """Whether what is sent to *address* may end up at an IPv4 address written inside it."""
    if address in _ITSELF:
        return False
    is_isatap = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
    return is_isatap or any(address in network for network in _CARRYING_IPV4)


def split_port(authority: str) -> tuple[str, str | None]:
    """Host and port as written; None where there is no colon."""
    end = authority.find("]") + 1 if authority.startswith("[") else 0
    host, colon, port = authority[end:].partition(":")
    return authority[:end] + host, port if colon else None


def _port(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and text[0] != "0" and int(text) <= 65535):  # noqa: PLR2004 - the highest port
        raise UrlRefused(f"`{text}` is not a port")
    return int(text)


def _canonical_path(path: str) -> str:
    """The path with escapes in one form, and no segment that climbs or vanishes."""
    plain = quote(_ESCAPE.sub(_escape, path), safe="/%:@!$&'()*+,;=-._~[]|^{}`\"<>")
    segments = plain.split("/")[1:]
    if any(segment.partition(";")[0] in {".", ".."} for segment in segments):
        raise UrlRefused("its path has a `.` or `..` segment")
    if "" in segments[:-1]:
        raise UrlRefused("its path has an empty segment (`//`)")
    if len(plain) > MAX_URL:
        raise UrlRefused(f"its path is longer than {MAX_URL} characters once escaped")
    return plain or "/"


def _escape(found: re.Match[str]) -> str:
    """One percent-escape: an unreserved character as itself, else upper-case hex."""
    digits = found[1]
    if not re.fullmatch(r"[0-9a-fA-F]{2}", digits):
        raise UrlRefused("its path has a `%` without two hex digits")
    byte = int(digits, 16)
    if byte in _AMBIGUOUS_BYTES:
        raise UrlRefused(f"its path has `%{digits}`, which servers read in different ways")
    return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"


def path_covers(pattern: str, path: str) -> bool:
    """Exact, or everything below a prefix written `/prefix/*`.

    >>> path_covers("/v3/*", "/v3/contacts"), path_covers("/v3/*", "/v30")
    (True, False)
    """
    return path.startswith(pattern[:-1]) if pattern.endswith("/*") else path == pattern


class DestinationTable:
    """The listed destinations, found by a URL in canonical form.

    They stand by what they list: scheme, host and port, where the host is one, everything below a
    suffix, or a network; then by path. A look-up costs the labels of the host or the lengths of
    networks that are listed, and the segments of the path.
    """

    def __init__(self, destinations: Mapping[str, Destination]) -> None:
        places = defaultdict[_Place, list[Destination]](list)
        for _, each in sorted(destinations.items()):
            for place in _places(each):
                places[place].append(each)
        self._places = {place: _Paths(found) for place, found in places.items()}
        networks = [each for listed in destinations.values() for each in listed.networks]
        self._lengths = {
            version: sorted({n.prefixlen for n in networks if n.version == version}, reverse=True)
            for version in (4, 6)
        }

    def find(self, url: CanonicalUrl) -> Destination | None:
        """The one destination that lists *url*; the loader refuses lists where two could."""
        scheme, host, port, path = url
        paths = self._places.get((scheme, host, port))
        if paths is not None and (found := paths.find(path)):
            return found
        for wider in self._networks(host) if _is_address(host) else _suffixes(host):
            paths = self._places.get((scheme, wider, port))
            if paths is not None and (found := paths.find(path)):
                return found
        return None

    def _networks(self, host: str) -> Iterator["_Network"]:
        """The networks that an address is in, of the lengths that are listed."""
        address = ip_address(host)
        for length in self._lengths[address.version]:
            yield _network(address, length)


_Network = tuple[int, int, int]
"""IP version, length, and the bits of that length."""
_Place = tuple[str, str | _Network, int]
"""Scheme; host, `.suffix` or network; port."""


def _network(address: IPv4Address | IPv6Address, length: int) -> _Network:
    return address.version, length, int(address) >> (address.max_prefixlen - length)


def _places(destination: Destination) -> Iterator[_Place]:
    networks = (_network(each.network_address, each.prefixlen) for each in destination.networks)
    hosts: tuple[str | _Network, ...] = (*destination.hosts, *destination.suffixes, *networks)
    for scheme, host in product(destination.schemes, hosts):
        for port in destination.ports or (PORTS[scheme],):
            yield scheme, host, port


def _is_address(host: str) -> bool:
    """Whether a canonical host is an address; the last label of a name is never a number."""
    return host.replace(".", "").isdigit() or ":" in host


def _suffixes(host: str) -> Iterator[str]:
    dot = host.find(".")
    while dot >= 0:
        yield host[dot:]
        dot = host.find(".", dot + 1)


class _Paths:
    """The destinations of one place, found by a path in canonical form."""

    __slots__ = ("_below", "_depth", "_every", "_exact")

    def __init__(self, destinations: Iterable[Destination]) -> None:
        self._every: Destination | None = None
        self._exact: dict[str, Destination] = {}
        self._below: dict[str, Destination] = {}  # by prefix, with the slash at its end
        self._depth = 0  # slashes in the longest prefix
        for each in destinations:
            if not each.paths:
                self._every = each
            for pattern in each.paths:
                if pattern.endswith("/*"):
                    self._below[pattern[:-1]] = each
                    self._depth = max(self._depth, pattern.count("/"))
                else:
                    self._exact[pattern] = each

    def find(self, path: str) -> Destination | None:
        """The destination that lists *path*."""
        found = self._exact.get(path) or self._every
        slash, deepest = 0, self._depth
        while found is None and slash >= 0 and deepest > 0:
            found = self._below.get(path[: slash + 1])
            slash, deepest = path.find("/", slash + 1), deepest - 1
        return found
