"""Destinations that could both list one URL are found, and only those."""

from itertools import product

from policyd.engine.destination import DestinationTable, canonical
from policyd.policy.build_places import built_destination
from policyd.policy.overlap import Overlap, overlaps
from policyd.policy.place_shapes import DestinationEntry

HOSTS = ("a.b.example", "*.b.example", "*.a.b.example", "b.example", "10.1.0.0/16", "10.1.2.3")
PATHS: tuple[list[str], ...] = ([], ["/v1/*"], ["/v1/x"], ["/v1/x/*", "/v2"])
DOORS: tuple[dict[str, list[object]], ...] = (
    {},
    {"ports": [443, 8443]},
    {"schemes": ["sftp"]},
    {"schemes": ["https", "sftp"], "ports": [22]},
)
URLS = [
    canonical(f"{scheme}://{host}{port}{path}")
    for scheme, host, port, path in product(
        ("https", "sftp"),
        ("b.example", "a.b.example", "x.a.b.example", "x.b.example", "10.1.2.3", "10.1.9.9"),
        ("", ":443", ":22", ":8443"),
        ("/", "/v1/x", "/v1/y", "/v1/x/y", "/v2"),
    )
]


def entries() -> list[DestinationEntry]:
    """One destination for each way to combine the hosts, paths and doors above."""
    return [
        DestinationEntry.model_validate(
            {"zone": "z", "hosts": [host], "reason": "One.", **doors}
            | ({"paths": paths} if paths else {})
        )
        for host, paths, doors in product(HOSTS, PATHS, DOORS)
    ]


def test_two_overlap_exactly_if_some_url_is_listed_by_both() -> None:
    """The check agrees with the table itself, tried with every kind of URL."""
    listed = []
    for entry in entries():
        table = DestinationTable({"it": built_destination("it", entry, "owner")})
        listed.append((entry, {url for url in URLS if table.find(url)}))
    for (one, mine), (other, theirs) in product(listed, listed):
        found = list(overlaps([("one", one), ("other", other)]))
        assert bool(found) == bool(mine & theirs), (one, other)


def test_the_overlap_names_the_first_host_of_the_later_destination() -> None:
    """Whoever reads the finding sees the line to change."""
    one = DestinationEntry(zone="z", hosts=["*.b.example"], reason="One.")
    other = DestinationEntry(
        zone="z", hosts=["c.example", "x.b.example", "y.b.example"], reason="Two."
    )
    assert list(overlaps([("one", one), ("other", other)])) == [Overlap("one", "other", 1)]
    assert list(overlaps([("other", other), ("one", one)])) == [Overlap("other", "one", 0)]


def test_a_destination_does_not_overlap_with_itself() -> None:
    """Two hosts of one destination may cover each other."""
    entry = DestinationEntry(zone="z", hosts=list(HOSTS), reason="One.")
    assert list(overlaps([("one", entry)])) == []
