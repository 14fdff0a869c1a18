"""Cold: what has left the ledger's file is found, listed and served as if it were still there."""

from __future__ import annotations

import json
import os
import shutil
import signal
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from policyd.ledger.cold import Cold
from policyd.ledger.forgetting import Forgetting
from policyd.ledger.reader import Reader
from policyd.ledger.sealing import Sealer
from policyd.ledger.shelf import Shelf
from policyd.ledger.stamp import moment
from policyd.ledger.store import Store, create
from policyd.model.errors import LedgerUnavailable, RecordsLost
from policyd_audit.layout import ENTRIES, Resource, bundle
from tests.unit.ledger.conftest import Clock, Entropy, making

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from policyd.ledger.signing import Signer


@pytest.fixture
def leaves(store: Store, records: Callable[[int], list[bytes]]) -> list[bytes]:
    """The records of four segments and a bit, which are in the ledger."""
    made = records(1100)
    for first in range(0, 1100, 275):
        store.append(made[first : first + 275])
    return made


@pytest.fixture(scope="module")
def forgotten_once(
    tmp_path_factory: pytest.TempPathFactory, signer: Signer
) -> tuple[Path, list[bytes]]:
    """A folder with a ledger of four segments and a bit, three of which have left its file."""
    path = tmp_path_factory.mktemp("forgotten") / "ledger.db"
    create(path, signer)
    made = making(Clock(), Entropy())(1100)
    shelf = Shelf(path.parent, level=1)
    with closing(Store(path, signer)) as store, closing(Reader(path)) as reader:
        store.append(made)
        assert [each.did for each in Sealer(shelf, reader, signer).run()] == ["sealed"] * 4
        forget(store, shelf, 0, 1, 2)
        assert store.kept_from == 768
    return path.parent, made


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path, signer: Signer) -> Path:
    """The test's ledger: an empty one, or a copy of that of which segments are forgotten."""
    if "forgotten" in request.fixturenames:
        folder, _ = request.getfixturevalue("forgotten_once")
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    else:
        create(tmp_path / "ledger.db", signer)
    return tmp_path / "ledger.db"


@pytest.fixture
def forgotten(forgotten_once: tuple[Path, list[bytes]]) -> list[bytes]:
    """The records of a log of which the first three segments have left the ledger's file."""
    return forgotten_once[1]


@pytest.fixture
def whole(path: Path, shelf: Shelf, signer: Signer, forgotten: list[bytes]) -> Iterator[Reader]:
    """A reader of ledger and segments."""
    assert forgotten
    with closing(Cold(shelf, signer)) as cold, closing(Reader(path, cold)) as made:
        yield made


def forget(store: Store, shelf: Shelf, *numbers: int) -> None:
    """Let the records of these segments leave the ledger's file."""
    forgetting = Forgetting(store, shelf, store.signer)
    for number in numbers:
        assert forgetting.order(number) is None
        while forgetting.is_pending:
            forgetting.step()


def text(leaf: bytes, member: str) -> str:
    """A member of a record."""
    value: str = json.loads(leaf)[member]
    return value


def test_every_bundle_is_served_from_wherever_it_is(whole: Reader, forgotten: list[bytes]) -> None:
    """Full and partial bundles, sealed or not, have the very bytes."""
    for number in range(4):
        first = number * 256
        full = whole.content(Resource(ENTRIES, number, 256))
        assert full == bundle(forgotten[first : first + 256])
    assert whole.content(Resource(ENTRIES, 1, 7)) == bundle(forgotten[256:263])
    assert whole.content(Resource(ENTRIES, 4, 76)) == bundle(forgotten[1024:])
    assert whole.content(Resource(ENTRIES, 4, 77)) is None


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 767, 768, 769, 1099])
def test_every_record_is_found_by_its_id(index: int, whole: Reader, forgotten: list[bytes]) -> None:
    """On either side of every border."""
    assert whole.record_by_id(text(forgotten[index], "id")) == (index, forgotten[index])


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_go_on_across_the_borders(
    newest_first: bool, whole: Reader, forgotten: list[bytes]
) -> None:
    """All records in order, in pages that end anywhere."""
    found, cursor = [], None
    while True:
        page = whole.page(limit=170, cursor=cursor, newest_first=newest_first)
        found += page.records
        assert page.lost == ()
        if page.cursor is None:
            break
        cursor = page.cursor
    expected = list(enumerate(forgotten))
    assert found == (expected[::-1] if newest_first else expected)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 5), (250, 260), (500, 900), (767, 769), (1000, 1100)]
)
def test_times_are_found_across_the_borders(
    low: int, high: int, whole: Reader, forgotten: list[bytes]
) -> None:
    """A stretch of time has the records of that time, sealed or not."""
    after = moment(text(forgotten[low], "ts"))
    before = moment(text(forgotten[high - 1], "ts")) + timedelta(microseconds=1)
    page = whole.page(limit=1000, after=after, before=before, newest_first=False)
    assert [found.seq for found in page.records] == list(range(low, high))


def test_proofs_need_no_leaves(whole: Reader, forgotten: list[bytes]) -> None:
    """The tree's hashes stay, so a forgotten record is proved as before."""
    assert whole.inclusion(3, len(forgotten)).leaf_hash
    assert whole.root(300)


def flipped(shelf: Shelf) -> None:
    """Change a byte of the second segment."""
    data = bytearray(shelf.file(1).read_bytes())
    data[len(data) // 2] ^= 1
    shelf.file(1).write_bytes(data)


def swapped(shelf: Shelf) -> None:
    """Put another segment in the place of the second one."""
    shelf.file(1).write_bytes(shelf.file(2).read_bytes())


def deleted(shelf: Shelf) -> None:
    """Take the second segment away."""
    shelf.file(1).unlink()


@pytest.mark.parametrize("damage", [flipped, swapped, deleted])
def test_a_lost_segment_is_named_and_the_rest_goes_on(
    damage: Callable[[Shelf], None], whole: Reader, shelf: Shelf, forgotten: list[bytes]
) -> None:
    """Its bundle and records say where they were; all others are served; a good copy heals it."""
    copy = shelf.file(1).read_bytes()
    damage(shelf)
    told = r"records 256 to 511 cannot be read from `segment-000001.parquet` .*put a good copy"
    with pytest.raises(RecordsLost, match=told):
        whole.content(Resource(ENTRIES, 1, 256))
    with pytest.raises(RecordsLost, match=told):
        whole.record_by_id(text(forgotten[300], "id"))
    assert whole.record_by_id(text(forgotten[600], "id")) == (600, forgotten[600])
    for newest_first in (True, False):
        page = whole.page(limit=1100, newest_first=newest_first)
        assert page.lost == (range(256, 512),)
        assert {found.seq for found in page.records} == {*range(256), *range(512, 1100)}
    shelf.file(1).write_bytes(copy)
    assert whole.record_by_id(text(forgotten[300], "id")) == (300, forgotten[300])


def test_a_lost_manifest_costs_only_its_own_records(
    whole: Reader, shelf: Shelf, forgotten: list[bytes]
) -> None:
    """Times are then found around the segment, and its records still read from the file."""
    shelf.manifest(1).unlink()
    for index in (255, 300, 512, 767):
        assert whole.record_by_id(text(forgotten[index], "id")) == (index, forgotten[index])


def test_without_segments_at_hand_sealed_records_are_told_apart(
    reader: Reader, forgotten: list[bytes]
) -> None:
    """A reader of the file alone says that they are sealed, not that there are none."""
    assert forgotten
    with pytest.raises(RecordsLost, match="records 0 to 255 are in sealed segments"):
        reader.content(Resource(ENTRIES, 0, 256))


def test_a_reader_that_is_killed_is_started_again(
    path: Path, shelf: Shelf, signer: Signer, forgotten: list[bytes]
) -> None:
    """One question fails with a way out; the next is answered."""
    with closing(Cold(shelf, signer)) as cold, closing(Reader(path, cold)) as whole:
        assert whole.content(Resource(ENTRIES, 0, 256))
        assert cold.pid is not None
        os.kill(cold.pid, signal.SIGKILL)
        with pytest.raises(LedgerUnavailable, match="try again in a moment"):
            whole.content(Resource(ENTRIES, 0, 256))
        assert whole.content(Resource(ENTRIES, 0, 256)) == bundle(forgotten[:256])


REFUSED = [
    pytest.param(1, "", "is not the one with the oldest records", id="not-the-oldest"),
    pytest.param(0, "manifest", "has no manifest", id="no-manifest"),
    pytest.param(0, "file", "is missing", id="no-file"),
]


@pytest.mark.parametrize(("number", "missing", "why"), REFUSED)
def test_nothing_is_forgotten_that_no_good_segment_has(
    number: int,
    missing: str,
    why: str,
    leaves: list[bytes],
    sealer: Sealer,
    store: Store,
    shelf: Shelf,
) -> None:
    """The writer looks for itself, and says why it does not."""
    assert leaves
    assert list(sealer.run())
    if missing:
        getattr(shelf, missing)(0).unlink()
    forgetting = Forgetting(store, shelf, store.signer)
    assert why in (forgetting.order(number) or "")
    assert not forgetting.is_pending
    assert store.kept_from == 0


def test_the_last_records_stay(
    store: Store, records: Callable[[int], list[bytes]], sealer: Sealer, shelf: Shelf, path: Path
) -> None:
    """Every start holds the last 256 to the tree, so they are never forgotten."""
    store.append(records(512))
    assert list(sealer.run())
    forget(store, shelf, 0, 1)
    assert store.kept_from == 256
    store.close()
    assert type(store)(path, store.signer).size == 512


def test_a_segment_below_an_index_is_removed_whole(shelf: Shelf, forgotten: list[bytes]) -> None:
    """Pruning takes those segments whose every record is below the index, and no other."""
    assert forgotten
    assert shelf.remove_below(511) == [0]
    assert shelf.remove_below(512) == [1]
    assert shelf.numbers() == [2, 3]
