"""Tampering of every kind with a ledger: none passes, and none breaks the verifier."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit.errors import VerificationError

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]
pytestmark = pytest.mark.no_cover  # whole verifications by the hundred; written cases cover it all

SIZE = 300
READ = {
    "leaf": "select leaf from leaf where seq = 41",
    "hash": "select hash from leaf where seq = 280",
    "data": "select data from tile",
    "stack": "select stack from state",
    "root": "select root from state",
    "note": "select cast(note as blob) from state",
}
WRITE = {
    "leaf": "update leaf set leaf = ? where seq = 41",
    "hash": "update leaf set hash = ? where seq = 280",
    "data": "update tile set data = ?",
    "stack": "update state set stack = ?",
    "root": "update state set root = ?",
    "note": "update state set note = ?",
}
WRITE_TEXT = {"note": "update state set note = cast(? as text)"}
RENUMBER = {
    "record": ("update leaf set seq = ? where seq = 41", 41),
    "level": ("update tile set level = ?", 0),
    "tile": ("update tile set n = ?", 0),
    "size": ("update state set size = ?", 300),
}
SEQ = st.integers(0, SIZE - 1)
ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.text(st.characters(codec="utf-8"), max_size=50),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.sampled_from([bytes(32), bytes(8192), bytes(4 * 32), "0" * 32, "0" * 8192]),
)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(sorted(READ)), st.integers(0), st.integers(1, 255))
def test_any_changed_byte_is_caught(new_ledger: New, name: str, at: int, flip: int) -> None:
    """One byte changed in a record, hash, tile, stack, root or note, and the ledger fails."""
    ledger = new_ledger(SIZE)
    data = bytearray(ledger.blob(READ[name]))
    data[at % len(data)] ^= flip
    ledger.change((WRITE | WRITE_TEXT)[name], bytes(data))
    assert not ledger.verify().holds


@settings(deadline=None, max_examples=30)
@given(st.sets(SEQ, min_size=1, max_size=4))
def test_any_dropped_records_are_caught(new_ledger: New, dropped: set[int]) -> None:
    """Whichever records are taken out, each is named."""
    ledger = new_ledger(SIZE)
    for seq in dropped:
        ledger.change("delete from leaf where seq = ?", seq)
    report = ledger.verify()
    missing = [finding.facts for finding in report.findings if finding.code == "record-missing"]
    assert sum(int(facts["records"]) for facts in missing) == len(dropped)
    assert int(missing[0]["record"]) == min(dropped)


@settings(deadline=None, max_examples=30)
@given(SEQ, st.integers(1, SIZE - 1))
def test_any_swapped_records_are_caught(new_ledger: New, first: int, distance: int) -> None:
    """Whichever records change places, with their hashes, the ledger fails."""
    ledger = new_ledger(SIZE)
    second = (first + distance) % SIZE
    for old, new in ((first, -1), (second, first), (-1, second)):
        ledger.change("update leaf set seq = ? where seq = ?", new, old)
    assert not ledger.verify().holds


@settings(deadline=None, max_examples=30)
@given(SEQ)
def test_any_forged_record_is_caught(new_ledger: New, seq: int) -> None:
    """Whichever record is replaced by another good one with its hash, the ledger fails."""
    ledger = new_ledger(SIZE)
    ledger.forge(seq)
    report = ledger.verify()
    assert [finding.code for finding in report.findings] == [
        "tile-differs" if seq < 256 else "state-differs",
        "root-differs",
    ]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, SIZE - 1))
def test_any_truncation_is_caught(new_ledger: New, size: int) -> None:
    """A log cut off anywhere, with all its parts made to fit, lacks a signed checkpoint."""
    ledger, note = new_ledger(size), new_ledger(SIZE).note()
    ledger.change("update state set note = ?", note)
    assert not ledger.verify().holds


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(st.sampled_from(sorted(WRITE)), ANYTHING, min_size=1))
def test_anything_in_place_of_a_value_is_a_finding(
    new_ledger: New, values: dict[str, object]
) -> None:
    """Whatever stands in a column, of whatever type, is reported and never an exception."""
    ledger = new_ledger(SIZE)
    for name, value in values.items():
        ledger.change(WRITE[name], value)
    assert not ledger.verify().holds
    assert not ledger.verify(None).holds


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(RENUMBER)), st.integers(-(2**63), 2**63 - 1))
def test_any_number_in_place_of_another_is_a_finding(
    new_ledger: New, name: str, number: int
) -> None:
    """Whatever number a record, a tile or the state is given, the ledger fails."""
    ledger = new_ledger(SIZE)
    statement, old = RENUMBER[name]
    try:
        ledger.change(statement, number)
    except sqlite3.IntegrityError:  # another record has the number
        return
    assert ledger.verify().holds == (number == old)


@settings(deadline=None, max_examples=80)
@given(st.integers(0), st.binary(min_size=1, max_size=64))
def test_a_file_with_any_bytes_overwritten_breaks_nothing(
    new_ledger: New, at: int, data: bytes
) -> None:
    """Wherever the file is damaged, there is a report or an error that says what is wrong."""
    ledger = new_ledger(SIZE)
    with ledger.path.open("r+b") as file:
        file.seek(at % ledger.path.stat().st_size)
        file.write(data)
    check_quietly(ledger)


@settings(deadline=None, max_examples=30)
@given(st.integers(0))
def test_a_file_cut_off_anywhere_never_holds(new_ledger: New, size: int) -> None:
    """A ledger file that lost its end is refused or fails."""
    ledger = new_ledger(SIZE)
    with ledger.path.open("r+b") as file:
        file.truncate(size % ledger.path.stat().st_size)
    assert not check_quietly(ledger)


def check_quietly(ledger: "Ledger") -> bool:
    """Whether the ledger holds; no other error than the verifier's own may come."""
    try:
        return ledger.verify().holds
    except VerificationError:
        return False
