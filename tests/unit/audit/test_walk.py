"""The walk over the records: what it finds, and where it puts the blame."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from policyd_audit.ledger_file import LedgerFile
from policyd_audit.report import MAX_FINDINGS, Report
from policyd_audit.sharing import screened
from policyd_audit.verify import verify
from tests.unit.audit.conftest import VKEY

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]
Of = Callable[..., "Ledger"]

SIZE = 300  # one full tile, then subtrees of 32, 8 and 4 records
LARGE = 65_800  # one full tile of tiles, then one more
ID_41 = "019b76da-a829-73d9-814f-9348c9cc0ff8"
ROOT_DIFFERS = "checkpoint: the 300 records do not add up to the root it states"


def codes(report: Report) -> list[str]:
    """The codes of what was found, in order."""
    return [finding.code for finding in report.findings]


def messages(report: Report) -> list[str]:
    """What was found, in words."""
    return [finding.message for finding in report.findings]


def test_one_changed_byte_names_the_record(new_ledger: New) -> None:
    """A record that was changed is named with its number and id, and nothing else is blamed."""
    ledger = new_ledger(SIZE)
    ledger.change(
        "update leaf set leaf = cast(replace(leaf, 'deny', 'denY') as blob) where seq = 41"
    )
    report = ledger.verify()
    assert messages(report) == [
        f"record 41 (id `{ID_41}`): the bytes do not match their leaf hash",
        ROOT_DIFFERS,
    ]
    assert report.findings[0].facts == {"record": 41, "id": ID_41}
    assert (report.signature, report.records_match) == ("good", False)


@pytest.mark.parametrize(
    "damage",
    [
        "update leaf set hash = zeroblob(32) where seq = 41",
        "update leaf set hash = x'' where seq = 41",
        "update leaf set hash = 'text' where seq = 41",
        "update leaf set hash = cast(hash as text) where seq = 41",
    ],
)
def test_a_changed_hash_leaves_the_records_right(new_ledger: New, damage: str) -> None:
    """Where only a stored hash was changed, the records still match what was signed."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    report = ledger.verify()
    assert codes(report) == ["record-hash"]
    assert report.records_match


def test_a_record_that_is_no_blob_is_named(new_ledger: New) -> None:
    """A record stored as text is none, even if the text is the same."""
    ledger = new_ledger(SIZE)
    ledger.change("update leaf set leaf = cast(leaf as text) where seq = 41")
    assert messages(ledger.verify()) == ["record 41: it is not stored as a blob", ROOT_DIFFERS]


def test_a_record_forged_with_its_hash_is_named_by_its_tile(new_ledger: New) -> None:
    """Where a record and its leaf hash fit each other, the tile still tells which one it was."""
    ledger = new_ledger(SIZE)
    ledger.forge(41)
    report = ledger.verify()
    assert messages(report) == [
        f"tile 0/0 does not match record 41 (id `{ID_41}`) at position 41",
        ROOT_DIFFERS,
    ]
    assert report.findings[0].facts == {"tile": "0/0", "position": 41, "positions": 1}


@pytest.mark.parametrize(
    ("size", "seq", "place"),
    [
        (SIZE, 260, "records 256 to 287"),
        (SIZE, 299, "records 296 to 299"),
        (257, 256, "record 256"),
    ],
)
def test_a_record_forged_with_its_hash_is_named_by_its_subtree(
    new_ledger: New, size: int, seq: int, place: str
) -> None:
    """Where no tile is full yet, the tree state still tells the smallest range of records."""
    ledger = new_ledger(size)
    ledger.forge(seq)
    assert messages(ledger.verify()) == [
        f"tree state: another hash is kept for {place}",
        f"checkpoint: the {size} records do not add up to the root it states",
    ]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("delete from leaf where seq = 0", ["record 0 is missing"]),
        ("delete from leaf where seq = 41", ["record 41 is missing"]),
        ("delete from leaf where seq in (41, 42)", ["records 41 to 42 are missing"]),
        ("delete from leaf where seq = 299", ["record 299 is missing"]),
        ("delete from leaf where seq >= 100", ["records 100 to 299 are missing"]),
        ("delete from leaf", ["records 0 to 299 are missing"]),
        (
            "delete from leaf where seq in (4, 280)",
            ["record 4 is missing", "record 280 is missing"],
        ),
    ],
)
def test_dropped_records_are_named(new_ledger: New, damage: str, expected: list[str]) -> None:
    """Records taken out, in the middle or from the end, are named and nothing else is blamed."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    report = ledger.verify()
    assert messages(report) == [*expected, ROOT_DIFFERS]
    assert set(codes(report)[:-1]) == {"record-missing"}


def test_swapped_records_are_named(new_ledger: New) -> None:
    """Records that changed places are named, by time and by tile."""
    ledger = new_ledger(SIZE)
    ledger.change("update leaf set seq = -1 where seq = 41")
    ledger.change("update leaf set seq = 41 where seq = 42")
    ledger.change("update leaf set seq = 42 where seq = -1")
    report = ledger.verify()
    assert codes(report) == ["record-time", "tile-differs", "root-differs"]
    assert f"record 42 (id `{ID_41}`) at position 42" in report.findings[1].message


@pytest.mark.parametrize(
    ("seq", "why"),
    [
        (300, "there should be 300 records only"),
        (2**63 - 1, "there should be 300 records only"),
        (-1, "its number is out of order"),
    ],
)
def test_a_record_that_does_not_belong_is_named(new_ledger: New, seq: int, why: str) -> None:
    """Records beyond the checkpoint, or before the first, are no part of the log."""
    ledger = new_ledger(SIZE)
    ledger.change("insert into leaf values(?, x'7b7d', x'00')", seq)
    report = ledger.verify()
    assert messages(report) == [f"record {seq}: {why}"]
    assert report.records_match


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("delete from tile", "tile 0/0 is missing"),
        ("update tile set data = zeroblob(8191)", "tile 0/0 is not a blob of 8,192 bytes"),
    ],
)
def test_a_missing_tile_is_named(new_ledger: New, damage: str, why: str) -> None:
    """A tile that is not there, or is none, is named; the records are right without it."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    report = ledger.verify()
    assert messages(report) == [why]
    assert report.records_match


def test_a_changed_tile_is_named_by_its_positions(new_ledger: New) -> None:
    """A changed tile is named by the records it differs from, the first eight of them."""
    ledger = new_ledger(SIZE)
    data = bytearray(ledger.blob("select data from tile"))
    data[32 * 255] ^= 1
    ledger.change("update tile set data = ?", bytes(data))
    report = ledger.verify()
    assert messages(report)[0].startswith("tile 0/0 does not match record 255 (id ")
    assert report.findings[0].facts == {"tile": "0/0", "position": 255, "positions": 1}
    assert (codes(report), report.records_match) == (["tile-differs"], True)
    ledger.change("update tile set data = zeroblob(8192)")
    (message,) = messages(ledger.verify())
    assert message.count("record") == 8
    assert message.endswith(" at position 7 and 248 more")


def test_a_record_forged_with_hash_and_tile_is_named_by_the_tile_above(new_ledger: New) -> None:
    """Where even the tile was made to fit, the tile above tells the 256 records it lies in."""
    ledger = new_ledger(LARGE)
    ledger.forge(800)
    tile = bytearray(ledger.blob("select data from tile where level = 0 and n = 3"))
    tile[32 * 32 : 33 * 32] = ledger.blob("select hash from leaf where seq = 800")
    ledger.change("update tile set data = ? where level = 0 and n = 3", bytes(tile))
    ledger.change("update leaf set hash = zeroblob(32) where seq = 65700")
    report = ledger.verify()
    assert messages(report)[0] == "tile 1/0 does not match records 768 to 1023 at position 3"
    assert messages(report)[1].startswith("record 65700 (id ")
    assert codes(report)[2:] == ["root-differs"]


@pytest.mark.no_cover  # what it reaches, other tests reach in less time
def test_tiles_above_those_that_others_looked_at_are_held_to_the_tree(new_ledger: New) -> None:
    """Whole tiles are taken by their hash; what is stored above them must be made of these."""
    ledger = new_ledger(LARGE)
    ledger.change("update tile set data = zeroblob(8192) where level = 1")
    with LedgerFile(ledger.path) as evidence:
        report = verify(evidence, vkey=VKEY, screen=partial(screened, processes=2))
    assert codes(report) == ["tile-differs"]
    assert report.findings[0].facts == {"tile": "1/0", "position": 0, "positions": 256}


@pytest.mark.no_cover  # what it reaches, other tests reach in less time
def test_what_a_finding_explains_is_not_reported_again(new_ledger: New) -> None:
    """One changed record among many is one finding, though all tiles above it differ too."""
    ledger = new_ledger(LARGE)
    ledger.change("update leaf set leaf = x'7b7d' where seq = 800")
    assert codes(ledger.verify()) == ["record-hash", "root-differs"]


def test_more_missing_records_than_can_be_bridged_end_the_walk(new_ledger: New) -> None:
    """A gap of any length ends in a finding, and the walk does not claim to be complete."""
    ledger = new_ledger(LARGE)
    ledger.change("delete from leaf where seq > 40 and seq <= 65600")
    ledger.change("delete from leaf where seq = 7")
    report = ledger.verify()
    assert messages(report) == [
        "record 7 is missing",
        "records 41 to 65600 are missing; what follows was not checked",
    ]
    assert report.root is None


def test_findings_beyond_the_first_hundred_are_counted(new_ledger: New) -> None:
    """A ledger where everything is wrong gives a report that can be read."""
    ledger = new_ledger(SIZE)
    ledger.change("update leaf set hash = zeroblob(32)")
    report = ledger.verify()
    assert len(report.findings) == MAX_FINDINGS
    assert report.more == SIZE - MAX_FINDINGS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}, {"ts": "2025-12-31T23:59:59.999999Z"}], ["record-time", "record-time"]),
        ([{}, {}, {"ts": "2026-01-01T00:00:00.001999Z"}], ["record-time"]),
        ([{}, {"ts": "2026-01-01T00:00:00.009000Z"}, {}, {}], 3 * ["record-time"]),
        ([{}, {}, {"id": "019b76da-a801-7000-8000-000000000000"}], ["record-time"]),
        ([{"kind": "query"}, {}], ["record-epoch"]),
        ([{"origin": "policyd.example/audit/2"}, {}], ["record-epoch"]),
        ([{"origin": 3}], ["record-epoch"]),
        ([{}, {"v": 2}, {"kind": "other"}, {}], ["record-malformed", "record-malformed"]),
        ([{}, b"not JSON"], ["record-malformed"]),
        ([{}, b""], ["record-malformed"]),
    ],
)
def test_records_that_were_wrong_when_they_were_signed_are_named(
    ledger_of: Of, changes: list[dict[str, object] | bytes], expected: list[str]
) -> None:
    """A signature does not make a good record of one that breaks the format or the order."""
    report = ledger_of(*changes).verify()
    assert codes(report) == expected
    assert report.records_match


def test_a_time_may_stand_still(ledger_of: Of) -> None:
    """Records of one batch have the same time and an id of that millisecond."""
    same: dict[str, object] = {"ts": "2026-01-01T00:00:00.001000Z"}
    first: dict[str, object] = same | {"id": "019b76da-a801-7000-8000-000000000000/0"}
    second: dict[str, object] = same | {"id": "019b76da-a801-7000-8000-000000000000/1"}
    assert ledger_of({}, first, second).verify().holds


def test_a_malformed_record_is_named_with_its_reason(ledger_of: Of) -> None:
    """The message says which record, which member, and what it should be."""
    report = ledger_of({}, {"caller": {"key": "k"}}).verify()
    record_id = report.findings[0].facts["id"]
    assert messages(report) == [
        f"record 1 (id `{record_id}`): not a record v1: `caller.address` is missing"
    ]
