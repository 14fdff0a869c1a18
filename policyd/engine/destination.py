"""One canonical form for hosts and URLs, and the table of listed destinations.

Sources: RFC 3986 (URI), RFC 5952 (IPv6 text), UTS #46 (IDNA compatibility processing, by `idna`).
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
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
    """The listed destinations, found by a URL in canonical form."""

    def __init__(self, destinations: Mapping[str, Destination]) -> None:
        ordered = [destinations[name] for name in sorted(destinations)]
        self._hosts: dict[str, list[Destination]] = {}
        self._suffixes: dict[str, list[Destination]] = {}
        for each in ordered:
            for host in each.hosts:
                self._hosts.setdefault(host, []).append(each)
            for suffix in each.suffixes:
                self._suffixes.setdefault(suffix, []).append(each)
        self._networks = [(network, each) for each in ordered for network in each.networks]

    def find(self, url: CanonicalUrl) -> Destination | None:
        """The one destination that lists *url*; the loader refuses lists where two could."""
        return next((each for each in self._at(url.host) if _lists(each, url)), None)

    def _at(self, host: str) -> Iterator[Destination]:
        yield from self._hosts.get(host, ())
        try:
            address = ip_address(host)
        except ValueError:
            dot = host.find(".")
            while dot >= 0:
                yield from self._suffixes.get(host[dot:], ())
                dot = host.find(".", dot + 1)
        else:
            yield from (each for network, each in self._networks if address in network)


def _lists(destination: Destination, url: CanonicalUrl) -> bool:
    return (
        url.scheme in destination.schemes
        and (url.port in destination.ports if destination.ports else url.port == PORTS[url.scheme])
        and (
            not destination.paths
            or any(path_covers(pattern, url.path) for pattern in destination.paths)
        )
    )
