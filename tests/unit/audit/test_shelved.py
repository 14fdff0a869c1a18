"""Segments as evidence: manifests, digests, and a ledger whose older records lie in files."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from policyd_audit import render
from policyd_audit.cli import main
from policyd_audit.errors import Malformed, Unreadable
from policyd_audit.export import Export, File
from policyd_audit.export import body as export_body
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.screening import Passed
from policyd_audit.segment import Segment, body, check_file, manifest_name, parse
from policyd_audit.sharing import screened
from policyd_audit.shelved import ShelvedLedger
from policyd_audit.tiled_log import TiledLog
from policyd_audit.verify import verify
from policyd_audit.verify_log import verify_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd_audit.report import Report
    from tests.unit.audit.conftest import Exported, Ledger

VKEY = "policyd.example/audit/1+88627b43+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
TIME = "2026-01-01T00:00:00.000000Z"
GOOD = Segment("log.example", 3, 768, 1024, TIME, TIME, b"\x05" * 32, 9, "0f" * 32)


def test_a_manifest_is_read_as_it_was_written() -> None:
    """All that it says comes back."""
    assert parse(body(GOOD)) == GOOD


BAD = [
    ("policyd segment v1", "policyd segment v2"),
    ("origin log.example", "origin log example"),
    ("segment 3", "segment 03"),
    ("segment 3", "segment 4"),
    ("records 768 1024", "records 768 1023"),
    ("records 768 1024", "records 3 4"),
    ("segment-000003", "segment-000004"),
    ("segment-000003", "../gment-000003"),
    (b64encode(GOOD.root).decode(), b64encode(GOOD.root[1:]).decode() + "===="),
    (b64encode(GOOD.root).decode(), "A" * 42 + "B="),
    (TIME, "2026-01-01"),
    ("0f0f", "0F0F"),
    ("0f\n", "0f\nmore\n"),
]


@pytest.mark.parametrize(("good", "bad"), BAD)
def test_anything_else_is_no_manifest(good: str, bad: str) -> None:
    """There is one spelling, and its parts fit together."""
    assert good in body(GOOD)
    with pytest.raises(Malformed) as caught:
        parse(body(GOOD).replace(good, bad, 1))
    assert caught.value.code == "manifest-malformed"


def test_a_file_is_held_to_its_manifest(tmp_path: Path) -> None:
    """Its length and every byte; whatever differs is named with the records it is about."""
    path = tmp_path / GOOD.file
    segment = GOOD._replace(sha256=sha256(b"nine byte").hexdigest())
    path.write_bytes(b"nine byte")
    check_file(path, segment)
    for data, words in ((b"nine", "has 4 bytes, not the 9"), (b"nine bits", "has other bytes")):
        path.write_bytes(data)
        with pytest.raises(Malformed, match=f"with records 768 to 1023, {words}"):
            check_file(path, segment)
    path.unlink()
    with pytest.raises(Malformed, match="is missing"):
        check_file(path, segment)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(Unreadable, match="cannot be read"):
        check_file(loop, segment)


class Shelf:
    """A ledger of 700 records whose first two stretches of 256 lie in files."""

    def __init__(self, ledger: Ledger, sign: Callable[..., str], kept_from: int = 512) -> None:
        self.ledger = ledger
        self.sign = sign
        self.folder = ledger.path.parent / "segments"
        self.folder.mkdir()
        for number in (0, 1):
            path = self.folder / f"segment-00000{number}.parquet"
            path.write_bytes(b"a file of segment %d" % number)
            self.write(number)
        ledger.change("delete from leaf where seq < ?", kept_from)

    def segment(self, number: int) -> Segment:
        """What is true of a segment."""
        tile = self.ledger.blob("select data from tile where level = 0 and n = ?", number)
        hashes = [tile[at : at + 32] for at in range(0, len(tile), 32)]
        while len(hashes) > 1:
            pairs = zip(hashes[::2], hashes[1::2], strict=True)
            hashes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        data = (self.folder / f"segment-00000{number}.parquet").read_bytes()
        digest = sha256(data).hexdigest()
        first = number * 256
        origin = "policyd.example/audit/1"
        return Segment(origin, number, first, first + 256, TIME, TIME, hashes[0], len(data), digest)

    def write(self, number: int, *signer: Any, **other: Any) -> None:  # noqa: ANN401 - members
        """Write a manifest, true but for *other* members, signed by the log or another."""
        segment = self.segment(number)._replace(**other)
        self.manifest(number).write_text(self.sign(body(segment), *signer), "utf-8")

    def manifest(self, number: int) -> Path:
        """The manifest of a segment."""
        return self.folder / f"segment-00000{number}.manifest"

    def verify(self, vkey: str | None = VKEY) -> Report:
        """The verifier's report."""
        with LedgerFile(self.ledger.path) as evidence:
            return verify(evidence, vkey=vkey, segments=self.folder)


@pytest.fixture
def shelf(new_ledger: Callable[[int], Ledger], sign: Callable[..., str]) -> Shelf:
    """The ledger and its segments."""
    return Shelf(new_ledger(700), sign)


def test_sealed_records_are_held_to_the_tree_by_their_digests(shelf: Shelf) -> None:
    """The ledger holds, and the report says how many records were not looked at one by one."""
    report = shelf.verify()
    assert report.holds, report.findings
    assert (report.sealed, report.signature, report.records_match) == (512, "good", True)
    told = render.text(report, "ledger.db")
    assert "sealed     512 of them, held to the digests of their files" in told
    assert json.loads(render.as_json(report))["sealed"] == 512
    assert shelf.verify(None).sealed == 512


def test_what_is_in_the_file_is_shared_among_processes(
    new_ledger: Callable[[int], Ledger], sign: Callable[..., str]
) -> None:
    """What is in segments is for one, which reads each of their files once."""
    shelf = Shelf(new_ledger(1_100), sign)
    screen = partial(screened, processes=2, after=3, width=256)
    with LedgerFile(shelf.ledger.path) as ledger:
        evidence = ShelvedLedger(ledger, shelf.folder, None)
        found = [each for each in screen(evidence, 0, 1_100) if isinstance(each, Passed)]
        assert [(each.first, each.end) for each in found] == [(768, 1_024)]
        report = verify(ledger, vkey=VKEY, segments=shelf.folder, screen=screen)
    assert render.as_json(report) == render.as_json(shelf.verify())
    assert (report.holds, report.sealed) == (True, 512)


def test_the_command_looks_beside_the_ledger(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever names the ledger's file need not name its segments."""
    assert main(["verify", str(shelf.ledger.path), "--key", VKEY]) == 0
    assert "sealed     512" in capsys.readouterr().out


def test_a_segment_whose_records_are_leaving(
    new_ledger: Callable[[int], Ledger], sign: Callable[..., str]
) -> None:
    """Those that are in the file still are looked at there."""
    shelf = Shelf(new_ledger(700), sign, kept_from=300)
    assert (shelf.verify().sealed, shelf.verify().holds) == (300, True)
    shelf.ledger.forge(301)
    assert not shelf.verify().holds


def test_records_that_cannot_be_sealed_yet_are_missing(shelf: Shelf) -> None:
    """A tile that is not full has no hashes to go by."""
    shelf.ledger.change("delete from leaf where seq < 600")
    assert [each.code for each in shelf.verify().findings] == ["tile-missing"]


def flip(shelf: Shelf) -> None:
    """Change a byte of the first file."""
    path = shelf.folder / "segment-000000.parquet"
    path.write_bytes(path.read_bytes().replace(b"file", b"fine"))


def resign(shelf: Shelf) -> None:
    """Sign the first manifest with another key of that name."""
    shelf.write(0, "policyd.example/audit/1", b"\x01" * 32)


def lie(shelf: Shelf) -> None:
    """Have the first manifest say that it is about other records."""
    shelf.write(0, root=b"\x00" * 32)


def estrange(shelf: Shelf) -> None:
    """Have the first manifest be of another log."""
    shelf.write(0, origin="another")


def unsay(shelf: Shelf) -> None:
    """Delete the first manifest."""
    shelf.manifest(0).unlink()


def garble(shelf: Shelf) -> None:
    """Make the first manifest unreadable."""
    shelf.manifest(0).write_bytes(b"\xff")


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (
            flip,
            "segment-damaged",
            "segment-000000.parquet`, with records 0 to 255, has other bytes",
        ),
        (resign, "signature-missing", "no signature of the key"),
        (lie, "manifest-differs", "`segment-000000.parquet` is about other records"),
        (estrange, "manifest-differs", "is of the log `another`"),
        (unsay, "segment-lost", "records 0 to 255 are not in .* segment 0, which should have them"),
        (garble, "segment-lost", "has no readable manifest"),
    ],
)
def test_a_damaged_segment_is_named_and_the_rest_is_checked(
    damage: Callable[[Shelf], None], code: str, words: str, shelf: Shelf
) -> None:
    """One finding for all its records; those of the other one and of the ledger still hold."""
    damage(shelf)
    report = shelf.verify()
    assert [each.code for each in report.findings] == [code]
    with pytest.raises(type(report.findings[0]), match=words):
        raise report.findings[0]
    assert report.sealed == 256
    assert report.records_match


def test_a_changed_record_behind_segments_is_still_found(shelf: Shelf) -> None:
    """What is in the file is looked at as ever."""
    shelf.ledger.forge(650)
    assert not shelf.verify().holds


class Losing:
    """A source of a tiled log that has lost its first two bundles."""

    def __init__(self, folder: Path) -> None:
        self.name = "log"
        self._folder = folder

    def get(self, path: str, most: int) -> bytes:
        """A resource, or the error for lost records."""
        assert most
        if path in {"tile/entries/000", "tile/entries/001"}:
            raise Malformed("records-lost", "records 0 to 511 cannot be read", tile=path)
        if path == "tile/0/001" and not (self._folder / path).exists():
            raise Malformed("resource-missing", "`tile/0/001` is missing", tile=path)
        return (self._folder / path).read_bytes()

    def close(self) -> None:
        """Nothing is open."""


def test_a_log_that_has_lost_records_is_checked_around_them(
    new_export: Callable[[int], Exported],
) -> None:
    """One finding names them all; the hashes in their place still add up to the root."""
    folder = new_export(700).path
    with TiledLog(Losing(folder)) as log:
        report = verify_log(log, vkey=VKEY)
    assert [each.message for each in report.findings] == ["records 0 to 511 cannot be read"]
    assert report.records_match
    (folder / "tile/0/001").unlink()
    with TiledLog(Losing(folder)) as log:
        report = verify_log(log, vkey=VKEY)
    assert "records 0 to 511 cannot be read" in [each.message for each in report.findings]
    assert not report.records_match


def test_a_copy_without_its_segments_is_told_so(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where whole segments are missing from the file, it is said where they should be."""
    shelf.ledger.change("update leaf set seq = seq + 65536 - 512")
    copy = tmp_path / "copy.db"
    copy.write_bytes(shelf.ledger.path.read_bytes())
    assert main(["verify", str(copy), "--key", VKEY]) == 1
    assert "in `segments` beside it" in capsys.readouterr().out


def test_names_and_single_records(shelf: Shelf) -> None:
    """What is behind the segments is read as from the file alone."""
    assert manifest_name(7) == "segment-000007.manifest"
    with LedgerFile(shelf.ledger.path) as ledger:
        evidence = ShelvedLedger(ledger, shelf.folder, None)
        assert (evidence.first(), list(evidence.beside(600))) == (0, [])
        assert (evidence.has_only(512, 700), evidence.has_only(512, 701)) == (True, False)
        assert evidence.leaf(600) == ledger.leaf(600)
        assert [seq for seq, *_ in evidence.leaves(690)] == list(range(690, 700))
        assert [seq for seq, *_ in evidence.leaves(300)] == list(range(300, 700))


def test_an_export_is_described() -> None:
    """Its manifest names the tree, the records, what was left out and the files."""
    files = (File("records.csv", 9, "0f" * 32),)
    made = Export("log.example", "id", "key", "csv", 9, b"\0" * 32, (1, 9), ((2, 3),), files)
    lines = export_body(made).split("\n")
    assert lines[0] == "policyd export v1"
    assert lines[6:9] == ["records 1 9", "left-out 2 3", f"file records.csv 9 {'0f' * 32}"]
