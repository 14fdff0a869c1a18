"""Damaged files: bytes flipped anywhere are an error with a code, or are no harm to what is new."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger.reader import Reader
from policyd.ledger.record import id_of
from policyd.ledger.store import Store
from policyd.model.errors import DataFolderError, LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policyd.ledger.signing import Signer
    from tests.faults.logs import Batches

CODES = {"ledger-damaged", "ledger-foreign", "ledger-version", "ledger-unreadable", "disk-error"}


@pytest.fixture
def filled(
    ledger_path: Path, signer: Signer, batches: Callable[[list[int]], Batches]
) -> tuple[Path, list[bytes]]:
    """A ledger of 300 records, and some more to append."""
    old, new = batches([300, 3])
    with closing(Store(ledger_path, signer)) as store:
        store.append(old)
    return ledger_path, new


def places(whole: bytes) -> list[int]:
    """Where to flip: the start of each page, the row of the state, and all over the file."""
    heads = [page + at for page in range(0, len(whole), 4096) for at in (0, 1, 3, 5, 8, 11)]
    row = whole.index(b"policyd.example/log\n")
    return sorted({*heads, *range(row - 120, row + 200), *range(0, len(whole), 997)})


@pytest.mark.slow
def test_flipped_bytes_never_surprise(filled: tuple[Path, list[bytes]], signer: Signer) -> None:
    """Opening a ledger with flipped bytes refuses it with a code, or can go on; nothing else."""
    path, new = filled
    whole = path.read_bytes()
    refused = 0
    for at in places(whole):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        try:
            with closing(Store(path, signer)) as store, suppress(apsw.Error):
                store.append(new)
        except DataFolderError as error:
            assert error.code in CODES, error.message  # noqa: PT017 - many turns
            refused += 1
        with closing(Reader(path)) as reader, suppress(LedgerUnavailable):
            reader.page(limit=1000)
            reader.record_by_id(id_of(new[0]))
    assert refused > 0


@pytest.mark.slow
def test_a_changed_record_anywhere_is_named_by_the_verifier(
    filled: tuple[Path, list[bytes]], signer: Signer
) -> None:
    """One changed byte in any record, also in one too old for the start to look at, is found."""
    path, _ = filled
    with closing(apsw.Connection(str(path))) as db:
        leaf = db.execute("select leaf from leaf where seq = 7").get
        changed = leaf.replace(b"tested", b"Tested")
        db.execute("update leaf set leaf = ? where seq = 7", (changed,))
    with closing(Store(path, signer)) as store:
        assert store.size == 300
    command = [sys.executable, "-m", "policyd_audit", "verify", "--json", str(path)]
    done = subprocess.run(
        [*command, "--key", signer.vkey], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert id_of(leaf) in done.stdout
    json.loads(done.stdout)


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 4097, 20_000])
def test_a_cut_off_file_is_refused(
    keep: int, filled: tuple[Path, list[bytes]], signer: Signer
) -> None:
    """A file that lost its end is refused, whatever is left of it."""
    path, _ = filled
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataFolderError) as caught:
        Store(path, signer)
    assert caught.value.code in CODES
