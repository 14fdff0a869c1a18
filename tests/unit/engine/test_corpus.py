"""Known tricks with URLs: what each becomes, why it is refused, and that none reaches too far."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml

from policyd.engine.destination import DestinationTable, UrlRefused, canonical, canonical_host
from policyd.model.destinations import Destination

TRICKS = Path(__file__).parents[2] / "cases/destinations"
ENOUGH = 200


PLAIN = Destination(
    name="",
    zone="processor",
    owner="it",
    reason="a test",
    hosts=frozenset(),
    suffixes=(),
    networks=(),
    schemes=frozenset({"https"}),
    ports=frozenset(),
    paths=(),
    methods=frozenset(),
    who=frozenset(),
)
LISTED = {
    each.name: each
    for each in (
        replace(PLAIN, name="crm", hosts=frozenset({"crm.example"})),
        replace(PLAIN, name="cloud", suffixes=(".crm-cloud.example",)),
        replace(PLAIN, name="books", hosts=frozenset({"xn--bcher-kva.example"})),
        replace(
            PLAIN, name="plant", networks=(ip_network("10.20.0.0/16"), ip_network("fd00:20::/32"))
        ),
        replace(
            PLAIN,
            name="bureau",
            hosts=frozenset({"in.bureau.example"}),
            schemes=frozenset({"sftp"}),
        ),
        replace(
            PLAIN,
            name="api",
            hosts=frozenset({"api.example"}),
            ports=frozenset({8443}),
            paths=("/v3/*",),
        ),
    )
}
TABLE = DestinationTable(LISTED)


def tricks() -> Iterator[Any]:
    """Every trick, named by its file and its sentence."""
    for path in sorted(TRICKS.glob("*.yaml")):
        for trick in yaml.safe_load(path.read_text("utf-8")):
            yield pytest.param(trick, id=f"{path.stem}: {trick['it']}")


def test_there_are_enough_tricks() -> None:
    """The corpus is no smaller than it was meant to be, and no sentence stands for two tricks."""
    urls = [each.values[0]["url"] for each in tricks()]
    assert len(set(urls)) == len(urls) >= ENOUGH


@pytest.mark.parametrize("trick", list(tricks()))
def test_a_trick_does_not_work(trick: dict[str, Any]) -> None:
    """A URL has one spelling or is refused, and matches the destination it reaches or none."""
    if "refused" in trick:
        with pytest.raises(UrlRefused) as caught:
            canonical(trick["url"])
        assert trick["refused"] in caught.value.problem
        return
    url = canonical(trick["url"])
    found = TABLE.find(url)
    assert (trick["is"], trick.get("lists")) == (str(url), found.name if found else None)
    assert canonical(str(url)) == url


@pytest.mark.parametrize("trick", list(tricks()))
def test_programs_connect_where_we_say(trick: dict[str, Any]) -> None:
    """What a URL matches covers the host that Python's and httpx2's readers would connect to."""
    try:
        found = TABLE.find(canonical(trick["url"]))
    except UrlRefused:
        return
    for host in _hosts(trick["url"]):
        assert found is None or _covers(found, host)


def _hosts(url: str) -> Iterator[str]:
    """The host of *url*, as each reader has it that reads it at all."""
    yield urlsplit(url).hostname or ""
    try:
        yield httpx2.URL(url).host
    except httpx2.InvalidURL:
        return


def _covers(place: Destination, host: str) -> bool:
    plain = canonical_host(f"[{host}]" if ":" in host else host)
    if place.networks:
        return any(ip_address(plain) in network for network in place.networks)
    return plain in place.hosts or plain.endswith(place.suffixes or ("/",))
