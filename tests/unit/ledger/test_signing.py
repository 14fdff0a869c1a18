"""The signer: its file, its checkpoints, and what it refuses to be."""

from pathlib import Path

import pytest

from policyd.ledger.signing import Signer
from policyd.model.errors import DataFolderError, UsageError
from policyd_audit import checkpoint, note

# Printed in the documentation of golang.org/x/mod/sumdb/note.
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_reads_the_key_files_of_gos_notes(tmp_path: Path) -> None:
    """A published Go key pair is read, and has its published verifier key."""
    (tmp_path / "key").write_text(SKEY + "\n")
    signer = Signer.load(tmp_path / "key")
    assert (signer.origin, signer.vkey, signer.skey) == ("PeterNeumann", VKEY, SKEY)


def test_checkpoints_hold_against_the_published_key(signer: Signer) -> None:
    """Whoever has the verifier key can check a checkpoint and read size and root from it."""
    signed = note.parse(signer.checkpoint(3, b"\x05" * 32))
    note.verify(signed, note.parse_vkey(signer.vkey))
    assert checkpoint.parse(signed.text) == (signer.origin, 3, b"\x05" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        SKEY.removeprefix("PRIVATE+KEY+"),
        SKEY.replace("PeterNeumann", "PeterNewman"),  # another name has another id
        SKEY.replace("c74f20a3", "c74f20a4"),
        SKEY[:-4],
        SKEY.replace("+AYEK", "+AoEK"),  # of no type this knows
        SKEY.replace("PeterNeumann", ""),
        SKEY.replace("PeterNeumann", "Peter Neumann"),
        SKEY.replace("c74f20a3+", ""),
        "\x00\xff",
    ],
)
def test_a_damaged_key_file_is_named(tmp_path: Path, text: str) -> None:
    """A file that is not one whole key is refused by name; nothing of it is repeated."""
    path = tmp_path / "signing.key"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataFolderError, match=r"signing\.key` is not a signing key") as caught:
        Signer.load(path)
    assert caught.value.code == "data-folder-damaged"
    assert "AYEK" not in str(caught.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    """A lost key is said to be one, with the way out."""
    with pytest.raises(DataFolderError, match="restore it from a backup"):
        Signer.load(tmp_path / "signing.key")


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "bücher.example/log", "a\n", "x" * 256])
def test_an_origin_must_be_a_key_name(origin: str) -> None:
    """A log's name that no signed note can carry is refused with an example of one that can."""
    with pytest.raises(UsageError, match=r"such as policyd\.example\.com/log") as caught:
        Signer(origin, bytes(32))
    assert caught.value.code == "origin-invalid"
