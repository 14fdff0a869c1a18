"""Hosts as a list of destinations names them: exact, `*.suffix`, or a network in CIDR form."""

import functools
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList

from policyd.engine.destination import UrlRefused, canonical, canonical_host

Network = IPv4Network | IPv6Network
Pattern = str | Network
"""An exact host, `.suffix` for everything below it, or a network."""

_PRIVATE = "// ===BEGIN PRIVATE DOMAINS==="
_WIDEST = {4: 8, 6: 16}  # shortest prefix of a network, by IP version


class HostRefusedError(ValueError):
    """A text that does not name hosts in the one way; `code` is the finding's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_host(text: str) -> Pattern:
    """The hosts that *text* names.

    Raises:
        HostRefusedError: it names none, or not in its one spelling, or far too many.

    >>> read_host("crm.example"), read_host("*.crm.example"), read_host("10.20.0.0/16")
    ('crm.example', '.crm.example', IPv4Network('10.20.0.0/16'))
    """
    if "://" in text:
        raise HostRefusedError("bad-host", f"`{text}` is a URL; write its host alone")
    if "/" in text:
        return _network(text)
    if text.startswith("*."):
        return _suffix(text[2:])
    if "*" in text:
        name = text.removeprefix("*").lstrip(".")
        better = "hosts one by one" if "*" in name or not name else f"`*.{name}`"
        message = f"`{text}` is no host; a star stands for everything below a name: write {better}"
        raise HostRefusedError("bad-host", message)
    return _exact(text)


def _exact(text: str) -> str:
    is_ipv6 = text.count(":") > 1
    if ":" in text and not is_ipv6:
        message = f"`{text}` is no host; a port stands under `ports`"
        raise HostRefusedError("bad-host", message)
    try:
        host = canonical_host(f"[{text.strip('[]')}]" if is_ipv6 else text)
    except UrlRefused as refused:
        raise HostRefusedError("bad-host", f"this is no host: {refused.problem}") from None
    if host != text:
        raise HostRefusedError("bad-host", f"`{text}` has another spelling; write `{host}`")
    if "." not in host and ":" not in host:
        message = f"`{host}` is no full host name; write it with its domain"
        raise HostRefusedError("bad-host", message)
    return host


def _suffix(text: str) -> str:
    try:
        host = canonical_host(text)
    except UrlRefused as refused:
        raise HostRefusedError("bad-host", f"this is no host: {refused.problem}") from None
    if host != text:
        raise HostRefusedError("bad-host", f"`*.{text}` has another spelling; write `*.{host}`")
    if _is_address(host):
        message = f"`*.{text}` is no host; write networks as `10.20.0.0/16`"
        raise HostRefusedError("bad-host", message)
    if _covers_strangers(host):
        message = f"anyone can have a host below `{host}`; name your own hosts"
        raise HostRefusedError("wildcard-too-wide", message)
    return f".{host}"


def _network(text: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        message = f"`{text}` is no network; write an address and a prefix, as in `10.20.0.0/16`"
        raise HostRefusedError("bad-host", message) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise HostRefusedError("bad-host", f"`{text}` stands for IPv4; write the IPv4 network")
    if str(network) != text:
        raise HostRefusedError("bad-host", f"`{text}` has another spelling; write `{network}`")
    if network.prefixlen < _WIDEST[network.version]:
        message = f"`{text}` covers a large part of the internet; name your own networks"
        raise HostRefusedError("wildcard-too-wide", message)
    return network


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@functools.cache
def suffix_list() -> PublicSuffixList:
    """The public suffix list, with its private section."""
    # The package would encode each of ten thousand rules, most of which are ASCII already.
    return PublicSuffixList(_rules(), accept_encoded_idn=False)


@functools.cache
def private_suffixes() -> frozenset[str]:
    """Suffixes of the private section, such as `github.io`: others hand out what is below them."""
    rules = _rules()
    return frozenset(each.removeprefix("*.") for each in rules[rules.index(_PRIVATE) + 1 :])


@functools.cache
def _rules() -> tuple[str, ...]:
    """The rules of the list in the spelling of hosts, and where the private section begins."""
    with open(PSLFILE, encoding="utf-8") as lines:  # noqa: PTH123 - the package names a str
        return tuple(
            _PRIVATE if line.startswith(_PRIVATE) else _ascii(line.split()[0])
            for line in lines
            if line[0] not in "/\n" or line.startswith(_PRIVATE)
        )


@functools.cache
def _above_public_suffixes() -> frozenset[str]:
    """Names below which some public suffix lies, such as `amazonaws.com`."""
    rules = [each.lstrip("!").split(".") for each in _rules() if each != _PRIVATE]
    return frozenset(".".join(each[at:]) for each in rules for at in range(1, len(each)))


def _ascii(rule: str) -> str:
    if rule.isascii():
        return rule
    labels = rule.split(".")
    return ".".join(e if e.isascii() else idna.alabel(e).decode("ascii") for e in labels)


def _covers_strangers(host: str) -> bool:
    """Whether names directly below *host*, or some further below, are anyone's to register.

    Source: the public suffix list, with its private section.
    """
    is_public = suffix_list().publicsuffix(host) == host
    return is_public or host in _above_public_suffixes()


def read_path(text: str) -> str:
    """A path pattern in its one spelling: exact, or everything below `/prefix/*`.

    Raises:
        HostRefusedError: it could be read in two ways, or has another spelling.
    """
    path = text.removesuffix("*") if text.endswith("/*") else text
    try:
        plain = canonical(f"https://host.example{path}").path
    except UrlRefused as refused:
        message = f"the path `{text}` cannot be compared: {refused.problem}"
        raise HostRefusedError("bad-path", message) from None
    if plain != path or "*" in path:
        message = f"the path `{text}` is neither exact nor of the form `/prefix/*`"
        raise HostRefusedError("bad-path", message)
    return text


def read_url(text: str) -> str:
    """The URL of a connection, in its one spelling and without a query.

    Raises:
        HostRefusedError: it could be read in two ways, or has another spelling.
    """
    try:
        plain = str(canonical(text))
    except UrlRefused as refused:
        message = f"the URL `{text}` cannot be used: {refused.problem}"
        raise HostRefusedError("bad-url", message) from None
    if plain != text:
        raise HostRefusedError("bad-url", f"the URL `{text}` has another spelling; write `{plain}`")
    return text
