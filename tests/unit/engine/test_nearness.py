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
