"""Hosts, paths and URLs of policy files have one spelling, and wildcards stay at home."""

from ipaddress import IPv4Network, IPv6Network

import pytest

from policyd.policy.hosts import HostRefusedError, Pattern, read_host, read_path, read_url


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("crm.example", "crm.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("*.crm.example", ".crm.example"),
        ("*.eu.crm.example", ".eu.crm.example"),
        ("10.20.0.0/16", IPv4Network("10.20.0.0/16")),
        ("10.0.0.0/8", IPv4Network("10.0.0.0/8")),
        ("fd00:20::/32", IPv6Network("fd00:20::/32")),
    ],
)
def test_a_host_in_its_one_spelling_is_read(text: str, pattern: Pattern) -> None:
    """Exact hosts, suffixes and networks are what they say."""
    assert read_host(text) == pattern


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*corp.net", "write `*.corp.net`"),
        ("*", "write hosts one by one"),
        ("a*b.example", "write hosts one by one"),
        ("CRM.example", "write `crm.example`"),
        ("crm.example.", "write `crm.example`"),
        ("bücher.example", "write `xn--bcher-kva.example`"),
        ("*.Bücher.example", "write `*.xn--bcher-kva.example`"),
        ("FD00::1", "write `fd00::1`"),
        ("[fd00::1]", "write `fd00::1`"),
        ("::ffff:10.0.0.1", "write `10.0.0.1`"),
        ("127.1", "a number"),
        ("0x7f.1", "a number"),
        ("2130706433", "a number"),
        ("*.10.0.0.1", "write networks"),
        ("*.", "no host"),
        ("", "no host"),
        ("a b.example", "no host"),
        ("crm.example:8443", "under `ports`"),
        ("https://crm.example", "its host alone"),
        ("intranet", "with its domain"),
        ("10.20.4.0/16", "write `10.20.0.0/16`"),
        ("10.20.0.0/255.255.0.0", "write `10.20.0.0/16`"),
        ("010.20.0.0/16", "no network"),
        ("crm.example/16", "no network"),
        ("::ffff:a00:0/104", "stands for IPv4"),
        ("::ffff:10.0.0.0/104", "stands for IPv4"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(text: str, words: str) -> None:
    """What could be read in two ways, or be spelt in two, is no host."""
    with pytest.raises(HostRefusedError) as refused:
        read_host(text)
    assert refused.value.code == "bad-host"
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "*.com",
        "*.co.uk",
        "*.github.io",
        "*.example",
        "*.ck",
        "*.kawasaki.jp",
        "*.amazonaws.com",
        "*.xn--p1ai",
        "*.xn--55qx5d.cn",
        "0.0.0.0/0",
        "10.0.0.0/7",
        "::/0",
        "fd00::/8",
    ],
)
def test_a_wildcard_over_hosts_of_strangers_is_too_wide(text: str) -> None:
    """Below a public suffix, or above one, anyone can have a host; so too in half an internet."""
    with pytest.raises(HostRefusedError) as refused:
        read_host(text)
    assert refused.value.code == "wildcard-too-wide"


@pytest.mark.parametrize("path", ["/", "/v3/*", "/v3/contacts", "/*", "/v1/chat/"])
def test_a_path_in_its_one_spelling_is_read(path: str) -> None:
    """A path is exact, or everything below a prefix."""
    assert read_path(path) == path


@pytest.mark.parametrize(
    "path", ["/a/../b", "/a*", "/a/%7e", "/a//b", "v3", "/a/*/b", "/a?b", "/x/./*", ":443/x", ""]
)
def test_another_path_is_refused(path: str) -> None:
    """A path pattern that no canonical path would match is no path."""
    with pytest.raises(HostRefusedError) as refused:
        read_path(path)
    assert refused.value.code == "bad-path"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://a.example", "write `https://a.example/`"),
        ("https://a.example:443/", "write `https://a.example/`"),
        ("https://a.example/x?key=1", "write `https://a.example/x`"),
        ("http://a.example/", "does not start with https://"),
        ("https://a@a.example/", "before `@`"),
    ],
)
def test_a_connection_url_has_one_spelling_and_no_query(url: str, words: str) -> None:
    """A call's path is put after the URL, so nothing may stand behind the path."""
    with pytest.raises(HostRefusedError) as refused:
        read_url(url)
    assert refused.value.code == "bad-url"
    assert words in str(refused.value)
