"""Verification of a folder of resources: what holds, and the place of every difference."""

import json
import shutil
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import remembered
from policyd_audit.errors import Malformed, VerificationError
from policyd_audit.sources import Folder
from policyd_audit.tiled_log import TiledLog
from policyd_audit.verify_log import verify_log
from tests.unit.audit.conftest import (
    ORIGIN,
    VKEY,
    Exported,
    decision,
    digest,
    encoded,
    forged,
    leaf,
    signed,
)

if TYPE_CHECKING:
    from pathlib import Path

New = Callable[[int], Exported]


def seen_at(log: Exported) -> Checkpoint:
    """The checkpoint of a folder, as it is remembered."""
    return remembered((log.path / "checkpoint").read_text())


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 1_600])
def test_a_good_log_holds(new_export: New, size: int) -> None:
    """Whatever its size, the records add up, and the signature is good."""
    report = new_export(size).verify()
    assert (report.findings, report.signature) == ((), "good")
    assert report.records_match
    assert report.checkpoint
    assert report.checkpoint.size == size


def test_without_a_key_the_signature_stays_unchecked(new_export: New) -> None:
    """All else is checked."""
    report = new_export(3).verify(vkey=None)
    assert (report.findings, report.signature) == ((), "unchecked")


def test_progress_is_told(new_export: New) -> None:
    """Whoever waits learns how far it is."""
    told = []
    with TiledLog(Folder(new_export(600).path)) as log:
        verify_log(log, progress=lambda done, size: told.append((done, size)))
    assert told == [(256, 600), (512, 600), (600, 600)]


DAMAGE = {
    "a record": ("tile/entries/001", 9, b"X", "record-hash"),
    "a record's length": ("tile/entries/001", 0, b"\xff\xff", "bundle-malformed"),
    "a leaf hash": ("tile/0/001", 40, b"X", "record-hash"),
    "a leaf hash at the edge": ("tile/0/002.p/88", 40, b"X", "record-hash"),
    "a hash of a tile": ("tile/1/000.p/2", 40, b"X", "tile-differs"),
    "the size": ("checkpoint", len(ORIGIN) + 1, b"7", "signature-invalid"),
    "the root": ("checkpoint", len(ORIGIN) + 7, b"X", "signature-invalid"),
    "the signature": ("checkpoint", -20, b"X", "signature-invalid"),
    "the name": ("checkpoint", 0, b"X", "checkpoint-origin"),
    "a byte that is no text": ("checkpoint", 0, b"\xff", "note-malformed"),
    "the form": ("checkpoint", len(ORIGIN), b" ", "checkpoint-malformed"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_changed_is_found(new_export: New, what: str) -> None:
    """Each part of a log is held to the others; the finding says what differs."""
    name, at, other, code = DAMAGE[what]
    log = new_export(600)
    log.change(name, at, other)
    report = log.verify()
    assert code in {finding.code for finding in report.findings}
    assert not report.holds


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("tile/entries/001", "resource-missing"),
        ("tile/entries/002.p/88", "resource-missing"),
        ("tile/0/001", "resource-missing"),
        ("tile/0/002.p/88", "resource-missing"),
        ("tile/1/000.p/2", "resource-missing"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "cut", "longer"])
def test_a_damaged_resource_is_named(new_export: New, name: str, code: str, how: str) -> None:
    """One that is missing or has another length is reported once, by its path."""
    log = new_export(600)
    if how == "gone":
        (log.path / name).unlink()
    else:
        data = (log.path / name).read_bytes()
        log.write(name, data[:-1] if how == "cut" else data + b"X")
        code = "bundle-malformed" if "entries" in name else "tile-malformed"
        code = "resource-malformed" if how == "longer" and name == "tile/0/001" else code
    report = log.verify()
    assert [(each.code, each.facts["tile"]) for each in report.findings] == [(code, name)]


def test_a_changed_record_is_named_once(new_export: New) -> None:
    """The smallest place is told: the record, not every tile above it."""
    log = new_export(600)
    whole = (log.path / "tile/entries/001").read_bytes()
    log.write("tile/entries/001", whole.replace(leaf(300), forged(leaf(300))))
    (finding, root) = log.verify().findings
    assert (finding.code, finding.facts["record"]) == ("record-hash", 300)
    assert root.code == "root-differs"


def test_a_rewritten_log_holds_by_itself(new_export: New) -> None:
    """Whoever has the key can make another log: only a checkpoint from before shows it."""
    honest = new_export(300)
    rewritten = Exported(
        honest.path.parent / "rewritten",
        [forged(leaf(at)) if at == 41 else leaf(at) for at in range(400)],
    )
    assert rewritten.verify().holds
    report = rewritten.verify(seen=seen_at(honest))
    assert [finding.code for finding in report.findings] == ["log-rewritten"]
    assert "keep both checkpoints" in report.findings[0].message
    shutil.rmtree(rewritten.path)


@pytest.mark.parametrize("old", [0, 1, 255, 256, 300, 512, 600])
def test_it_goes_on_from_what_was_seen(new_export: New, old: int) -> None:
    """Any earlier checkpoint of the same log is the beginning of this one."""
    report = new_export(600).verify(seen=seen_at(new_export(old)))
    assert (report.findings, report.seen, report.records_match) == ((), old, True)


def test_what_was_seen_is_not_read_again(new_export: New) -> None:
    """Records and bundles before the checkpoint that was seen need not even be there."""
    log = new_export(700)
    (log.path / "tile/entries/000").unlink()
    (log.path / "tile/entries/001").write_bytes(b"anything")
    assert log.verify(seen=seen_at(new_export(600))).holds


def test_time_does_not_go_back_behind_what_was_seen(new_export: New) -> None:
    """The first new record is held to the last old one."""
    early = {"ts": "2025-01-01T00:00:00.000000Z", "id": "01941f29-7c00-7000-8000-000000000000"}
    leaves = [leaf(at) for at in range(300)]
    leaves.append(encoded(decision(300) | early))
    log = Exported(new_export(300).path, leaves)
    report = log.verify(seen=seen_at(new_export(300)))
    assert [finding.code for finding in report.findings] == ["record-time"]


def test_the_last_record_seen_must_be_one(new_export: New) -> None:
    """If its bundle is damaged, that is told, and the rest is checked."""
    log = new_export(300)
    log.change("tile/entries/001.p/44", -1, b"?")
    (finding,) = log.verify(seen=seen_at(new_export(300))).findings
    assert finding.code == "record-malformed"


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (Checkpoint(ORIGIN, 301, bytes(32)), "log-shrank"),
        (Checkpoint(ORIGIN, 300, bytes(32)), "log-rewritten"),
        (Checkpoint(ORIGIN, 299, bytes(32)), "log-rewritten"),
        (Checkpoint("other", 3, bytes(32)), "checkpoint-origin"),
    ],
)
def test_a_log_that_contradicts_what_was_seen(new_export: New, seen: Checkpoint, code: str) -> None:
    """Shorter, rewritten, another one: each is told by its own code."""
    report = new_export(300).verify(seen=seen)
    assert [finding.code for finding in report.findings] == [code]
    assert report.root is None


def test_a_full_tile_stands_in_for_a_partial_one(new_export: New) -> None:
    """A server may drop partial tiles once there are full ones, which begin with them."""
    log, later = new_export(300), new_export(600)
    for name in ("entries", "0"):
        (log.path / f"tile/{name}/001.p/44").unlink()
        data = (later.path / f"tile/{name}/001").read_bytes()
        log.write(f"tile/{name}/001", data)
    assert log.verify().holds


def test_a_key_that_is_none(new_export: New) -> None:
    """It is refused before anything is read."""
    with pytest.raises(Malformed, match="is not `name"):
        new_export(1).verify(vkey="nonsense")


def test_a_checkpoint_of_another_log(new_export: New) -> None:
    """A good signature under another name is not this log's."""
    log = new_export(1)
    root = b64encode(digest(b"\x00" + leaf(0))).decode()
    log.write("checkpoint", signed(f"other\n1\n{root}\n").encode())
    codes = {finding.code for finding in log.verify(vkey=VKEY).findings}
    assert codes == {"checkpoint-origin", "record-epoch"}


@pytest.fixture(scope="module")
def damageable(new_export: New) -> dict[str, bytes]:
    """The files of a log of two tiles and a bit."""
    log = new_export(520)
    files = [path for path in log.path.rglob("*") if path.is_file()]
    return {str(path.relative_to(log.path)): path.read_bytes() for path in files}


class Held:
    """Resources in memory."""

    name = "memory"

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def get(self, path: str, most: int) -> bytes:
        """Return one."""
        if path not in self._files:
            raise Malformed("resource-missing", "missing", tile=path)
        return self._files[path][:most]

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.no_cover  # what it reaches, other tests reach in less time
@given(data=st.data())
def test_no_damage_is_overlooked_or_breaks_the_verifier(
    damageable: dict[str, bytes], data: st.DataObject
) -> None:
    """Whatever bytes are other ones, it is reported with a place, and nothing else is raised."""
    files = dict(damageable)
    name = data.draw(st.sampled_from(sorted(files)))
    whole = files[name]
    at = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.sampled_from([0, 1, 1, 2, 32, len(whole)]))
    other = data.draw(st.binary(max_size=40))
    files[name] = whole[:at] + other + whole[at + length :]
    with TiledLog(Held(files)) as log:
        try:
            report = verify_log(log, vkey=VKEY)
        except VerificationError:
            return
    unchanged = files[name] == whole
    assert report.holds is unchanged
    assert all(json.dumps(finding.facts) and finding.message for finding in report.findings)


def test_a_folder_is_only_read(new_export: New, tmp_path: "Path") -> None:
    """Nothing is left in it."""
    log = new_export(3)
    before = sorted(log.path.rglob("*"))
    assert log.verify().holds
    assert sorted(log.path.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []
