"""What must hold for every URL, however it is spelt."""

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.destination import (
    DestinationTable,
    UrlRefused,
    canonical,
    canonical_of_any,
    path_covers,
)
from policyd.model.destinations import PORTS, CanonicalUrl, Destination
from tests.properties.asking import noise
from tests.properties.sampling import more

PIECES = [
    *("https://", "HTTPS://", "sftp://", "crm.example", "CRM.Example.", "10.0.0.1", "[::1]"),
    *("[::ffff:10.0.0.1]", "bücher.example", "ｅｘ.example", "。", ".", "..", "/", "//", "/../"),
    *("%2e", "%2F", "%41", "%7e", "%C3%A4", "ä", "\ud800", ":443", ":8443", ":", "@"),
    *("?q=1", "#f", "\\", ";"),
]
urls = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.builds("https://{}/{}".format, noise, noise),
    st.builds("https://crm.example/{}".format, noise),
    noise,
)


@more(5)
@given(urls)
def test_canonical_is_idempotent(url: str) -> None:
    """The canonical form of a canonical URL is itself; anything else is refused, never a fault."""
    try:
        once = canonical(url)
    except UrlRefused:
        return
    assert canonical(str(once)) == once


@more(5)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_spellings_of_case_do_not_matter_for_hosts(tail: str) -> None:
    """Upper case in scheme and host changes nothing."""
    host, slash, path = tail.partition("/")
    try:
        expected = canonical(f"https://{host}{slash}{path}")
    except UrlRefused:
        return
    assert expected == canonical(f"HTTPS://{host.upper()}{slash}{path}")


_PLAIN = ["a", "z9", "0", "-", "--", ".", "xn--", "x" * 60, "/", "..", "_", "~", "?", ":443", "A"]
nearly_plain = st.builds(
    "{}://{}{}".format,
    st.sampled_from([*PORTS, "http"]),
    st.lists(st.sampled_from(_PLAIN), min_size=1, max_size=6).map("".join),
    st.lists(st.sampled_from(["/", *_PLAIN]), max_size=6).map("".join),
)


def _outcome(url: str, *, shortly: bool) -> CanonicalUrl | str:
    try:
        return canonical(url) if shortly else canonical_of_any(url)
    except UrlRefused as refused:
        return refused.problem


@more(10)
@given(nearly_plain | urls)
def test_a_plain_url_becomes_what_the_steps_make_of_it(url: str) -> None:
    """A plain URL, which is not taken through all steps, becomes what they would make of it."""
    assert _outcome(url, shortly=True) == _outcome(url, shortly=False)


HOSTS = ["a.example", "b.a.example", "10.1.2.3", "10.1.9.9", "fd00::1", "fd00:1::1", "a.example.b"]
SUFFIXES = [".example", ".a.example", ".b"]
NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "fd00::/16", "fd00:1::/32"]
PATHS = ["/", "/v1", "/v1/", "/v1/x", "/v1/x/y", "/v2/x"]
PATTERNS = [*PATHS, "/*", "/v1/*", "/v1/x/*", "/v1/x/y/z/*"]
_sets = {
    "hosts": st.frozensets(st.sampled_from(HOSTS), max_size=2),
    "suffixes": st.lists(st.sampled_from(SUFFIXES), max_size=1).map(tuple),
    "networks": st.lists(st.sampled_from(NETWORKS).map(ip_network), max_size=2).map(tuple),
    "schemes": st.frozensets(st.sampled_from(sorted(PORTS)), min_size=1, max_size=2),
    "ports": st.frozensets(st.sampled_from([443, 22, 8443]), max_size=2),
    "paths": st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
}
destinations = st.builds(
    Destination,
    name=st.sampled_from(["p", "q", "r"]),
    zone=st.just("core"),
    owner=st.just("it"),
    reason=st.just("a place"),
    methods=st.just(frozenset()),
    who=st.just(frozenset()),
    **_sets,
)
canonical_urls = st.builds(
    CanonicalUrl,
    st.sampled_from(sorted(PORTS)),
    st.sampled_from(HOSTS),
    st.sampled_from([443, 22, 8443]),
    st.sampled_from(PATHS),
)


def _lists(place: Destination, url: CanonicalUrl) -> bool:
    """Whether the destination lists the URL, said plainly."""
    is_address = url.host[0].isdigit() or ":" in url.host
    return (
        (
            url.host in place.hosts
            or (not is_address and url.host.endswith(place.suffixes))
            or (is_address and any(ip_address(url.host) in each for each in place.networks))
        )
        and url.scheme in place.schemes
        and url.port in (place.ports or {PORTS[url.scheme]})
        and (not place.paths or any(path_covers(each, url.path) for each in place.paths))
    )


@more(5)
@given(st.lists(destinations, max_size=3), st.lists(canonical_urls, min_size=1, max_size=12))
def test_the_table_finds_what_lists(places: list[Destination], asked: list[CanonicalUrl]) -> None:
    """A destination is found exactly if one lists the URL, and then it is one that does."""
    listed = {each.name: each for each in places}
    table = DestinationTable(listed)
    for url in asked:
        found = table.find(url)
        assert (found is not None) is any(_lists(each, url) for each in listed.values())
        assert found is None or _lists(found, url)
