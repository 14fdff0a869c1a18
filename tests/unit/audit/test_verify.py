"""Verification of whole ledgers: checkpoint, signature, tree state, and the report."""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from policyd_audit.errors import Malformed
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.report import Report
from policyd_audit.verify import verify

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]

SIZE = 300  # one full tile, then subtrees of 32, 8 and 4 records
ORIGIN = "policyd.example/audit/1"
ROOT_DIFFERS = "checkpoint: the 300 records do not add up to the root it states"


def codes(report: Report) -> list[str]:
    """The codes of what was found, in order."""
    return [finding.code for finding in report.findings]


def messages(report: Report) -> list[str]:
    """What was found, in words."""
    return [finding.message for finding in report.findings]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, SIZE, 513])
def test_a_good_ledger_holds(new_ledger: New, size: int) -> None:
    """A ledger as the server writes it passes, with the root of its checkpoint."""
    ledger = new_ledger(size)
    report = ledger.verify()
    assert report.holds, messages(report)
    assert report.records_match
    assert (report.signature, report.more) == ("good", 0)
    assert report.checkpoint is not None
    assert report.checkpoint.size == size
    assert report.root == report.checkpoint.root == ledger.blob("select root from state")


def test_without_a_key_the_signature_stays_unchecked(new_ledger: New) -> None:
    """A report never calls a signature good that nobody checked."""
    report = new_ledger(3).verify(None)
    assert report.holds
    assert report.signature == "unchecked"


def test_a_bad_key_is_refused_at_once(new_ledger: New) -> None:
    """A key that is none is the caller's fault, not a finding about the ledger."""
    with pytest.raises(Malformed) as caught:
        new_ledger(3).verify("no+key+")
    assert caught.value.code == "key-malformed"


def test_progress_tells_how_far_it_came(new_ledger: New) -> None:
    """Whoever waits hears after each tile how many records are done."""
    heard: list[tuple[int, int]] = []
    with LedgerFile(new_ledger(SIZE).path) as evidence:
        verify(evidence, progress=lambda done, size: heard.append((done, size)))
    assert heard == [(256, SIZE), (SIZE, SIZE)]


def test_a_log_signed_by_another_key_is_refused(new_ledger: New) -> None:
    """A whole log under the same name, but of another key, is not the log one trusts."""
    ledger = new_ledger(SIZE)
    ledger.sign(ledger.note().split("\n\n")[0] + "\n", seed=bytes(32))
    report = ledger.verify()
    assert codes(report) == ["signature-missing"]
    assert (report.signature, report.records_match) == ("bad", True)


def test_a_forgery_of_all_but_the_signature_fails_by_the_root(new_ledger: New) -> None:
    """Whoever rewrites records, hashes, tiles and state still lacks a signed root."""
    ledger, forgery = new_ledger(SIZE), new_ledger(SIZE - 1)
    forgery.change("update state set note = ?", ledger.note().replace("\n300\n", "\n299\n"))
    report = forgery.verify()
    assert codes(report) == ["signature-invalid", "state-differs", "root-differs"]
    assert report.signature == "bad"


@pytest.mark.parametrize(
    "text",
    [
        "{origin}\n300\n{root}\nextension\n",
        "{origin}\n0300\n{root}\n",
        "{origin}\n300\n",
        "{origin}\n300\n{root}\n\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(new_ledger: New, text: str) -> None:
    """A signature does not make a checkpoint of a text that is none; records are walked still."""
    ledger = new_ledger(SIZE)
    root = b64encode(ledger.blob("select root from state")).decode()
    ledger.sign(text.format(origin=ORIGIN, root=root))
    report = ledger.verify()
    assert codes(report) == ["checkpoint-malformed"]
    assert (report.signature, report.checkpoint, report.records_match) == ("bad", None, False)
    assert report.root == ledger.blob("select root from state")


@pytest.mark.parametrize("note", ["", "text", "text\n\n", "\x00"])
def test_a_note_that_is_none_is_refused(new_ledger: New, note: str) -> None:
    """A ledger without a note proves nothing, with or without a key."""
    ledger = new_ledger(SIZE)
    ledger.change("update state set note = ?", note)
    assert codes(ledger.verify()) == ["note-malformed"]
    assert codes(ledger.verify(None)) == ["note-malformed"]
    assert ledger.verify(None).signature == "unchecked"


def test_a_checkpoint_of_another_log_is_refused(new_ledger: New) -> None:
    """A key signs for the log of its own name only."""
    ledger = new_ledger(SIZE)
    ledger.sign(ledger.note().split("\n\n")[0].replace("audit/1", "audit/2") + "\n")
    report = ledger.verify()
    assert codes(report) == ["checkpoint-origin", "record-epoch"]
    assert "of the log `policyd.example/audit/2`, not `policyd.example" in messages(report)[0]


def test_a_forged_size_does_not_keep_the_verifier_busy(new_ledger: New) -> None:
    """A checkpoint of records without number is refused at once, not counted through."""
    ledger = new_ledger(SIZE)
    note = ledger.note().replace("\n300\n", f"\n{2**63 - 1}\n")
    ledger.change("update state set note = ?", note)
    report = ledger.verify(None)
    assert messages(report)[0] == (
        "records 300 to 9223372036854775806 are missing; what follows was not checked"
    )
    assert (report.root, report.records_match) == (None, False)


def test_another_size_of_the_state_is_named(new_ledger: New) -> None:
    """A state of another size than the checkpoint is no difference of the records."""
    ledger = new_ledger(SIZE)
    ledger.change("update state set size = 299")
    report = ledger.verify()
    assert messages(report) == ["tree state: its size 299 is not that of the checkpoint, 300"]
    assert report.records_match


def test_another_root_of_the_state_is_named(new_ledger: New) -> None:
    """A state with another root than the checkpoint is no difference of the records."""
    ledger = new_ledger(SIZE)
    ledger.change("update state set root = zeroblob(32)")
    report = ledger.verify()
    assert messages(report) == ["tree state: its root is not that of the checkpoint"]
    assert report.records_match


@pytest.mark.parametrize("stack", [b"", bytes(31), bytes(5 * 32)])
def test_a_stack_of_another_length_is_named(new_ledger: New, stack: bytes) -> None:
    """A stack that is not one hash for each bit of the size is malformed."""
    ledger = new_ledger(SIZE)
    ledger.change("update state set stack = ?", stack)
    report = ledger.verify()
    assert messages(report) == ["tree state: its stack is not the 4 hashes of size 300"]
    assert report.records_match


def test_a_changed_hash_of_the_stack_is_named(new_ledger: New) -> None:
    """A changed subtree root is named by the records under it."""
    ledger = new_ledger(SIZE)
    stack = bytearray(ledger.blob("select stack from state"))
    stack[32] ^= 1
    ledger.change("update state set stack = ?", bytes(stack))
    report = ledger.verify()
    assert messages(report) == ["tree state: another hash is kept for records 256 to 287"]
    assert report.findings[0].facts == {"record": 256, "records": 32}
    assert report.records_match


def test_a_missing_state_does_not_hide_a_changed_record(new_ledger: New) -> None:
    """Where nothing says how many records there should be, those there are are still checked."""
    ledger = new_ledger(SIZE)
    ledger.change("delete from state")
    ledger.change("update leaf set hash = zeroblob(32) where seq = 41")
    report = ledger.verify()
    assert codes(report) == ["state-malformed", "record-hash"]
    assert report.signature == "bad"
    assert ledger.verify(None).signature == "unchecked"


@pytest.mark.parametrize(
    ("level", "n", "name"),
    [(0, 1, "0/1"), (1, 0, "1/0"), (0, -1, "0/-1"), (-1, 0, "-1/0"), (2**62, 0, f"{2**62}/0")],
)
def test_a_tile_too_many_is_named(new_ledger: New, level: int, n: int, name: str) -> None:
    """A tile that a tree of this size does not have is no part of it."""
    ledger = new_ledger(SIZE)
    ledger.change("insert into tile values(?, ?, zeroblob(8192))", level, n)
    report = ledger.verify()
    assert messages(report) == [f"tile `{name}` is stored, but a tree of size 300 has no such tile"]
    assert report.records_match


def test_a_tile_of_no_number_is_named(new_ledger: New) -> None:
    """A tile whose level or number is not an integer is no part of the tree."""
    ledger = new_ledger(SIZE)
    ledger.change("insert into tile values('x', 0, zeroblob(8192))")
    ledger.change("insert into tile values(0, x'00', zeroblob(8192))")
    assert codes(ledger.verify()) == ["tile-unexpected", "tile-unexpected"]


def page_of(ledger: "Ledger", table: str) -> int:
    """Where the root page of a table begins in the file."""
    with ledger.open() as db:
        query = "select rootpage from sqlite_schema where name = ?"
        (page,) = db.execute(query, (table,)).fetchone()
        (size,) = db.execute("pragma page_size").fetchone()
    return (int(page) - 1) * int(size)


@pytest.mark.parametrize(
    ("table", "stated", "expected"),
    [
        ("leaf", True, ["ledger-damaged"]),
        ("leaf", False, ["state-malformed", "ledger-damaged"]),
        ("tile", True, ["ledger-damaged", "ledger-damaged"]),
        ("state", True, ["ledger-damaged"]),
    ],
)
def test_a_damaged_page_is_a_finding(
    new_ledger: New, table: str, expected: list[str], *, stated: bool
) -> None:
    """Where SQLite itself cannot read on, the report says so and checks what it can."""
    ledger = new_ledger(SIZE)
    if not stated:
        ledger.change("delete from state")
    with ledger.path.open("r+b") as file:
        file.seek(page_of(ledger, table))
        file.write(b"\xff" * 8)
    assert codes(ledger.verify()) == expected
