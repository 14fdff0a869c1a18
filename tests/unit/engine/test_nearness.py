"""Why a destination does not list a URL that it nearly does."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from policyd.engine.destination import canonical
from policyd.engine.nearness import Request, near
from policyd.model.destinations import Destination

API = Destination(
    name="api",
    zone="processor",
    owner="it",
    reason="a test",
    hosts=frozenset({"api.crm.example"}),
    suffixes=(".crm-cloud.example",),
    networks=(ip_network("10.20.0.0/16"),),
    schemes=frozenset({"https"}),
    ports=frozenset(),
    paths=("/v3/*",),
    methods=frozenset(),
    who=frozenset(),
)


@pytest.mark.parametrize(
    ("url", "fails"),
    [
        ("https://api.crm.example/v3/x", None),
        ("https://10.20.0.1/v3/x", None),
        ("https://eu.crm-cloud.example/v3/x", None),
        ("https://api.crm.example/v4", ("path",)),
        ("sftp://api.crm.example/v3/x", ("scheme",)),
        ("https://10.20.0.1:8443/v3/x", ("port",)),
        ("https://api.crm.example:8443/v4", ("port", "path")),
        ("https://www.crm.example/v3/x", ("host",)),
        ("https://crm-cloud.example/v3/x", ("host",)),
        ("https://www.crm.example/v4", None),
        ("https://evil.test/v3/x", None),
        ("https://10.21.0.1/v3/x", None),
    ],
)
def test_the_words_that_keep_a_url_out(url: str, fails: tuple[str, ...] | None) -> None:
    """A destination is near by its host, or by all but a like host; one that lists it is not."""
    found = near([API], Request(canonical(url)))
    assert [each.fails for each in found] == ([fails] if fails else [])


def test_named_ports_stand_for_the_usual_one() -> None:
    """Where a destination names ports, even the usual one is not among them."""
    narrow = replace(API, ports=frozenset({8443}), paths=())
    (found,) = near([narrow], Request(canonical("https://api.crm.example/")))
    assert (found.destination, found.fails) == (narrow, ("port",))


URL = canonical("https://api.crm.example/v3/x")
NARROW = replace(API, methods=frozenset({"GET", "POST"}), who=frozenset({"sender", "hr"}))


@pytest.mark.parametrize(
    ("method", "names", "fails"),
    [
        (None, None, ()),
        ("GET", None, ()),
        (None, frozenset({"sender", "everyone"}), ()),
        ("PUT", None, ("method",)),
        ("get", None, ("method",)),
        ("GET", frozenset({"sales", "everyone"}), ("who",)),
        ("PUT", frozenset[str](), ("method", "who")),
    ],
)
def test_method_and_who_keep_a_request_out(
    method: str | None, names: frozenset[str] | None, fails: tuple[str, ...]
) -> None:
    """A destination that narrows by method and who keeps out what is said and not listed."""
    found = near([NARROW], Request(URL, method, names))
    assert [each.fails for each in found] == ([fails] if fails else [])


def test_one_that_nobody_registered_is_not_among_everyone() -> None:
    """A destination for every integration takes none that nobody registered."""
    assert near([API], Request(URL, "GET", frozenset({"a/b", "everyone"}))) == ()
    (found,) = near([API], Request(URL, "GET", frozenset()))
    assert found.fails == ("who",)


def test_the_nearest_come_first() -> None:
    """What lacks least comes first, then what has the host itself, then the order of names."""
    places = [
        replace(API, name="worse", paths=("/v4/*",), methods=frozenset({"GET"})),
        replace(API, name="0-like", hosts=frozenset({"www.crm.example"})),
        replace(API, name="b", paths=("/v4/*",)),
        replace(API, name="a", paths=("/v4/*",)),
        API,
    ]
    found = near(places, Request(URL, "POST"))
    assert [each.destination.name for each in found] == ["a", "b", "0-like", "worse"]
