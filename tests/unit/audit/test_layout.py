"""The resources of a tiled log: paths, sizes, bytes."""

import pytest

from policyd_audit.errors import Malformed
from policyd_audit.layout import (
    ENTRIES,
    Resource,
    bundle,
    hashes_of,
    parse_path,
    resource_at,
    resources,
    unbundle,
)

PATHS = [
    (Resource(0, 0, 256), "tile/0/000"),
    (Resource(0, 5, 256), "tile/0/005"),
    (Resource(0, 999, 256), "tile/0/999"),
    (Resource(0, 1000, 256), "tile/0/x001/000"),
    (Resource(0, 1_234_067, 256), "tile/0/x001/x234/067"),
    (Resource(2, 0, 1), "tile/2/000.p/1"),
    (Resource(63, 0, 255), "tile/63/000.p/255"),
    (Resource(ENTRIES, 255, 253), "tile/entries/255.p/253"),
    (Resource(ENTRIES, 123_456_789, 256), "tile/entries/x123/x456/789"),
]


@pytest.mark.parametrize(("resource", "path"), PATHS)
def test_a_resource_has_one_path(resource: Resource, path: str) -> None:
    """A path is written and read as the specification has it."""
    assert resource.path == path
    assert parse_path(path) == resource


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001/x234/x067",
        "tile/0/1234",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/x001/x001/x001/x001/x001/x001/001",
        "/tile/0/000",
        "tile/0/../000",
    ],
)
def test_no_other_spelling_is_a_path(path: str) -> None:
    """What is not the one spelling of a resource leads nowhere."""
    assert parse_path(path) is None


def test_a_log_of_70000_records_has_the_tiles_of_the_specification() -> None:
    """Its example: 273 full tiles of level 0, and these partial ones."""
    found = list(resources(70_000))
    assert len([each for each in found if each.level == 0 and each.width == 256]) == 273
    assert [each.path for each in found if each.width < 256] == [
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert "tile/1/000" in {each.path for each in found}


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/entries/000.p/1", "tile/0/000.p/1"]),
        (256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]),
    ],
)
def test_nothing_empty_is_served(size: int, paths: list[str]) -> None:
    """There are no empty tiles, and none of a level that has no hash."""
    assert [each.path for each in resources(size)] == paths
    for each in resources(size):
        assert resource_at(size, each.level, each.number) == each
        assert resource_at(size, each.level, each.number + 1) is None


def test_what_holds_no_new_record_can_be_left_out() -> None:
    """From record 512 on, no resource is named that a log of 512 records had in full."""
    assert [each.path for each in resources(600, first=512)] == [
        "tile/entries/002.p/88",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    ]


def test_a_bundle_gives_its_records_back() -> None:
    """Records of any bytes and length up to the format's bound come out as they went in."""
    records = [b"", b"a", b"\x00\x01", b"x" * 65_535]
    data = bundle(records)
    assert data[:5] == b"\x00\x00\x00\x01a"
    assert unbundle(data, Resource(ENTRIES, 7, 4)) == records


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it ends after 0 records"),
        (b"\x00\x01a\x00", "it ends after 1 records"),
        (b"\x00\x01a\x00\x02b", "it ends within its last record"),
        (b"\x00\x01a\x00\x01b\x00", "there are bytes after them"),
    ],
)
def test_a_broken_bundle_is_malformed(data: bytes, why: str) -> None:
    """It has as many records as it should, and nothing else; the message names it."""
    with pytest.raises(Malformed) as caught:
        unbundle(data, Resource(ENTRIES, 3, 2))
    assert caught.value.code == "bundle-malformed"
    assert caught.value.message == f"`tile/entries/003.p/2` is not 2 records: {why}"
    assert caught.value.facts == {"tile": "tile/entries/003.p/2"}


def test_a_tile_of_another_length_is_malformed() -> None:
    """A tile has as many hashes as it should."""
    tile = Resource(1, 0, 2)
    assert hashes_of(b"x" * 64, tile) == b"x" * 64
    with pytest.raises(Malformed, match=r"`tile/1/000\.p/2` is not 2 hashes: it has 65 bytes"):
        hashes_of(b"x" * 65, tile)
