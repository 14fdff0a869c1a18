"""What lies beside a log: nothing is changed or removed without being found, or on record."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import remembered
from policyd_audit.cli import main
from policyd_audit.disclosure import digest, erased
from policyd_audit.errors import Malformed
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.render import as_json, text
from policyd_audit.sharing import screened
from policyd_audit.sources import Folder
from policyd_audit.tiled_log import TiledLog
from policyd_audit.verify import verify
from tests.disclosures import disclosure
from tests.unit.audit.conftest import VKEY, content, decision, encoded, leaf

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Exported, Ledger

SIZE = 600
HIDING, ERASE, PRUNE = 520, 590, 595
BESIDE = """
create table disclosure(id integer primary key, data blob not null);
create table retained(id integer primary key, first integer not null, act integer not null);
"""
ADDRESS = disclosure("c2FsdC1vbmU", "address", "10.0.0.4")
PURPOSE = disclosure("c2FsdC10d28", "purpose", "asked for by Ida")


def hiding() -> bytes:
    """A decision that keeps two values apart."""
    made = decision(HIDING, personal=["address", "purpose"])
    made["caller"] = {"_sd": [digest(ADDRESS)], "key": "k"}
    made["call"] = {"_sd": [digest(PURPOSE)], "action": "send"}
    return encoded(made)


def acting(index: int, act: str, first: int, end: int, count: int) -> bytes:
    """The record of something that was removed."""
    said = {"act": act, "first": first, "end": end, "count": count, "by": "k"}
    made: dict[str, Any] = content(index, kind="retention", **said)
    del made["text"], made["rows"]
    return encoded(made)


def leaves() -> list[bytes]:
    """A log with a record that hides something, an erasure of it, and a pruning."""
    made = [leaf(at) for at in range(SIZE)]
    made[HIDING] = hiding()
    made[ERASE] = acting(ERASE, "erase", HIDING, HIDING + 1, 1)
    made[PRUNE] = acting(PRUNE, "prune", 0, 512, 512)
    return made


@pytest.fixture
def ledger(new_ledger: Callable[[int], "Ledger"]) -> "Ledger":
    """The log, with both values beside it and nothing removed."""
    made = new_ledger(0)
    made.path.unlink()
    made.fill(leaves())
    with made.open() as db:
        db.executescript(BESIDE)
    put(made, 0, ADDRESS)
    put(made, 1, PURPOSE)
    return made


@pytest.fixture
def exported(new_export: Callable[..., "Exported"], tmp_path: Path) -> "Exported":
    """The log as a folder."""
    made = type(new_export(1))(tmp_path / "log", leaves())
    assert made.verify().holds
    return made


def put(ledger: "Ledger", number: int, data: object) -> None:
    """Put something beside the record that hides."""
    sql = "insert or replace into disclosure values(?, ?)"
    ledger.change(sql, HIDING << 16 | number, data)


def prune(ledger: "Ledger", first: int) -> None:
    """Let the log begin there."""
    ledger.change("insert into retained values(1, ?, ?)", first, PRUNE)
    ledger.change("delete from leaf where seq < ?", first)


def codes(ledger: "Ledger") -> list[str]:
    """The codes of what is found."""
    return [each.code for each in ledger.verify().findings]


def shown(ledger: "Ledger", capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `show` prints of the record that hides."""
    assert main(["show", str(ledger.path), str(HIDING)]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_values_are_shown(ledger: "Ledger", capsys: pytest.CaptureFixture[str]) -> None:
    """`show` prints what is disclosed, beside the record as it is in the log."""
    assert codes(ledger) == []
    said = shown(ledger, capsys)
    assert "purpose" not in said["record"]["call"]
    assert said["disclosed"] == [
        {"path": "call.purpose", "value": "asked for by Ida"},
        {"path": "caller.address", "value": "10.0.0.4"},
    ]
    assert "erased" not in said


def test_what_was_erased_is_told(ledger: "Ledger", capsys: pytest.CaptureFixture[str]) -> None:
    """`show` names it and the record of the act; the ledger holds."""
    put(ledger, 1, erased(ERASE, len(PURPOSE)))
    assert codes(ledger) == []
    said = shown(ledger, capsys)
    assert said["erased"] == ["purpose"]
    act = json.loads(leaves()[ERASE])["id"]
    assert said["erased_by"] == [{"index": ERASE, "id": act}]


def test_an_act_that_is_not_there(ledger: "Ledger", capsys: pytest.CaptureFixture[str]) -> None:
    """`show` says so of an act beyond the log; a record that is no blob has no id."""
    put(ledger, 1, erased(SIZE, len(PURPOSE)))
    assert shown(ledger, capsys)["erased_by"] == [{"index": SIZE, "id": None}]
    ledger.change("update leaf set leaf = 'x' where seq = ?", ERASE)
    put(ledger, 1, erased(ERASE, len(PURPOSE)))
    assert shown(ledger, capsys)["erased_by"] == [{"index": ERASE, "id": None}]


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (disclosure("c2FsdC10d28", "purpose", "x"), "disclosure-differs", "not what was recorded"),
        (b"{}", "disclosure-malformed", "a list of salt"),
        ("text", "disclosure-malformed", "not a blob"),
        (None, "disclosure-missing", "nobody erased it"),
    ],
)
def test_what_is_beside_a_record_is_held_to_it(
    ledger: "Ledger", capsys: pytest.CaptureFixture[str], data: object, code: str, told: str
) -> None:
    """A value that was changed, spoilt or taken away is found by `verify` and by `show`."""
    if data is None:
        ledger.change("delete from disclosure where id = ?", HIDING << 16 | 1)
    else:
        put(ledger, 1, data)
    (finding,) = ledger.verify().findings
    assert (finding.code, finding.facts) == (code, {"record": HIDING})
    assert f"record {HIDING}: " in finding.message
    assert told in finding.message
    assert main(["show", str(ledger.path), str(HIDING)]) == 1
    assert f"record {HIDING}: " in capsys.readouterr().err


@pytest.mark.parametrize("act", [SIZE + 5, HIDING - 1, PRUNE])
def test_an_erasure_that_nobody_recorded(ledger: "Ledger", act: int) -> None:
    """What was erased by a record that is none of an erasure is missing."""
    put(ledger, 1, erased(act, len(PURPOSE)))
    (finding,) = ledger.verify().findings
    assert finding.code == "disclosure-missing"
    assert f"but not by record {act}" in finding.message


def test_an_erasure_of_more_than_was_recorded(ledger: "Ledger") -> None:
    """An act covers as many values as its record says."""
    put(ledger, 0, erased(ERASE, len(ADDRESS)))
    put(ledger, 1, erased(ERASE, len(PURPOSE)))
    assert codes(ledger) == ["disclosure-missing"]


def test_a_pruned_ledger_holds(ledger: "Ledger") -> None:
    """The rest is verified, the hashes of what was pruned add up, and the report says so."""
    prune(ledger, 512)
    report = ledger.verify()
    assert (report.holds, report.begin, report.pruned_by) == (True, 512, PRUNE)
    assert f"pruned     records 0 to 511, as record {PRUNE} says" in text(report, "x")
    assert json.loads(as_json(report))["pruned_by"] == PRUNE


def test_a_ledger_that_was_cut_without_a_record(ledger: "Ledger") -> None:
    """Where no record says that the log begins later, the records before that are missing."""
    prune(ledger, 256)
    (finding,) = ledger.verify().findings
    assert (finding.code, finding.facts) == ("record-missing", {"record": 0, "records": 256})
    assert "as no record says" in text(ledger.verify(), "x")


def test_a_hash_of_what_was_pruned_changed(ledger: "Ledger") -> None:
    """The hashes that stand for pruned records still have to lead to the signed root."""
    prune(ledger, 512)
    data = ledger.blob("select data from tile where n = 0")
    ledger.change("update tile set data = ? where n = 0", bytes(32) + data[32:])
    assert "root-differs" in codes(ledger)


@pytest.mark.parametrize("first", [-256, 7, "x"])
def test_a_beginning_that_cannot_be(ledger: "Ledger", first: object) -> None:
    """A number that cannot be the beginning of a log is malformed."""
    ledger.change("insert into retained values(1, ?, 0)", first)
    with LedgerFile(ledger.path) as evidence, pytest.raises(Malformed, match="begins at"):
        evidence.first()
    assert codes(ledger)[0] == "state-malformed"


def test_a_beginning_behind_the_end(ledger: "Ledger") -> None:
    """A log cannot begin behind its end; what it has is read, and the rest follows."""
    ledger.change("insert into retained values(1, 1024, 0)")
    assert ledger.verify().begin == 0


def test_a_ledger_from_before_there_was_anything_beside(
    new_ledger: Callable[[int], "Ledger"],
) -> None:
    """Without the tables, nothing was pruned and nothing is kept apart."""
    with LedgerFile(new_ledger(3).path) as evidence:
        assert (evidence.first(), evidence.beside(1)) == (0, ())


def test_looking_ahead_changes_nothing(ledger: "Ledger") -> None:
    """With records looked at ahead of the walk, what lies beside them is found all the same."""
    prune(ledger, 512)
    put(ledger, 0, erased(SIZE + 5, len(ADDRESS)))
    put(ledger, 1, erased(ERASE, len(PURPOSE)))
    with LedgerFile(ledger.path) as evidence:
        ahead = verify(evidence, vkey=VKEY, screen=partial(screened, processes=2, after=3))
    assert as_json(ahead) == as_json(ledger.verify())
    assert ahead.pruned_by == PRUNE
    assert [each.code for each in ahead.findings] == ["disclosure-missing"]


def bundles(exported: "Exported", numbers: Sequence[int]) -> None:
    """Take bundles away."""
    for number in numbers:
        (exported.path / f"tile/entries/{number:03d}").unlink()


def test_a_pruned_folder_holds(exported: "Exported") -> None:
    """The beginning is found by the bundles that are there, and has to be on record."""
    bundles(exported, [0, 1])
    report = exported.verify()
    assert (report.holds, report.begin, report.pruned_by) == (True, 512, PRUNE)


def test_a_folder_without_its_first_bundle(exported: "Exported") -> None:
    """A bundle that is missing without a record of a pruning is a fault."""
    bundles(exported, [0])
    (finding,) = exported.verify().findings
    assert (finding.code, finding.facts) == ("record-missing", {"record": 0, "records": 256})


def test_a_folder_without_any_bundle(exported: "Exported") -> None:
    """Where no record is there at all, nothing was pruned: they are missing."""
    bundles(exported, [0, 1])
    (exported.path / "tile/entries/002.p/88").unlink()
    assert [each.code for each in exported.verify().findings] == ["resource-missing"]


def test_a_folder_with_a_damaged_first_bundle(exported: "Exported") -> None:
    """A bundle that cannot be read is there all the same."""
    exported.write("tile/entries/000", b"\xff")
    assert exported.verify().findings[0].code == "bundle-malformed"


@pytest.mark.parametrize("size", [100, 300, 520])
def test_going_on_where_records_were_pruned_since(exported: "Exported", size: int) -> None:
    """With a checkpoint from before, wherever the log begins now, the rest must go on from it."""
    bundles(exported, [0, 1])
    with TiledLog(Folder(exported.path)) as log:
        log.size = remembered(log.note()).size
        seen = Checkpoint("policyd.example/audit/1", size, log.tree(size).root())
    report = exported.verify(seen=seen)
    assert (report.findings, report.seen) == ((), size)
    assert report.begin == (512 if size < 512 else 0)


@pytest.mark.parametrize("wanted", ["5", "511"])
def test_a_pruned_record_is_not_shown(
    ledger: "Ledger", capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    """Whoever asks for it is told where the log begins."""
    prune(ledger, 512)
    assert main(["show", str(ledger.path), wanted]) == 2
    told = capsys.readouterr().err
    assert f"record {wanted} was pruned: this log begins at record 512" in told


def test_looking_records_up_in_a_pruned_folder(
    exported: "Exported", capsys: pytest.CaptureFixture[str]
) -> None:
    """By id, only what is there is looked through; what is personal is for the server to show."""
    bundles(exported, [0, 1])
    for at in (512, HIDING, SIZE - 1):
        record_id = json.loads(leaves()[at])["id"]
        assert main(["show", str(exported.path), record_id]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["index"] == at
        assert said.get("hidden") == (["address", "purpose"] if at == HIDING else None)
    assert main(["show", str(exported.path), json.loads(leaves()[3])["id"]]) == 2


def test_an_empty_folder_begins_at_nothing(tmp_path: Path) -> None:
    """A log without records has no beginning to be found."""
    (tmp_path / "checkpoint").write_text("x")
    with TiledLog(Folder(tmp_path)) as log:
        assert log.first() == 0


@pytest.mark.parametrize("member", ["first", "end", "count"])
def test_a_record_of_an_act_without_numbers(ledger: "Ledger", member: str) -> None:
    """A record that does not say what was removed is no record of it."""
    made = leaves()
    said = json.loads(made[PRUNE])
    del said[member]
    made[PRUNE] = encoded(said)
    with ledger.open() as db:
        for table in ("leaf", "tile", "state", "disclosure", "retained"):
            db.execute(f"drop table {table}")
    ledger.fill(made)
    with ledger.open() as db:
        db.executescript(BESIDE)
    put(ledger, 0, ADDRESS)
    put(ledger, 1, PURPOSE)
    prune(ledger, 512)
    assert codes(ledger) == ["record-missing"]


def test_an_act_of_another_kind(ledger: "Ledger") -> None:
    """What a record calls something else neither erases nor prunes."""
    made = leaves()
    made[PRUNE] = acting(PRUNE, "other", 0, 512, 512)
    with ledger.open() as db:
        for table in ("leaf", "tile", "state"):
            db.execute(f"drop table {table}")
    ledger.fill(made)
    prune(ledger, 512)
    assert codes(ledger) == ["record-missing"]


@pytest.mark.parametrize(
    "change",
    [
        {"personal": ["b", "a"]},
        {"personal": "a"},
        {"personal": [""]},
        {"_sd": "x"},
        {"call": {"_sd": ["x"]}},
        {"caller": {"key": "k", "_sd": ["x"]}},
    ],
)
def test_a_record_that_hides_badly(
    ledger_of: Callable[..., "Ledger"], change: dict[str, object]
) -> None:
    """Names and digests have one form."""
    ledger = ledger_of({}, decision(1) | change)
    assert "record-malformed" in codes(ledger)


def test_a_caller_without_an_address(ledger_of: Callable[..., "Ledger"]) -> None:
    """It may be missing only where something is hidden."""
    caller = {"caller": {"key": "k"}}
    assert codes(ledger_of({}, decision(1) | caller)) == ["record-malformed"]
    hidden = {"caller": {"key": "k", "_sd": [digest(ADDRESS)]}}
    assert codes(ledger_of({}, decision(1) | hidden)) == []
