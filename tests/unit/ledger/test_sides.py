"""What is kept beside the log comes and goes with the records of it, and leaves no trace."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.frames import Aside, Disclosure, Erase, Hold, Prune, Release, Sweep
from policyd.ledger.reader import Reader
from policyd.ledger.sides import disclosure_id
from policyd.ledger.store import Store
from policyd.model.errors import DataFolderError, Gone, LedgerUnavailable
from policyd_audit.disclosure import act_of
from policyd_audit.layout import ENTRIES, Resource
from tests.disclosures import disclosure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.signing import Signer

    Records = Callable[[int], list[bytes]]


def secret(seq: int, number: int) -> bytes:
    """A disclosure that is found nowhere else."""
    return disclosure(f"salt{seq}", "purpose", f"secret-{seq}-{number}-{'x' * (seq % 50)}.")


def fill(store: Store, records: Records, count: int, *, each: int = 2) -> None:
    """Append records, with so many disclosures each."""
    for start in range(store.size, store.size + count, 100):
        some = records(min(100, count))
        beside = tuple(
            Disclosure(at, number, secret(start + at, number))
            for at in range(len(some))
            for number in range(each)
        )
        store.append(some, [(0, Aside(beside))])


def act(store: Store, records: Records, done: Erase | Hold | Release | Prune) -> int:
    """Append the record of an act, and do it; the number of the record."""
    store.append(records(1), [(0, Aside(act=done))])
    return store.size - 1


def test_disclosures_are_read_by_record(store: Store, records: Records) -> None:
    """Each record has its own, in order."""
    fill(store, records, 300)
    with closing(Reader(store.path)) as reader:
        found = reader.disclosures([0, 150, 299, 300])
        assert found[150] == (secret(150, 0), secret(150, 1))
        assert found[300] == ()
        assert reader.standing(150)[1] == (disclosure_id(150, 1), secret(150, 1))
        (one,) = reader.disclosures_with(100, 200, b"secret-150-1-")
        assert one == (150, secret(150, 1))
        assert reader.disclosures_with(151, 300, b"secret-150-") == []


def test_what_goes_beside_a_record_in_the_middle_of_a_batch(store: Store, records: Records) -> None:
    """Frames that are committed together keep what is theirs."""
    some = records(5)
    asides = [(at, Aside((Disclosure(0, 0, secret(at, 0)),))) for at in (1, 3)]
    store.append(some, asides)
    with closing(Reader(store.path)) as reader:
        found = reader.disclosures(range(5))
    assert [len(found[at]) for at in range(5)] == [0, 1, 0, 1, 0]
    assert found[3] == (secret(3, 0),)


def test_nothing_erased_is_left_in_the_files(
    path: Path, signer: Signer, records: Records, tmp_path: Path
) -> None:
    """Of what was erased or pruned no file has a byte, whatever was done before and after."""
    with closing(Store(path, signer)) as store, closing(Reader(path)) as reader:
        fill(store, records, 1000)
        pruning = act(store, records, Prune(512))
        for _ in range(10):
            store.append([], [(0, Aside(act=Sweep(60)))])
        assert reader.lowest() == reader.first() == 512
        gone = [*range(512, 1000, 3), 513, 514, 999]
        for start in range(0, len(gone), 20):
            ids = tuple(disclosure_id(seq, 1) for seq in gone[start : start + 20])
            erasing = act(store, records, Erase(ids))
        fill(store, records, 10)
        files = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        left = [seq for seq in range(512) if b"secret-%d-" % seq in files]
        left += [seq for seq in gone if b"secret-%d-1-" % seq in files]
        assert left == []
        assert all(b"secret-%d-0-" % seq in files for seq in range(512, 1000))
        assert act_of(reader.disclosures([999])[999][1]) == erasing > pruning


def test_a_reader_holds_the_wiping_up_for_a_while(store: Store, records: Records) -> None:
    """What somebody reads at that moment goes from the WAL once they are done."""
    fill(store, records, 5)
    wal = store.path.with_name("ledger.db-wal")
    with closing(apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)) as reading:
        reading.execute("begin")
        reading.execute("select * from disclosure").get  # noqa: B018 - it is read by this
        act(store, records, Erase((disclosure_id(3, 0),)))
        assert b"secret-3-0-" in wal.read_bytes() + store.path.read_bytes()
        reading.execute("commit")
    store.tidy()
    assert b"secret-3-0-" not in wal.read_bytes() + store.path.read_bytes()


def test_what_is_not_there_cannot_be_erased(path: Path, signer: Signer, records: Records) -> None:
    """Neither twice nor at all: then nothing of the batch is committed."""
    with closing(Store(path, signer)) as store:
        fill(store, records, 3)
        act(store, records, Erase((disclosure_id(1, 0),)))
    for wanted in (disclosure_id(1, 0), disclosure_id(7, 0)):
        with closing(Store(path, signer)) as store:
            with pytest.raises(DataFolderError, match="cannot be erased") as caught:
                act(store, records, Erase((wanted,)))
            assert caught.value.code == "ledger-damaged"
    with closing(Store(path, signer)) as store:
        assert store.size == 4


def test_holds_come_and_go(store: Store, records: Records) -> None:
    """A hold is its record, until another record ends it."""
    fill(store, records, 2)
    first = act(store, records, Hold())
    second = act(store, records, Hold())
    end = act(store, records, Release(first))
    with closing(Reader(store.path)) as reader:
        found = [(each.seq, each.released) for each in reader.holds()]
    assert found == [(first, end), (second, None)]


def test_a_hold_without_its_record_is_damage(store: Store, records: Records) -> None:
    """Nobody knows what it is on, so nothing can be removed; a released one holds nothing."""
    fill(store, records, 2)
    first = act(store, records, Hold())
    with closing(apsw.Connection(str(store.path))) as db:
        db.execute("delete from leaf where seq = ?", (first,))
    with closing(Reader(store.path)) as reader:
        with pytest.raises(LedgerUnavailable, match="damaged"):
            reader.holds()
        act(store, records, Release(first))
        assert reader.holds() == []


def test_values_of_pruned_records_go_too(store: Store, records: Records) -> None:
    """Also where their records lie elsewhere by then."""
    fill(store, records, 600)
    act(store, records, Prune(512))
    with closing(apsw.Connection(str(store.path))) as db:
        db.execute("delete from leaf where seq < 512")
    with closing(Reader(store.path)) as reader:
        assert reader.lowest() == 0
        for _ in range(6):
            store.append([], [(0, Aside(act=Sweep(100)))])
        assert reader.lowest() == 512
        assert reader.disclosures([511, 512])[511] == ()


def test_what_was_pruned_is_not_read(store: Store, records: Records) -> None:
    """Also while it waits to be removed, nobody sees it; its hashes are there."""
    fill(store, records, 600, each=0)
    act(store, records, Prune(512))
    with closing(Reader(store.path)) as reader:
        assert (reader.first(), reader.lowest()) == (512, 0)
        page = reader.page(limit=1000, newest_first=False)
        assert page.records[0].seq == 512
        assert reader.content(Resource(0, 0, 256)) is not None
        with pytest.raises(Gone, match="begins at record 512"):
            reader.content(Resource(ENTRIES, 1, 256))
        assert reader.content(Resource(ENTRIES, 2, 80)) is not None
        assert reader.records([512, 9999])[0].seq == 512
        assert reader.inclusion(3, 600).path


def test_an_empty_log_begins_at_its_end(store: Store) -> None:
    """Where there is no record, none is the lowest."""
    with closing(Reader(store.path)) as reader:
        assert (reader.lowest(), reader.first(), reader.holds()) == (0, 0, [])


def test_what_is_no_blob_is_damage(store: Store, records: Records) -> None:
    """A value of another type beside a record is told as damage of the ledger."""
    fill(store, records, 2)
    with closing(apsw.Connection(str(store.path))) as db:
        db.execute("update disclosure set data = 'text'")
    with closing(Reader(store.path)) as reader, pytest.raises(LedgerUnavailable, match="damaged"):
        reader.disclosures([1])
