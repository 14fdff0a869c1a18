"""Exports: what their manifest says, what their files hold, and what of it is proved."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit import export
from policyd_audit.cli import FAILS, HOLDS, UNDECIDED, USAGE, main
from policyd_audit.errors import Contradiction, Malformed, Unreadable, VerificationError
from policyd_audit.export import Export, File
from policyd_audit.exported import is_export, verify_export
from policyd_audit.proof import Subtrees, stretch_root
from policyd_audit.tree import leaf_hash
from tests.unit.audit.conftest import ORIGIN, SEED, VKEY, content, encoded, leaf, root_of, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.unit.audit.conftest import Exported as Log

SIZE = 600
LEAVES = [leaf(at) for at in range(SIZE)]
HASHES = [leaf_hash(each) for each in LEAVES]


def subtrees(hashes: Sequence[bytes]) -> Subtrees:
    """The subtrees of a tree with these leaf hashes."""

    def found(level: int, first: int, count: int) -> Sequence[bytes]:
        width = 1 << 8 * level
        return [
            root_of(hashes[at * width : (at + 1) * width]) for at in range(first, first + count)
        ]

    return Subtrees(found)


class Made:
    """The folder of an export, which can be damaged and verified."""

    def __init__(
        self,
        path: Path,
        form: str = "ndjson",
        records: tuple[int, int] = (100, 500),
        left_out: tuple[tuple[int, int], ...] = (),
    ) -> None:
        """Write a good one."""
        self.path = path
        self.form = form
        self.records = records
        self.left_out = left_out
        path.mkdir(exist_ok=True)
        gone = {seq for gap in left_out for seq in range(*gap)}
        self.seqs = [seq for seq in range(*records) if seq not in gone]
        if form == "ndjson":
            proof = subtrees(HASHES).stretch(*records, SIZE)
            self.write("proof", b"".join(b64encode(each) + b"\n" for each in proof))
            self.write_records([LEAVES[seq] for seq in self.seqs])
        elif form == "csv":
            rows = "".join(f'{seq},"a\r\nb"\r\n' for seq in self.seqs)
            self.write("records.csv", f"seq,ts\r\n{rows}".encode())
        else:
            self.write("records-000000.parquet", b"PAR1")
        self.sign()

    def write(self, name: str, data: bytes) -> None:
        """Write one file."""
        (self.path / name).write_bytes(data)

    def write_records(self, leaves: Sequence[bytes]) -> None:
        """Write the lines."""
        self.write("records.ndjson", b"".join(each + b"\n" for each in leaves))

    def said(self) -> Export:
        """What the manifest of the files as they are should say."""
        paths = sorted(each for each in self.path.iterdir() if each.name != "manifest")
        files = tuple(
            File(each.name, each.stat().st_size, sha256(each.read_bytes()).hexdigest())
            for each in paths
        )
        root = root_of(HASHES)
        return Export(
            ORIGIN, "0199", "k3y", self.form, SIZE, root, self.records, self.left_out, files
        )

    def sign(self, said: Export | None = None, seed: bytes = SEED) -> None:
        """Sign the manifest, as the log does, or as somebody else."""
        self.write("manifest", signed(export.body(said or self.said()), seed=seed).encode())

    def codes(self, vkey: str | None = VKEY) -> list[str]:
        """What is found."""
        return [each.code for each in verify_export(self.path, vkey=vkey).findings]


@pytest.mark.parametrize("records", [(0, SIZE), (100, 500), (0, 1), (599, 600), (255, 257)])
def test_lines_are_proved(tmp_path: Path, records: tuple[int, int]) -> None:
    """Whatever part of the log was taken, its records lead to the root that the log signed."""
    found = verify_export(Made(tmp_path, records=records).path, vkey=VKEY)
    assert (found.findings, found.signature, found.is_proved) == ((), "good", True)


@pytest.mark.parametrize(
    ("form", "left_out"), [("csv", ()), ("parquet", ()), ("ndjson", ((120, 130), (499, 500)))]
)
def test_the_rest_is_not(tmp_path: Path, form: str, left_out: tuple[tuple[int, int], ...]) -> None:
    """Of other forms, and where something is lost, only the files are held to the manifest."""
    found = verify_export(Made(tmp_path, form, left_out=left_out).path, vkey=VKEY)
    assert (found.findings, found.signature, found.is_proved) == ((), "good", False)


def test_a_record_that_is_not_passed_quickly_is_read(tmp_path: Path) -> None:
    """Escapes, other kinds and what is kept apart are as good as anything."""
    made = Made(tmp_path, records=(0, 2), left_out=((0, 1),))
    odd = content(1) | {"kind": "query", "text": 'a "b"', "personal": ["key"]}
    made.write_records([encoded(odd)])
    made.sign()
    assert made.codes() == []


def moved(seq: int, other: int) -> bytes:
    """A record with the time of another."""
    return encoded(content(seq) | {name: content(other)[name] for name in ("id", "ts")})


def lines(at: int, other: bytes) -> list[bytes]:
    """The lines of the export with another one in a place."""
    return [*LEAVES[100 : 100 + at], other, *LEAVES[101 + at : 500]]


@pytest.mark.parametrize(
    ("leaves", "code", "said"),
    [
        (LEAVES[100:499], "record-missing", "record 499: `records.ndjson` has no line of it"),
        (LEAVES[100:501], "record-unexpected", "more records than it may"),
        (LEAVES[101:501], "root-differs", "not those of the tree"),
        (lines(7, b"{}"), "record-malformed", "record 107: not a record v1"),
        (lines(7, moved(107, 90)), "record-time", "record 107: its `ts`"),
        (
            lines(7, encoded(content(107) | {"id": content(8)["id"]})),
            "record-time",
            "record 107: its `id` carries another time",
        ),
        (lines(7, encoded(content(107) | {"nonce": "ab" * 16})), "root-differs", "tree"),
        (lines(7, b"x" * 70_000), "record-missing", "record 107"),
        ([], "record-missing", "record 100"),
    ],
)
def test_wrong_records_are_found(tmp_path: Path, leaves: list[bytes], code: str, said: str) -> None:
    """Also where whoever took them had the manifest signed for what they made of them."""
    made = Made(tmp_path)
    made.write_records(leaves)
    made.sign()
    (finding,) = verify_export(made.path, vkey=VKEY).findings
    assert finding.code == code
    assert said in finding.message


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (b"", "table-malformed"),
        (b"ts,seq\r\n", "table-malformed"),
        (b"seq,ts\r\n100,a\r\n", "record-missing"),
        (b"seq,ts\r\n100,a\r\n102,b\r\n", "record-missing"),
        (b"seq,ts\r\n100,a\r\n101,b\r\n102,c\r\n", "record-unexpected"),
        (b"seq,ts\r\n100,a\r\n\r\n", "record-missing"),
        (b'seq,ts\r\n100,"a', "table-malformed"),
        (b"seq,ts\r\n100,\xff\r\n", "table-malformed"),
    ],
)
def test_wrong_rows_are_found(tmp_path: Path, rows: bytes, code: str) -> None:
    """A table has a row for each record, by its number."""
    made = Made(tmp_path, "csv", (100, 102))
    made.write("records.csv", rows)
    made.sign()
    assert made.codes() == [code]


def test_a_proof_that_is_none(tmp_path: Path) -> None:
    """Of another length, of no hashes, or not there."""
    made = Made(tmp_path)
    good = (made.path / "proof").read_bytes()
    for proof in (b"", good[45:], good + good[:45]):
        made.write("proof", proof)
        made.sign()
        assert made.codes() == ["proof-invalid"]
    for proof in (b"x\n", b"AAAA\n"):
        made.write("proof", proof)
        made.sign()
        assert made.codes() == ["proof-malformed"]
    (made.path / "proof").unlink()
    made.sign()
    assert made.codes() == ["file-missing"]


def test_every_file_is_held_to_the_manifest(tmp_path: Path) -> None:
    """Changed, cut off, missing or beside: each is named."""
    made = Made(tmp_path)
    text = (made.path / "records.ndjson").read_bytes()
    made.write("records.ndjson", text.replace(b"allow", b"alloW", 1))
    made.write("more", b"")
    (made.path / "proof").unlink()
    assert made.codes() == ["file-missing", "file-damaged", "file-unexpected"]
    made.write("records.ndjson", text[:-1])
    found = verify_export(made.path, vkey=VKEY).findings[1]
    assert f"has {len(text) - 1:,} bytes, not the {len(text):,}" in found.message


def test_a_manifest_of_somebody_else(tmp_path: Path) -> None:
    """Signed with another key, of another log, or of files elsewhere: it does not hold."""
    made = Made(tmp_path)
    made.sign(seed=b"\x66" * 32)
    assert made.codes() == ["signature-missing"]
    made.sign(made.said()._replace(origin="other.example"))
    assert made.codes() == ["manifest-differs"]
    for path in ("../secret", "..", "."):
        made.sign(made.said()._replace(files=(File(path, 1, "0" * 64),)))
        assert "manifest-malformed" in made.codes()
    assert not is_export(tmp_path / "records.ndjson")


GOOD = Export(ORIGIN, "0199", "k3y", "csv", 9, bytes(32), (1, 9), ((2, 3), (4, 5)), ())


def test_a_manifest_is_read_as_it_was_written() -> None:
    """All of it."""
    assert export.parse(export.body(GOOD)) == GOOD
    files = (File("records.csv", 9, "0f" * 32), File("proof", 0, "0e" * 32))
    assert export.parse(export.body(GOOD._replace(files=files))).files == files


@pytest.mark.parametrize(
    "said",
    [
        GOOD._replace(records=(1, 10)),
        GOOD._replace(records=(3, 3)),
        GOOD._replace(left_out=((0, 2),)),
        GOOD._replace(left_out=((8, 10),)),
        GOOD._replace(left_out=((4, 5), (2, 3))),
        GOOD._replace(left_out=((2, 4), (4, 5))),
        GOOD._replace(form="PDF"),
        GOOD._replace(origin="a b"),
        GOOD._replace(root=bytes(31)),
        GOOD._replace(id=""),
        GOOD._replace(files=(File("a b", 1, "0" * 64),)),
        GOOD._replace(files=(File("a", 1, "0F" * 32),)),
    ],
)
def test_a_manifest_has_one_spelling(said: Export) -> None:
    """What does not fit together is none."""
    with pytest.raises(Malformed):
        export.parse(export.body(said))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what was taken, who signed it, and what is proved; for scripts, too."""
    made = Made(tmp_path / "january")
    target = str(made.path)
    assert main(["verify", target, "--key", VKEY]) == HOLDS
    said = capsys.readouterr().out
    assert said.startswith("`january` holds\n")
    assert "records    records 100 to 499 of 600, as ndjson\n" in said
    assert "proved     each record, byte by byte" in said
    assert main(["verify", target]) == UNDECIDED
    assert "signature  not checked" in capsys.readouterr().out
    assert main(["verify", target, "--json", "--key", VKEY]) == HOLDS
    told = json.loads(capsys.readouterr().out)
    assert (told["result"], told["proved"], told["records"]) == ("holds", True, [100, 499 + 1])
    assert main(["verify", target, "--key", VKEY, "--state", str(tmp_path / "seen")]) == USAGE
    assert "leave out --state" in capsys.readouterr().err
    Made(tmp_path / "parts", left_out=((120, 130),))
    assert main(["verify", str(tmp_path / "parts"), "--key", VKEY]) == HOLDS
    said = capsys.readouterr().out
    assert "LEFT OUT   records 120 to 129, which the log had lost" in said
    assert "is the word of whoever took them" in said


def test_the_command_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to a hundred differences, and how many more."""
    made = Made(tmp_path)
    for number in range(102):
        made.write(f"more-{number:03}", b"")
    assert main(["verify", str(tmp_path), "--key", VKEY]) == FAILS
    said = capsys.readouterr().out
    assert said.split("\n")[0].endswith("does not hold")
    assert "- `more-000` is not in the manifest\n" in said
    assert "- and 2 more" in said
    assert "proved" not in said
    made.write("manifest", b"nothing")
    assert main(["verify", str(tmp_path), "--json", "--key", VKEY]) == FAILS
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "note-malformed"
    assert main(["verify", str(tmp_path), "--key", VKEY]) == FAILS
    assert "the note is not a text, an empty line and signatures" in capsys.readouterr().out
    made.write("manifest", b"\xff")
    assert made.codes() == ["manifest-malformed"]


def test_a_log_that_was_exported_is_held_to_both(
    new_export: Callable[[int], Log], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is verified as a log, once its manifest is found to be about it."""
    log = new_export(SIZE)
    checkpoint = (log.path / "checkpoint").read_bytes()
    files = (File("checkpoint", len(checkpoint), sha256(checkpoint).hexdigest()),)
    said = Export(ORIGIN, "0199", "k3y", "log", SIZE, root_of(HASHES), (0, SIZE), (), files)
    log.write("manifest", signed(export.body(said)).encode())
    assert main(["verify", str(log.path), "--key", VKEY]) == HOLDS
    assert f"root       {b64encode(root_of(HASHES)).decode()}" in capsys.readouterr().out
    log.change("tile/0/001", 7, b"x")
    assert main(["verify", str(log.path), "--key", VKEY]) == FAILS
    assert "the bytes do not match their leaf hash" in capsys.readouterr().out
    log.write("checkpoint", checkpoint[:-1])
    assert main(["verify", str(log.path), "--key", VKEY]) == FAILS
    assert "`checkpoint` has" in capsys.readouterr().out


def test_what_cannot_be_read_is_no_finding(tmp_path: Path) -> None:
    """A manifest that is gone by the time it is read says nothing of the export."""
    with pytest.raises(Unreadable, match="there is no file"):
        verify_export(tmp_path)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_stretch_of_any_tree_leads_to_its_root(data: st.DataObject) -> None:
    """And a stretch of other records, or with another proof, does not."""
    size = data.draw(st.integers(1, SIZE))
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    hashes = HASHES[:size]
    proof = subtrees(hashes).stretch(first, end, size)
    records = range(first, end)
    assert stretch_root(records, size, hashes[first:end], proof) == root_of(hashes)
    forged = [bytes(32), *hashes[first + 1 : end]]
    assert stretch_root(records, size, forged, proof) != root_of(hashes)
    with pytest.raises(Contradiction):
        stretch_root(records, size, hashes[first:end], [*proof, bytes(32)])


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["ndjson", "csv", "parquet"]),
    st.dictionaries(
        st.sampled_from(["records.ndjson", "records.csv", "proof"]),
        st.binary(max_size=200) | st.text(max_size=60).map(str.encode),
    ),
    st.none() | st.binary(max_size=300),
)
def test_whatever_stands_in_the_files_is_a_finding(
    tmp_path_factory: pytest.TempPathFactory, form: str, files: dict[str, bytes], note: bytes | None
) -> None:
    """Malformed evidence is told, never an exception of another kind."""
    made = Made(tmp_path_factory.mktemp("fuzz"), form, (100, 103))
    for name, data in files.items():
        made.write(name, data)
    if note is None:
        made.sign()
    else:
        made.write("manifest", note)
    for each in verify_export(made.path, vkey=VKEY).findings:
        assert isinstance(each, VerificationError)
