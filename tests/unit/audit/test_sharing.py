"""Sharing: it changes how long a verification takes, and nothing else."""

import json
import os
import pickle
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from errno import EAGAIN
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd_audit.checkpoint import Checkpoint
from policyd_audit.evidence import Shared
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.render import as_json
from policyd_audit.screening import Passed, Screened
from policyd_audit.sharing import screened, serve, survey
from policyd_audit.sources import Folder, Server
from policyd_audit.tiled_log import TiledLog
from policyd_audit.tree import TILE_WIDTH
from policyd_audit.verify import verify
from policyd_audit.verify_log import verify_log
from tests.unit.audit.conftest import VKEY, Ledger, content, digest, encoded, leaf, root_of

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Exported

New = Callable[[int], Ledger]
SIZE = 1_100
AHEAD = partial(screened, processes=2, after=3, width=TILE_WIDTH)
Found = list[Screened | Passed]


def numbers(found: Found) -> list[int]:
    """The numbers of all records that came."""
    out: list[int] = []
    for each in found:
        if isinstance(each, Passed):
            out += range(each.first, each.end)
        else:
            out += [seq for seq, *_ in each.rows]
    return out


def stretches(found: Found) -> list[tuple[int, int]]:
    """The stretches that another process read."""
    return [(each.first, each.end) for each in found if isinstance(each, Passed)]


def log_hashes(size: int) -> list[bytes]:
    """The leaf hashes of so many records of a good log."""
    return [digest(b"\0" + leaf(at)) for at in range(size)]


def test_records_come_in_order_and_whole(new_ledger: New) -> None:
    """Whole tiles are read by others, what is before and behind them by this process."""
    with LedgerFile(new_ledger(SIZE).path) as evidence:
        found = list(AHEAD(evidence, 0, SIZE))
        assert numbers(found) == list(range(SIZE))
        assert stretches(found) == [(256, 512), (512, 768), (768, 1024)]
        wider = list(screened(evidence, 5, SIZE, processes=2, after=3, width=512))
        assert numbers(wider) == list(range(5, SIZE))
        assert stretches(wider) == [(256, 768), (768, 1024)]
    assert not active_children()


def test_of_a_stretch_little_comes_back(new_ledger: New) -> None:
    """Two times and a hash a tile are all the walk needs of records that are right."""
    with LedgerFile(new_ledger(SIZE).path) as evidence:
        shared = evidence.shared()
    assert shared
    passed = survey(shared, range(256, 768))
    assert passed
    assert passed.times == (content(256)["ts"], content(767)["ts"])
    hashes = log_hashes(768)
    assert passed.tiles == [(root_of(hashes[256:512]), []), (root_of(hashes[512:]), [])]


class Longer(LedgerFile):
    """A ledger that has a row behind those that were asked for."""

    def leaves(
        self, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, object, object]]:
        """Yield it, too."""
        yield from super().leaves(first, end)
        yield -1, b"", b""


def test_a_row_behind_a_stretch_is_not_passed_over(new_ledger: New) -> None:
    """Where a file is so damaged that a row out of order is met, all are looked at."""
    ledger = new_ledger(SIZE)
    assert survey(Shared(0, partial(Longer, ledger.path)), range(256, 512)) is None


@pytest.mark.parametrize(
    "damage",
    [
        "update leaf set hash = zeroblob(32) where seq = 300",
        "update leaf set leaf = x'7b7d' where seq = 300",
        "delete from leaf where seq = 300",
        "update tile set data = zeroblob(8192) where level = 0 and n = 1",
        "update tile set data = x'00' where level = 0 and n = 1",
        "delete from tile where level = 0 and n = 1",
    ],
)
def test_of_a_stretch_that_is_not_right_nothing_is_said(new_ledger: New, damage: str) -> None:
    """Whatever is wrong with it: who walks meets it in its place."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    shared = Shared(0, partial(LedgerFile, ledger.path))
    assert survey(shared, range(256, 512)) is None
    assert survey(shared, range(512, 768))


def test_what_is_no_record_is_left_to_who_walks(tmp_path: Path) -> None:
    """What was signed is in the tree, and yet it may be no record."""
    shared = Shared(0, partial(LedgerFile, filled(tmp_path, {300: {"v": 2}}).path))
    assert survey(shared, range(256, 512)) is None


@pytest.mark.parametrize(("processes", "after"), [(0, 0), (1, 0), (2, SIZE)])
def test_few_records_start_no_process(new_ledger: New, processes: int, after: int) -> None:
    """Where it does not pay, or is not wanted, this process looks at the rows."""
    with LedgerFile(new_ledger(SIZE).path) as evidence:
        found: Found = []
        for each in screened(evidence, 0, SIZE, processes=processes, after=after):
            found.append(each)
            assert not active_children()
    assert not stretches(found)
    assert numbers(found) == list(range(SIZE))


def test_without_more_processes_one_looks(new_ledger: New, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none may begin, this one reads everything."""

    def start(_: SpawnProcess) -> None:
        raise BlockingIOError(EAGAIN, "too many processes")

    monkeypatch.setattr(SpawnProcess, "start", start)
    with LedgerFile(new_ledger(SIZE).path) as evidence:
        found = list(AHEAD(evidence, 0, SIZE))
    assert not stretches(found)
    assert numbers(found) == list(range(SIZE))


@pytest.fixture
def _own_interrupt() -> Iterator[None]:
    """What an interrupt does here stays what it is."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_own_interrupt")
def test_what_a_process_says(new_ledger: New) -> None:
    """What each stretch is, in order, and then no more; nothing once nobody listens."""
    shared = Shared(0, partial(LedgerFile, new_ledger(SIZE).path))
    near, far = get_context("spawn").Pipe(duplex=False)
    serve(far, shared, [range(256, 512), range(SIZE, SIZE + 256)])
    assert [near.recv(), near.recv()] == [survey(shared, range(256, 512)), None]
    with pytest.raises(EOFError):
        near.recv()

    near, far = get_context("spawn").Pipe(duplex=False)
    near.close()
    serve(far, shared, [range(256, 512)])
    assert far.closed


def test_a_killed_process_leaves_its_work(new_ledger: New) -> None:
    """What it should have read is read by this one."""
    size = 6_000
    with LedgerFile(new_ledger(size).path) as evidence:
        source = AHEAD(evidence, 0, size)
        found: Found = [next(source)]
        while not stretches(found):
            found.append(next(source))
        for child in active_children():
            assert child.pid
            os.kill(child.pid, signal.SIGKILL)
        found += source
    assert numbers(found) == list(range(size))
    assert stretches(found)[-1][1] < 5_888


def reports_agree(ledger: Ledger) -> list[str]:
    """The codes of what was found, which must be the same however many processes look."""
    with LedgerFile(ledger.path) as evidence:
        report = verify(evidence, vkey=VKEY, screen=AHEAD)
    assert as_json(report) == as_json(ledger.verify())
    return [each.code for each in report.findings]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update leaf set seq = seq where seq = 0", None),
        ("delete from leaf where seq = 700", "record-missing"),
        ("delete from leaf where seq between 500 and 520", "record-missing"),
        ("insert into leaf values(-3, x'00', x'00')", "record-unexpected"),
        ("update leaf set leaf = x'00' where seq = 500", "record-hash"),
        ("update leaf set hash = zeroblob(32) where seq = 41", "record-hash"),
        ("update leaf set hash = zeroblob(32) where seq = 500", "record-hash"),
        ("update leaf set hash = cast(hash as text) where seq = 500", "record-hash"),
        ("update leaf set leaf = 'text' where seq = 900", "record-malformed"),
        ("update leaf set seq = 5000 where seq = 1099", "record-unexpected"),
        ("update leaf set seq = 5000 where seq = 300", "record-missing"),
        ("update leaf set seq = 5000 where seq = 511", "record-missing"),
        ("update leaf set seq = -5 where seq = 300", "record-unexpected"),
        ("update leaf set leaf = (select leaf from leaf where seq = 600) where seq = 800", None),
        ("update tile set data = zeroblob(8192) where n = 2", "tile-differs"),
        ("update tile set data = x'' where n = 2", "tile-malformed"),
        ("delete from tile where n = 1", "tile-missing"),
        ("update leaf set leaf = zeroblob(2000000) where seq = 700", "ledger-damaged"),
    ],
)
def test_findings_do_not_depend_on_it(new_ledger: New, damage: str, code: str | None) -> None:
    """Every finding is the same, in the same order, with processes or without."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    found = reports_agree(ledger)
    assert code is None or found[0] == code


def test_rows_that_no_number_leads_to_are_looked_for(new_ledger: New) -> None:
    """Unless there are as many rows as numbers, one process reads all in a row."""
    ledger = new_ledger(SIZE)
    ledger.change("delete from leaf where seq = 1090")
    with LedgerFile(ledger.path) as evidence:
        found = list(AHEAD(evidence, 0, SIZE))
    assert not stretches(found)
    assert numbers(found) == [at for at in range(SIZE) if at != 1090]


def filled(tmp_path: Path, changes: dict[int, dict[str, object]]) -> Ledger:
    """A ledger of records that were wrong when they were signed."""
    leaves = [encoded(json.loads(leaf(at)) | changes.get(at, {})) for at in range(SIZE)]
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.fill(leaves)
    return ledger


@pytest.mark.parametrize("at", [300, 511, 512, 1023, 1024])
def test_times_that_go_back_are_found_with_it(tmp_path: Path, at: int) -> None:
    """A record that passes by itself is still held to those before it, in stretches before too."""
    earlier = {name: content(at - 2)[name] for name in ("id", "ts")}
    assert reports_agree(filled(tmp_path, {at: earlier})) == ["record-time"]


def test_records_that_are_none_are_found_with_it(tmp_path: Path) -> None:
    """What was signed is not right for that."""
    moved = {"id": content(6)["id"]}
    ledger = filled(tmp_path, {300: {"v": 2}, 600: moved})
    assert reports_agree(ledger) == ["record-malformed", "record-time"]


def test_a_stretch_is_in_order_of_time(tmp_path: Path) -> None:
    """Also from one tile of it to the next."""
    ledger = filled(tmp_path, {512: {name: content(510)[name] for name in ("id", "ts")}})
    shared = Shared(0, partial(LedgerFile, ledger.path))
    assert survey(shared, range(256, 512))
    assert survey(shared, range(512, 768))
    assert survey(shared, range(256, 768)) is None


def test_what_was_taken_away_beside_is_found_with_it(tmp_path: Path) -> None:
    """A record with something kept apart is met by the walk, which can see what is there."""
    apart: dict[str, object] = {"personal": ["address"], "_sd": ["A" * 43]}
    ledger = filled(tmp_path, {300: apart, 301: apart})
    assert reports_agree(ledger) == ["disclosure-missing"] * 2
    with LedgerFile(ledger.path) as evidence:
        shared = evidence.shared()
        assert shared
        passed = survey(shared, range(256, 512))
    assert passed
    expected = [(at, encoded(json.loads(leaf(at)) | apart)) for at in (300, 301)]
    assert passed.tiles[0].beside == expected


def test_others_may_see_a_later_moment(new_ledger: New) -> None:
    """What was removed since is read as it was when the walk began."""
    ledger = new_ledger(SIZE)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("update state set size = size")  # so that there is a -wal beside it
        with LedgerFile(ledger.path) as evidence:
            db.execute("delete from leaf where seq < 512")
            found = list(AHEAD(evidence, 0, SIZE))
            assert numbers(found) == list(range(SIZE))
            assert stretches(found) == [(512, 768), (768, 1024)]
            assert verify(evidence, vkey=VKEY, screen=AHEAD).holds


def leaf_page(ledger: Ledger, at: int) -> int:
    """Where in the file the page with some of the records begins: the one *at* in their order."""
    with ledger.open() as db:
        (root,) = db.execute("select rootpage from sqlite_schema where name = 'leaf'").fetchone()
        (size,) = db.execute("pragma page_size").fetchone()
    data = ledger.path.read_bytes()
    start = (root - 1) * size
    # An interior page: 12 bytes, then where each cell is, which begins with its page (SQLite file
    # format, section 1.6).
    cell = start + int.from_bytes(data[start + 12 + 2 * at :][:2])
    return (int.from_bytes(data[cell : cell + 4]) - 1) * int(size)


@pytest.mark.parametrize("at", [0, 100])
def test_a_damaged_page_is_found_with_it(new_ledger: New, at: int) -> None:
    """Where SQLite cannot read on, what comes before is walked, by however many processes."""
    ledger = new_ledger(SIZE)
    place = leaf_page(ledger, at)
    with ledger.path.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 8)
    assert reports_agree(ledger) == ["ledger-damaged"]


def test_records_without_an_index_are_read_in_a_row(new_ledger: New) -> None:
    """A forged table would be searched from its start for each stretch."""
    ledger = new_ledger(SIZE)
    ledger.change("alter table leaf rename to other")
    ledger.change("create table leaf(seq, leaf, hash)")
    ledger.change("insert into leaf select * from other")
    with LedgerFile(ledger.path) as evidence:
        assert evidence.shared() is None
    assert reports_agree(ledger) == []


def test_a_tiled_log_is_shared_too(new_export: Callable[[int], "Exported"]) -> None:
    """Every process has its own files, or its own connection."""
    log = new_export(SIZE)
    with TiledLog(Folder(log.path)) as evidence:
        evidence.size = SIZE
        assert stretches(list(AHEAD(evidence, 0, SIZE))) == [(256, 512), (512, 768), (768, 1024)]
        assert verify_log(evidence, vkey=VKEY, screen=AHEAD).holds
        shared = evidence.shared()
        with shared.opened() as again:
            assert list(again.leaves(250, 600)) == list(evidence.leaves(250, 600))
    log.change("tile/0/002", 0, b"wrong")
    log.change("tile/entries/001", 700, b"wrong")
    with TiledLog(Folder(log.path)) as evidence:
        report = verify_log(evidence, vkey=VKEY, screen=AHEAD)
    assert as_json(report) == as_json(log.verify())
    assert report.findings


def test_what_is_found_behind_what_was_seen_has_one_order(
    new_export: Callable[[int], "Exported"],
) -> None:
    """Tiles are held to the tree when they end, wherever the walk began."""
    log = new_export(SIZE)
    seen = Checkpoint("policyd.example/audit/1", 100, root_of(log_hashes(100)))
    log.write("tile/0/001", b"short")
    log.change("tile/entries/002", 700, b"wrong")
    with TiledLog(Folder(log.path)) as evidence:
        report = verify_log(evidence, vkey=VKEY, seen=seen, screen=AHEAD)
    assert as_json(report) == as_json(log.verify(seen=seen))
    codes = [each.code for each in report.findings]
    assert codes == ["tile-malformed", "record-hash", "root-differs"]


def test_a_server_is_asked_over_a_connection_of_its_own() -> None:
    """What is sent to another process is where the log is, and the key."""
    server = Server("https://policyd.example/log", "key")
    sent = pickle.loads(pickle.dumps(server))  # noqa: S301 - as processes do
    assert (type(sent), sent.name) == (Server, server.name)
    assert sent.__reduce__() == (Server, ("https://policyd.example/log", "key"))
