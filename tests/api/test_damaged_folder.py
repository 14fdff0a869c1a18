"""A damaged data folder: no server starts on it, and nothing in it is changed."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.api.test_start import USAGE, contents, refusal, serve
from tests.servers import Home


def remove(part: str) -> Callable[[Path], object]:
    """A way to damage a data folder: without this file."""
    return lambda data: (data / part).unlink()


def overwrite(part: str, text: bytes) -> Callable[[Path], object]:
    """A way to damage a data folder: this file with other contents."""
    return lambda data: (data / part).write_bytes(text)


def change_ledger(sql: str) -> Callable[[Path], object]:
    """A way to damage a ledger: by SQL."""

    def change(data: Path) -> None:
        with closing(apsw.Connection(str(data / "ledger.db"))) as ledger:
            ledger.execute(sql)

    return change


def tear(data: Path) -> None:
    """Overwrite the middle of every page of the ledger."""
    ledger = data / "ledger.db"
    torn = bytearray(ledger.read_bytes())
    for page in range(0, len(torn), 4096):
        torn[page + 2000 : page + 4000] = b"\xa5" * 2000
    ledger.write_bytes(torn)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "data-folder-missing"),
    "no ledger": (remove("ledger.db"), "data-folder-damaged"),
    "no signing key": (remove("keys/signing.key"), "data-folder-damaged"),
    "no pepper": (remove("keys/pepper"), "data-folder-damaged"),
    "no lock": (remove("lock"), "data-folder-damaged"),
    "a short pepper": (overwrite("keys/pepper", b"00"), "data-folder-damaged"),
    "a signing key that is none": (overwrite("keys/signing.key", b"x"), "data-folder-damaged"),
    "no database": (overwrite("ledger.db", b"no database at all" * 500), "ledger-damaged"),
    "an empty ledger": (overwrite("ledger.db", b""), "ledger-foreign"),
    "a torn ledger": (tear, "ledger-damaged"),
    "a changed record": (
        change_ledger("update leaf set leaf = cast(replace(leaf, 'admin', 'admim') as blob)"),
        "ledger-damaged",
    ),
    "a lost record": (change_ledger("delete from leaf where seq = 1"), "ledger-damaged"),
    "a forged size": (change_ledger("update state set size = 1"), "ledger-damaged"),
    "another database": (change_ledger("pragma application_id = 1"), "ledger-foreign"),
    "a newer ledger": (change_ledger("pragma user_version = 99"), "ledger-version"),
    "no registry database": (overwrite("registry.db", b"no database" * 500), "registry-unusable"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_data_folder(home: Home, what: str) -> None:
    """A server does not start on a damaged folder, says what is wrong, and changes nothing."""
    damage, code = DAMAGES[what]
    damage(home.data)
    before = contents(home.data)
    refused = refusal(home.data)
    assert refused.code == code
    assert str(home.data) in refused.message
    assert contents(home.data) == before


def test_a_key_of_another_log(home: Home, tmp_path: Path) -> None:
    """A ledger that another key has signed is not continued."""
    other = Home.make(tmp_path / "other")
    shutil.copy(other.data / "keys/signing.key", home.data / "keys/signing.key")
    status, said = serve(home.data)
    assert status == USAGE
    assert "[ledger-damaged]" in said
