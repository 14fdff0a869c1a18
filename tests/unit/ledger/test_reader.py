"""The reader: finds by id and by time without an index, and never holds the writer up."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.reader import Reader
from policyd.ledger.record import Admin, encode, id_of, stamped, time_of
from policyd.ledger.stamp import Stamp, Stamper, moment, uuid7
from policyd.ledger.store import Store, Tuning
from policyd.ledger.view import Found
from policyd.model.errors import LedgerUnavailable
from policyd_audit.layout import ENTRIES, Resource, bundle, resources
from policyd_audit.proof import check_inclusion, perfect_root
from policyd_audit.tree import Tree, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from policyd.ledger.signing import Signer
    from tests.unit.ledger.conftest import Clock, Entropy


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    """A reader of the test's ledger."""
    made = Reader(path)
    yield made
    made.close()


def test_every_record_is_found_by_its_id(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]]
) -> None:
    """Whatever its place in the log, a record's id leads to it."""
    leaves = records(300)
    store.append(leaves)
    for seq, leaf in enumerate(leaves):
        assert reader.record_by_id(id_of(leaf)) == Found(seq, leaf)


def test_records_of_one_millisecond_are_told_apart(
    store: Store, reader: Reader, clock: Clock, entropy: Entropy
) -> None:
    """Many records of one moment, and items of one batch, are each found by their own id."""
    stamper = Stamper(None, clock, entropy)
    stamps = [stamper.draw() for _ in range(20)]
    first = stamps[7]
    stamps[8:10] = [Stamp(first.at, first.ts, f"{first.id}/{n}", "0" * 32) for n in range(2)]
    leaves = [encode(Admin(**stamped(each), act="a", target="t", by="b")) for each in stamps]
    store.append(leaves)
    found = [reader.record_by_id(each.id) for each in stamps]
    assert found == [Found(*each) for each in enumerate(leaves)]


def test_an_id_that_nobody_has_is_not_found(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]], clock: Clock
) -> None:
    """An id of another time, or of the same millisecond, or none at all, finds nothing."""
    assert reader.record_by_id(uuid7(clock(), bytes(10))) is None
    leaves = records(20)
    store.append(leaves)
    middle = moment(time_of(leaves[9]))
    for at in (middle, middle + timedelta(hours=1), middle - timedelta(hours=1)):
        assert reader.record_by_id(uuid7(at, bytes(10))) is None
    for text in ("", "x", "'; drop table leaf", id_of(leaves[9]) + "/0", id_of(leaves[9])[:-1]):
        assert reader.record_by_id(text) is None


def test_looking_for_what_is_not_there_is_cheap(
    store: Store, path: Path, records: Callable[[int], list[bytes]]
) -> None:
    """An id that nobody has costs no walk through the log: it is where it would be, or nowhere."""
    leaves = records(3000)
    for start in range(0, 3000, 500):
        store.append(leaves[start : start + 500])
    nobody = uuid7(moment(time_of(leaves[5])), bytes(10))
    # The clock moves on each time SQLite has worked for a while, which it may do twice.
    with closing(Reader(path, seconds=2, clock=itertools.count().__next__)) as reader:
        assert reader.record_by_id(nobody) is None


def test_pages_run_through_the_log(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]]
) -> None:
    """Following the cursor gives every record once, in either direction."""
    leaves = records(25)
    store.append(leaves)
    for newest_first in (True, False):
        seen: list[Found] = []
        cursor = None
        for _ in range(3):
            found = reader.page(limit=10, cursor=cursor, newest_first=newest_first)
            seen += found.records
            cursor = found.cursor
        assert cursor is None
        expected = [Found(*each) for each in enumerate(leaves)]
        assert seen == (expected[::-1] if newest_first else expected)


def test_a_cursor_is_not_moved_by_new_records(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]]
) -> None:
    """What is recorded between two pages neither repeats nor hides a record."""
    store.append(records(4))
    first = reader.page(limit=2)
    store.append(records(4))
    second = reader.page(limit=2, cursor=first.cursor)
    assert [found.seq for found in (*first.records, *second.records)] == [3, 2, 1, 0]
    assert (first.size, second.size, second.cursor) == (4, 8, None)


@pytest.mark.parametrize(
    ("after", "before", "seqs"),
    [
        (None, None, [0, 1, 2, 3, 4]),
        (2, None, [2, 3, 4]),
        (None, 2, [0, 1]),
        (1, 3, [1, 2]),
        (2, 2, []),
        (3, 1, []),
        (9, None, []),
        (None, -1, []),
        (-9, 9, [0, 1, 2, 3, 4]),
    ],
)
def test_pages_are_cut_by_time(
    after: int | None,
    before: int | None,
    seqs: list[int],
    store: Store,
    reader: Reader,
    records: Callable[[int], list[bytes]],
) -> None:
    """A page has what is not older than `after` and is older than `before`."""
    leaves = records(5)
    store.append(leaves)
    start = moment(time_of(leaves[0]))

    def at(place: int | None) -> datetime | None:
        return None if place is None else start + timedelta(milliseconds=place)

    page = reader.page(limit=9, after=at(after), before=at(before), newest_first=False)
    assert ([found.seq for found in page.records], page.cursor) == (seqs, None)


def test_an_empty_log_has_an_empty_page(store: Store, reader: Reader) -> None:
    """A log without records is no error."""
    assert store.size == 0
    assert reader.page(limit=5) == ([], None, 0)


def test_the_state_is_that_of_the_last_commit(
    store: Store, reader: Reader, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """Size, root and checkpoint belong to each other."""
    store.append(records(7))
    state = reader.state()
    assert state.size == 7
    assert state.note == signer.checkpoint(7, state.root)


def test_reading_never_holds_the_writer_up(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """While a reader is in the middle of its look, batches are committed as ever."""
    store = Store(path, signer, Tuning(busy_ms=0))
    store.append(records(100))
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as looking:
        rows = looking.execute("select seq from leaf order by seq")
        assert next(rows) == (0,)
        for _ in range(20):
            store.append(records(10))
            store.tidy()
        assert len(list(rows)) == 99
    store.close()


def test_many_threads_may_look(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]]
) -> None:
    """One reader serves many threads at a time, while the log grows."""
    leaves = records(200)
    store.append(leaves)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(reader.record_by_id, map(id_of, leaves))
        store.append(records(50))
        assert [each and each.seq for each in found] == list(range(200))


def test_a_look_that_takes_too_long_is_ended(
    store: Store, path: Path, records: Callable[[int], list[bytes]]
) -> None:
    """A look-up has its time, after which it ends and says so; the next one has its own."""
    store.append(records(2000))
    ticks = itertools.chain([0.0], itertools.repeat(9.0))
    reader = Reader(path, seconds=2, clock=lambda: next(ticks))
    with pytest.raises(LedgerUnavailable, match="took longer than 2 s: ask for less") as caught:
        reader.page(limit=2000)
    assert caught.value.code == "audit-unavailable"
    assert len(reader.page(limit=2000).records) == 2000
    reader.close()


@pytest.mark.parametrize("content", [b"no database" * 1000, b"", None])
def test_what_cannot_be_read_is_unavailable(content: bytes | None, tmp_path: Path) -> None:
    """A file that is damaged or gone is an error that says so, not an empty log."""
    if content is not None:
        (tmp_path / "ledger.db").write_bytes(content)
    reader = Reader(tmp_path / "ledger.db")
    with pytest.raises(LedgerUnavailable, match=r"ledger\.db"):
        reader.state()


@pytest.mark.parametrize(
    "sql",
    [
        "update leaf set leaf = x'00'",
        "update leaf set leaf = 'text'",
        "delete from leaf where seq = 1",
        "delete from state",
        "drop table leaf",
    ],
)
def test_damage_on_the_way_is_unavailable(
    sql: str, store: Store, path: Path, records: Callable[[int], list[bytes]]
) -> None:
    """Damage that a search comes upon is said to be, and is no wrong answer."""
    leaves = records(3)
    store.append(leaves)
    store.close()
    with closing(apsw.Connection(str(path))) as db:
        db.execute(sql)
    with closing(Reader(path)) as reader, pytest.raises(LedgerUnavailable, match="is damaged"):
        reader.record_by_id(id_of(leaves[1]))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_every_resource_of_the_log_is_read(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]], size: int
) -> None:
    """Tiles and bundles hold what the records make of them, and nothing beyond the log is there."""
    leaves = records(size)
    store.append(leaves[:500])
    store.append(leaves[500:] or records(1))
    hashes = [leaf_hash(leaf) for leaf in leaves]
    full = {(level, n): data for level, n, data in Tree().extend(hashes)}
    roots = [perfect_root(hashes[at : at + 256]) for at in range(0, size - 255, 256)]
    for each in resources(size):
        first = each.number * 256
        if each.is_entries:
            wanted = bundle(leaves[first : first + each.width])
        else:
            wanted = b"".join((roots if each.level else hashes)[first : first + each.width])
        assert reader.content(each) == wanted
        assert full.get((each.level, each.number), wanted) == wanted
    assert reader.content(Resource(0, 0, 256)) is None or store.size >= 256
    assert reader.content(Resource(ENTRIES, 9, 1)) is None


def test_proofs_lead_to_the_root_of_any_size(
    store: Store, reader: Reader, records: Callable[[int], list[bytes]]
) -> None:
    """Also of a size that the log had earlier."""
    leaves = records(600)
    store.append(leaves[:512])
    store.append(leaves[512:])
    tree = Tree()
    for size, leaf in enumerate(leaves[:520], 1):
        tree.extend([leaf_hash(leaf)])
        if size in {1, 2, 255, 256, 257, 511, 512, 520}:
            assert reader.root(size) == tree.root()
            for index in {0, size // 2, size - 1}:
                found = reader.inclusion(index, size)
                assert found.leaf_hash == leaf_hash(leaves[index])
                check_inclusion(index, size, found.leaf_hash, found.path, tree.root())


@pytest.mark.parametrize(
    ("damage", "resource"),
    [
        ("delete from leaf where seq = 3", Resource(ENTRIES, 0, 256)),
        ("delete from leaf where seq = 513", Resource(0, 2, 3)),
        ("update leaf set hash = x'00' where seq = 513", Resource(0, 2, 3)),
        ("delete from tile where n = 1", Resource(0, 1, 256)),
        ("update tile set data = x'00' where n = 1", Resource(1, 0, 2)),
    ],
)
def test_a_damaged_log_serves_nothing_wrong(
    store: Store,
    path: Path,
    reader: Reader,
    records: Callable[[int], list[bytes]],
    damage: str,
    resource: Resource,
) -> None:
    """What is missing or has another length is said to be damage; it is not papered over."""
    store.append(records(500))
    store.append(records(20))
    store.close()
    with closing(apsw.Connection(str(path))) as db:
        db.execute(damage)
    with pytest.raises(LedgerUnavailable, match="it is damaged"):
        reader.content(resource)
