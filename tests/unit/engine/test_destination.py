"""One spelling for each URL, and the table that finds the destination listing it."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from policyd.engine.destination import (
    DestinationTable,
    UrlRefused,
    canonical,
    canonical_host,
    path_covers,
)
from policyd.model.destinations import CanonicalUrl, Destination

SAME = [
    ("https://crm.example", "https://crm.example/"),
    ("HTTPS://CRM.EXAMPLE/v3", "https://crm.example/v3"),
    ("https://crm.example./v3", "https://crm.example/v3"),
    ("https://crm.example:443/v3", "https://crm.example/v3"),
    ("https://crm.example:8443/v3", "https://crm.example:8443/v3"),
    ("https://crm.example/v3?page=2", "https://crm.example/v3"),
    ("https://crm.example?page=2", "https://crm.example/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://ＣＲＭ.example/", "https://crm.example/"),
    ("https://crm。example/", "https://crm.example/"),
    ("https://crm.example。/", "https://crm.example/"),
    ("https://10.0.0.1/", "https://10.0.0.1/"),
    ("https://１０.0.0.1/", "https://10.0.0.1/"),
    ("https://[::ffff:10.0.0.1]/", "https://10.0.0.1/"),
    ("https://[2001:DB8:0::1]:443/", "https://[2001:db8::1]/"),
    ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/"),
    ("https://crm.example/%7Ejo/%c3%a4", "https://crm.example/~jo/%C3%A4"),
    ("https://crm.example/ä", "https://crm.example/%C3%A4"),
    ("https://crm.example/a+b,c;v=1/", "https://crm.example/a+b,c;v=1/"),
    ("https://crm.example/x.y/...", "https://crm.example/x.y/..."),
    ("sftp://in.bureau.example/in/", "sftp://in.bureau.example/in/"),
    ("mqtts://10.20.4.11:8883/", "mqtts://10.20.4.11/"),
]

REFUSED = [
    ("", "does not start with"),
    ("crm/api", "does not start with"),
    ("http://crm.example/", "does not start with"),
    ("javascript://crm.example/", "does not start with"),
    ("https:/crm.example/", "does not start with"),
    ("https:///crm.example/", "empty"),
    ("https://", "empty"),
    ("https://user@crm.example/", "before `@`"),
    ("https://user:pass@crm.example/", "before `@`"),
    ("https://crm.example@evil.example/", "before `@`"),
    ("https://crm.example/#@evil.example", "fragment"),
    ("https://crm.example\\@evil.example/", "backslash"),
    ("https://crm.example/a\\..\\b", "backslash"),
    ("https://crm.example/a b", "white space"),
    (" https://crm.example/", "white space"),
    ("https://crm.example/\n", "white space"),
    ("https://crm.exa\tmple/", "white space"),
    ("https://crm.example/\u2028", "white space"),
    ("https://crm.example:/", "not a port"),
    ("https://crm.example:0/", "not a port"),
    ("https://crm.example:0443/", "not a port"),
    ("https://crm.example:65536/", "not a port"),
    ("https://crm.example:４４３/", "not a port"),
    ("https://crm.example:-1/", "not a port"),
    ("https://crm%2Eexample/", "percent-encoded"),
    ("https://crm..example/", "not a host name"),
    ("https://.crm.example/", "not a host name"),
    ("https://-crm.example/", "not a host name"),
    ("https://crm_1.example/", "not a host name"),
    ("https://xn--a.example/", "not a host name"),
    ("https://*.example/", "not a host name"),
    ("https://crm.example../", "not a host name"),
    (f"https://{'a' * 64}.example/", "not a host name"),
    (f"https://{'a.' * 150}example/", "too long"),
    ("https://127.1/", "a number"),
    ("https://2130706433/", "a number"),
    ("https://0x7f.0.0.1/", "a number"),
    ("https://0x7f000001/", "a number"),
    ("https://0177.0.0.1/", "a number"),
    ("https://010.0.0.1/", "a number"),
    ("https://256.0.0.1/", "a number"),
    ("https://1.2.3.4.5/", "a number"),
    ("https://crm.example.0x1/", "a number"),
    ("https://[::1/", "IPv6"),
    ("https://[fe80::1%25eth0]/", "IPv6"),
    ("https://[fe80::1%eth0]/", "IPv6"),
    ("https://[10.0.0.1]/", "IPv6"),
    ("https://[v1.x]/", "IPv6"),
    ("https://[::1]x/", "IPv6"),
    ("https://crm.example/../x", "segment"),
    ("https://crm.example/a/./b", "segment"),
    ("https://crm.example/a/..", "segment"),
    ("https://crm.example/a/..;/b", "segment"),
    ("https://crm.example/a/%2e%2e/b", "segment"),
    ("https://crm.example/a/%2E./b", "segment"),
    ("https://crm.example/a//b", "empty segment"),
    ("https://crm.example//", "empty segment"),
    ("https://crm.example/a%2fb", "%2f"),
    ("https://crm.example/a%5Cb", "%5C"),
    ("https://crm.example/a%00", "%00"),
    ("https://crm.example/a%252e", "%25"),
    ("https://crm.example/a%", "two hex digits"),
    ("https://crm.example/a%4", "two hex digits"),
    ("https://crm.example/a%zz", "two hex digits"),
    ("https://crm.example/" + "a" * 2048, "longer than"),
    ("https://crm.example/" + "ä" * 400, "once escaped"),
    ("https://crm.example/\ud800", "printable"),
    ("https://crm\udfff.example/", "printable"),
]


@pytest.mark.parametrize(("sent", "expected"), SAME)
def test_one_spelling(sent: str, expected: str) -> None:
    """Every spelling of a URL becomes the same one."""
    assert expected == str(canonical(sent))


@pytest.mark.parametrize(("sent", "word"), REFUSED)
def test_ambiguous_urls_are_refused(sent: str, word: str) -> None:
    """A URL that two programs could read in two ways is refused, and the reason says where."""
    with pytest.raises(UrlRefused) as caught:
        canonical(sent)
    assert word in caught.value.problem


def test_canonical_host_stands_alone() -> None:
    """Policy files are held to the same spelling of hosts."""
    assert canonical_host("CRM.example.") == "crm.example"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/v3/*", "/v3/contacts", True),
        ("/v3/*", "/v3/", True),
        ("/v3/*", "/v3", False),
        ("/v3/*", "/v30/x", False),
        ("/ebics", "/ebics", True),
        ("/ebics", "/ebics/x", False),
    ],
)
def test_path_patterns(pattern: str, path: str, expected: bool) -> None:
    """A path is listed exactly, or by the folder above it."""
    assert expected == path_covers(pattern, path)


PLAIN = Destination(
    name="crm",
    zone="processor",
    owner="it",
    reason="a test",
    hosts=frozenset({"crm.example"}),
    suffixes=(".crm-cloud.example",),
    networks=(ip_network("10.20.0.0/16"), ip_network("fd00:20::/32")),
    schemes=frozenset({"https"}),
    ports=frozenset(),
    paths=(),
    methods=frozenset(),
    who=frozenset(),
)


@pytest.mark.parametrize(
    ("url", "is_listed"),
    [
        ("https://crm.example/", True),
        ("https://eu1.crm-cloud.example/", True),
        ("https://a.b.crm-cloud.example/", True),
        ("https://crm-cloud.example/", False),
        ("https://evilcrm-cloud.example/", False),
        ("https://crm.example.evil.example/", False),
        ("https://10.20.3.4/", True),
        ("https://[::ffff:10.20.3.4]/", True),
        ("https://10.21.0.1/", False),
        ("https://[fd00:20::1]/", True),
        ("https://[fd00:21::1]/", False),
        ("https://crm.example:8443/", False),
        ("sftp://crm.example/", False),
    ],
)
def test_listed_hosts(url: str, is_listed: bool) -> None:
    """A host is listed exactly, below a suffix, or in a network; nothing near it is."""
    found = DestinationTable({"crm": PLAIN}).find(canonical(url))
    assert (found == PLAIN) is is_listed


def test_ports_and_paths_narrow() -> None:
    """A destination that names ports and paths lists nothing beside them."""
    narrow = replace(PLAIN, ports=frozenset({8443}), paths=("/v3/*", "/ping"))
    table = DestinationTable({"crm": narrow})
    assert table.find(CanonicalUrl("https", "crm.example", 8443, "/v3/x")) == narrow
    assert table.find(CanonicalUrl("https", "crm.example", 8443, "/ping")) == narrow
    assert table.find(CanonicalUrl("https", "crm.example", 8443, "/v4/x")) is None
    assert table.find(CanonicalUrl("https", "crm.example", 443, "/v3/x")) is None
