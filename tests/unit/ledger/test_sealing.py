"""Sealing: what is full becomes a segment that adds up to the tree, or nothing changes."""

from __future__ import annotations

import json
import os
from contextlib import closing
from errno import EIO, ENOSPC
from typing import TYPE_CHECKING

import duckdb
import pytest

from policyd.ledger.parquet import COLUMNS, Files
from policyd.ledger.sealing import Sealer, SealingFailed
from policyd.ledger.signing import Signer
from policyd_audit import note, segment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.reader import Reader
    from policyd.ledger.shelf import Shelf
    from policyd.ledger.store import Store

STEPS = ("taken", "written", "synced", "compared", "named", "signed", "sealed")
ORIGIN = "policyd.example/log"


def done(sealer: Sealer) -> list[tuple[int, str]]:
    """What a thorough run does to each segment."""
    return [(each.number, each.did) for each in sealer.run()]


def names(shelf: Shelf) -> set[str]:
    """The files on the shelf."""
    return {each.name for each in shelf.folder.iterdir() if each.is_file()}


BOTH = {f"segment-00000{n}.{kind}" for n in (0, 1) for kind in ("parquet", "manifest")}


def test_what_is_full_is_sealed_once(leaves: list[bytes], sealer: Sealer, shelf: Shelf) -> None:
    """Two full stretches become two segments with all their records; the rest is left alone."""
    assert done(sealer) == [(0, "sealed"), (1, "sealed")]
    assert names(shelf) == BOTH
    with closing(Files(shelf.folder / ".spill")) as files:
        found = [*files.leaves(shelf.file(0), 0, 256), *files.leaves(shelf.file(1), 256, 512)]
    assert found == list(enumerate(leaves[:512]))
    assert done(sealer) == [(0, "kept"), (1, "kept")]


def test_the_manifest_says_what_the_file_is(
    leaves: list[bytes], sealer: Sealer, shelf: Shelf, signer: Signer
) -> None:
    """It is signed by the log, and names range, times, subtree root, digest and length."""
    made = [each.segment for each in sealer.run()][1]
    signed = note.parse(shelf.manifest(1).read_text("utf-8"))
    note.verify(signed, signer.key)
    said = segment.parse(signed.text)
    assert said == made
    assert (said.origin, said.number, said.first, said.end) == (ORIGIN, 1, 256, 512)
    assert said.earliest == json.loads(leaves[256])["ts"]
    assert said.latest == json.loads(leaves[511])["ts"]
    assert said.size == shelf.file(1).stat().st_size


def test_columns_are_those_that_are_named(
    leaves: list[bytes], sealer: Sealer, shelf: Shelf
) -> None:
    """DuckDB finds the promoted columns in the file, with the record's own values."""
    assert leaves
    assert done(sealer)
    with closing(duckdb.connect(":memory:")) as db:
        db.read_parquet(str(shelf.file(1))).create_view("found")
        columns = [name for name, *_ in db.execute("describe found").fetchall()]
        (row,) = db.execute("select id, kind, act, target from found where seq = 300").fetchall()
    record = json.loads(leaves[300])
    assert columns == ["seq", *COLUMNS, "leaf"]
    assert row == (record["id"], "admin", "tested", "n300")


def flipped(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncated(path: Path) -> None:
    """Cut a file in half."""
    os.truncate(path, path.stat().st_size // 2)


def forged(path: Path) -> None:
    """Sign a manifest with a key of somebody else."""
    text = note.parse(path.read_text("utf-8")).text
    path.write_text(Signer(ORIGIN, b"\x01" * 32).signed(text), "utf-8")


def deleted(path: Path) -> None:
    """Delete a file."""
    path.unlink()


DAMAGE = [
    pytest.param("file", flipped, "rebuilt", "has other bytes", id="file-flipped"),
    pytest.param("file", truncated, "rebuilt", "bytes, not the", id="file-truncated"),
    pytest.param("file", deleted, "rebuilt", "is missing", id="file-deleted"),
    pytest.param("manifest", flipped, "rebuilt", "", id="manifest-flipped"),
    pytest.param("manifest", truncated, "rebuilt", "", id="manifest-truncated"),
    pytest.param("manifest", forged, "rebuilt", "signature", id="manifest-forged"),
    pytest.param("manifest", deleted, "rebuilt", "has no manifest", id="manifest-deleted"),
]


@pytest.mark.parametrize(("part", "damage", "did", "why"), DAMAGE)
def test_damage_is_made_good_while_the_ledger_has_the_records(
    part: str,
    damage: Callable[[Path], None],
    did: str,
    why: str,
    leaves: list[bytes],
    sealer: Sealer,
    shelf: Shelf,
) -> None:
    """Whatever is damaged, the segment is made again, and the reason told."""
    assert done(sealer)
    damage(getattr(shelf, part)(1))
    first, second = sealer.run()
    assert (first.did, second.did) == ("kept", did)
    assert why in second.why
    assert done(sealer) == [(0, "kept"), (1, "kept")]
    with closing(Files(shelf.folder / ".spill")) as files:
        assert [leaf for _, leaf in files.leaves(shelf.file(1), 256, 512)] == leaves[256:512]


class Broken(Exception):
    """The end of a process, as far as the files can tell."""


def failing(at: str, error: Exception) -> Callable[[str], None]:
    """A step that fails with *error* when it is that one's turn."""

    def step(name: str) -> None:
        if name == at:
            raise error

    return step


@pytest.mark.parametrize("at", STEPS)
def test_a_crash_at_any_step_leaves_nothing_that_counts(
    at: str, leaves: list[bytes], shelf: Shelf, reader: Reader, signer: Signer
) -> None:
    """After a crash at each step the next run ends with whole segments and nothing half made."""
    broken = Sealer(shelf, reader, signer, failing(at, Broken()))
    with pytest.raises(Broken):
        list(broken.run())
    assert "segment-000000.manifest" not in names(shelf)
    assert [number for number, _ in done(Sealer(shelf, reader, signer))] == [0, 1]
    assert names(shelf) == BOTH
    assert done(Sealer(shelf, reader, signer)) == [(0, "kept"), (1, "kept")]
    assert leaves


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize(
    ("error", "code", "way_out"),
    [(ENOSPC, "disk-full", "free some space"), (EIO, "disk-error", "check the disk")],
)
def test_a_disk_that_fails_at_any_step_is_told(
    at: str,
    error: int,
    code: str,
    way_out: str,
    leaves: list[bytes],
    shelf: Shelf,
    reader: Reader,
    signer: Signer,
) -> None:
    """The error names the segment and the way out, and the next run does what was left."""
    broken = Sealer(shelf, reader, signer, failing(at, OSError(error, os.strerror(error))))
    with pytest.raises(SealingFailed, match=f"segment 0 .*{way_out}") as caught:
        list(broken.run())
    assert caught.value.code == code
    assert leaves
    assert done(Sealer(shelf, reader, signer))[1] == (1, "sealed")
    assert names(shelf) == BOTH


@pytest.mark.parametrize("part", ["manifest", "columns"])
def test_a_file_that_still_has_its_records_is_rebuilt_from_itself(
    part: str, leaves: list[bytes], sealer: Sealer, shelf: Shelf, store: Store
) -> None:
    """Once the ledger has the records no more: the tree vouches for them, and for nothing else."""
    assert leaves
    assert done(sealer)
    assert not store.forget(256, 256)
    if part == "manifest":
        shelf.manifest(0).unlink()
    else:
        with closing(duckdb.connect(":memory:")) as db:
            whole = db.read_parquet(str(shelf.file(0))).fetchall()
            db.execute("create table found as select * from read_parquet($1)", [str(shelf.file(0))])
            db.execute("update found set act = 'forged'")
            db.table("found").to_parquet(str(shelf.file(0)))
        assert whole
    assert done(sealer)[0] == (0, "rebuilt")
    assert done(sealer)[0] == (0, "kept")
    with closing(duckdb.connect(":memory:")) as db:
        acts = db.read_parquet(str(shelf.file(0))).aggregate("count(distinct act), max(act)")
        assert acts.fetchall() == [(1, "tested")]


def test_what_neither_file_nor_ledger_has_is_lost(
    leaves: list[bytes], sealer: Sealer, shelf: Shelf, store: Store
) -> None:
    """It is named with the reason; the damaged file stays as it is, and a good copy heals it."""
    assert leaves
    assert done(sealer)
    good = shelf.file(0).read_bytes()
    assert not store.forget(256, 256)
    truncated(shelf.file(0))
    lost, kept = sealer.run()
    assert (lost.did, lost.segment, kept.did) == ("lost", None, "kept")
    assert "`segment-000000.parquet`, with records 0 to 255, has" in lost.why
    assert shelf.file(0).read_bytes() == good[: len(good) // 2]
    shelf.file(0).write_bytes(good)
    assert done(sealer) == [(0, "kept"), (1, "kept")]


def test_a_new_key_signs_the_manifests_as_well(
    leaves: list[bytes], sealer: Sealer, shelf: Shelf, reader: Reader, signer: Signer
) -> None:
    """While both keys sign, manifests of the old one alone are signed again by both."""
    assert leaves
    assert done(sealer)
    new = Signer(ORIGIN, b"\x02" * 32, retiring=signer)
    assert done(Sealer(shelf, reader, new)) == [(0, "renewed"), (1, "renewed")]
    assert done(Sealer(shelf, reader, new)) == [(0, "kept"), (1, "kept")]
    only = Signer(ORIGIN, b"\x02" * 32)
    assert done(Sealer(shelf, reader, only)) == [(0, "kept"), (1, "kept")]
