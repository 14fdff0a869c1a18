"""The commands on tiled logs, receipts and proofs."""

import json
import runpy
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd_audit import archive, note, receipt, render, succession
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import remembered
from policyd_audit.cli import FAILS, HOLDS, UNDECIDED, USAGE, main
from policyd_audit.errors import Contradiction, Malformed
from policyd_audit.sources import KEY
from policyd_audit.targets import log_at
from policyd_audit.tiled_log import TiledLog
from tests.unit.audit.conftest import ORIGIN, VKEY, Exported, decision, encoded, leaf, signed
from tests.unit.audit.test_receipt import cosigned
from tests.unit.audit.test_sources import sending, serving

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from tests.unit.audit.conftest import Ledger

NewLedger = Callable[[int], "Ledger"]
NewExport = Callable[[int], Exported]
Captured = pytest.CaptureFixture[str]


class Program:
    """The program, run inside the test."""

    def __init__(self, captured: Captured, folder: Path) -> None:
        self._captured = captured
        self.folder = folder
        self.key = folder / "log.vkey"
        self.key.write_text(VKEY)

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one command."""
        code = main([str(each) for each in arguments])
        out, err = self._captured.readouterr()
        return code, out, err

    def good(self, *arguments: object) -> str:
        """Standard output of a command that must be fine."""
        code, out, err = self.run(*arguments, "--key", self.key)
        assert (code, err) == (HOLDS, "")
        return out

    def kept(self, name: str, text: str) -> Path:
        """The path of a file with this text."""
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def program(capsys: Captured, tmp_path: Path) -> Program:
    """The program."""
    return Program(capsys, tmp_path)


@pytest.fixture(params=["ledger", "folder", "server"])
def log(
    request: pytest.FixtureRequest,
    new_ledger: NewLedger,
    new_export: NewExport,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[object]:
    """One log of 600 records, in each of its homes."""
    if request.param == "ledger":
        yield new_ledger(600).path
        return
    folder = new_export(600).path
    if request.param == "folder":
        yield folder
        return
    monkeypatch.setenv(KEY, "pd_auditor")

    def answer(handler: "BaseHTTPRequestHandler") -> None:
        path = folder / handler.path.removeprefix("/log/")
        needs_key = "entries" in handler.path
        if needs_key and handler.headers["Authorization"] != "Bearer pd_auditor":
            sending(401, b"")(handler)
        else:
            sending(200, path.read_bytes())(handler)

    with serving(answer) as url:
        yield f"{url}/log"


def test_a_log_is_verified_wherever_it_is(program: Program, log: object) -> None:
    """A ledger file, a folder and a server give the same answer."""
    out = program.good("verify", log)
    name = Path(str(log)).name if str(log).endswith(".db") else log
    assert out.splitlines()[:3] == [
        f"`{name}` holds",
        f"  log        `{ORIGIN}`",
        "  records    600",
    ]


@pytest.mark.parametrize("wanted", ["0", "41", "599", json.loads(leaf(77))["id"]])
def test_a_receipt_is_made_and_checked(program: Program, log: object, wanted: str) -> None:
    """By number or id; it needs nothing but the key to be checked, and shows its record."""
    path = program.kept("x.tlog-proof", program.good("prove", log, wanted))
    made = receipt.parse(path.read_text())
    assert wanted in {str(made.position), json.loads(made.record or b"")["id"]}
    out = program.good("verify", path)
    assert out.startswith(f"`x.tlog-proof` holds: record {made.position} is in the log\n")
    told = json.loads(program.good("verify", path, "--json"))
    assert (told["result"], told["size"], told["index"]) == ("holds", 600, made.position)
    code, out, _ = program.run("show", path)
    assert (code, json.loads(out)["index"]) == (HOLDS, made.position)
    code, out, _ = program.run("show", log, wanted)
    assert (code, json.loads(out)["record"]) == (HOLDS, json.loads(made.record or b""))


@pytest.mark.parametrize("old", [1, 256, 300, 599, 600])
def test_growth_is_proved(program: Program, log: object, new_export: NewExport, old: int) -> None:
    """From any earlier checkpoint there is a proof, which is checked without the log."""
    seen = new_export(old).path / "checkpoint"
    path = program.kept("growth.proof", program.good("prove", log, "--from", seen))
    assert path.read_text() == program.good("prove", log, "--from", old)
    assert program.good("verify", path, "--from", seen).startswith(
        f"`growth.proof` holds: the log goes on from the {old} records it had\n"
    )
    assert json.loads(program.good("verify", path, "--from", seen, "--json"))["seen"] == old


def test_what_was_seen_is_remembered(
    program: Program, new_export: NewExport, new_ledger: NewLedger
) -> None:
    """The first time all is read; then the log has to go on from what it was, or it is told."""
    state = program.folder / "log.seen"
    assert "goes on" not in program.good("verify", new_export(300).path, "--state", state)
    out = program.good("verify", new_export(600).path, "--state", state)
    assert "  goes on    from the 300 records seen before\n" in out
    assert remembered(state.read_text()).size == 600
    assert "from the 600" in program.good("verify", new_ledger(700).path, "--state", state)
    code, out, _ = program.run("verify", new_ledger(300).path, "--key", VKEY, "--state", state)
    assert code == FAILS
    assert "had 700 when it was seen before" in out
    assert remembered(state.read_text()).size == 700
    forged = Exported(program.folder / "x", [leaf(0), *(leaf(at) for at in range(2, 800))])
    code, out, _ = program.run("verify", forged.path, "--key", VKEY, "--from", state)
    assert (code, "it was rewritten" in out) == (FAILS, True)


def test_a_ledger_that_contradicts_what_was_seen(program: Program, new_ledger: NewLedger) -> None:
    """Also a ledger file is held to it."""
    text = signed(f"{ORIGIN}\n7\n{'A' * 43}=\n")
    old = program.kept("old", text)
    code, out, _ = program.run("verify", new_ledger(9).path, "--key", VKEY, "--from", old)
    assert (code, "it was rewritten" in out) == (FAILS, True)


def test_only_what_was_checked_is_remembered(program: Program, new_export: NewExport) -> None:
    """Without the key, or with a finding, nothing is kept."""
    state = program.folder / "log.seen"
    log = new_export(3)
    assert program.run("verify", log.path, "--state", state)[0] == UNDECIDED
    log.change("tile/0/000.p/3", 0, b"?")
    assert program.run("verify", log.path, "--key", VKEY, "--state", state)[0] == FAILS
    assert not state.exists()


def test_a_state_that_cannot_be_written(program: Program, new_export: NewExport) -> None:
    """Is told, since the next time would not know of this one."""
    state = program.folder / "none" / "log.seen"
    code, _, err = program.run("verify", new_export(3).path, "--key", VKEY, "--state", state)
    assert (code, "cannot be written" in err) == (UNDECIDED, True)


def test_a_server_without_the_key_is_undecided(
    program: Program, new_export: NewExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read says nothing of the log."""
    monkeypatch.delenv(KEY, raising=False)
    note_of = (new_export(3).path / "checkpoint").read_bytes()

    def answer(handler: "BaseHTTPRequestHandler") -> None:
        sending(200 if handler.path.endswith("checkpoint") else 401, note_of)(handler)

    with serving(answer) as url:
        code, out, err = program.run("verify", url, "--key", VKEY)
    assert (code, out) == (UNDECIDED, "")
    assert "put such a key into POLICYD_KEY" in err


def test_a_receipt_without_its_record(program: Program, new_export: NewExport) -> None:
    """Its holder needs the record's bytes, which need not come from the log."""
    made = receipt.parse(program.good("prove", new_export(9).path, "4"))
    path = program.kept("x.tlog-proof", receipt.render(made._replace(record=None)))
    record = program.folder / "record.json"
    record.write_bytes(leaf(4))
    program.good("verify", path, "--record", record)
    code, _, err = program.run("verify", path, "--key", VKEY)
    assert (code, "give its bytes with --record" in err) == (FAILS, True)
    code, _, err = program.run("show", path)
    assert (code, "name the record" in err) == (USAGE, True)
    record.write_bytes(leaf(5))
    assert program.run("verify", path, "--key", VKEY, "--record", record)[0] == FAILS
    code, _, err = program.run("verify", path, "--key", VKEY, "--record", program.folder / "no")
    assert (code, "cannot be read" in err) == (USAGE, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("prove", "LOG"), "say what to prove"),
        (("prove", "LOG", "1", "--from", "1"), "say what to prove"),
        (("prove", "LOG", "1", "--key", ""), "is not `name"),
        (("prove", "LOG", "1"), "give it with --key"),
        (("prove", "LOG", "9", "--key", VKEY), "there is no record `9`"),
        (("prove", "LOG", "nobody", "--key", VKEY), "there is no record `nobody`"),
        (("prove", "LOG", "--from", "no-file", "--key", VKEY), "there is no file `no-file`"),
        (("show", "LOG"), "name the record"),
        (("show", "LOG", "01941f29-7c00-7000-8000-000000000000"), "there is no record"),
        (("show", "LOG", "0b941f29-7c00-7000-8000-000000000000"), "there is no record"),
        (("verify", "ftp://x/log"), "there is no file"),
        (("verify", "https://x?/log"), "write it like"),
    ],
)
def test_what_cannot_be_carried_out(
    program: Program, new_export: NewExport, arguments: tuple[str, ...], words: str
) -> None:
    """The exit code is 2, and the message says what to do instead."""
    path = str(new_export(9).path)
    code, out, err = program.run(*(path if each == "LOG" else each for each in arguments))
    assert (code, out) == (USAGE, "")
    assert words in err


def test_a_damaged_log_proves_nothing(program: Program, new_export: NewExport) -> None:
    """What is printed has been checked: a proof that does not hold is not."""
    log = new_export(600)
    log.change("tile/0/001", 5, b"?")
    for wanted in (["300"], ["--from", "300"]):
        code, out, _ = program.run("prove", log.path, *wanted, "--key", VKEY)
        assert (code, out) == (FAILS, "")
    log.change("checkpoint", -20, b"?")
    code, _, err = program.run("prove", log.path, "5", "--key", VKEY)
    assert (code, "signature" in err) == (FAILS, True)


def test_a_ledger_whose_bytes_are_no_blob(program: Program, new_ledger: NewLedger) -> None:
    """Nothing can be proved of what is not there."""
    ledger = new_ledger(9)
    ledger.change("update leaf set leaf = 7 where seq = 3")
    ledger.change("update leaf set hash = 7 where seq = 5")
    assert program.run("prove", ledger.path, "3", "--key", VKEY)[0] == USAGE
    code, _, err = program.run("prove", ledger.path, "4", "--key", VKEY)
    assert (code, "record 5: it has no leaf hash" in err) == (FAILS, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("old x\n\n", "line 1 of the proof"),
        ("old 1\nx\n\n", "line 2 of the proof"),
        ("old 1\n" + "A\n" * 64 + "\n", "more than 63 hashes"),
        ("old 1\n\nnothing", "the note is not"),
        ("c2sp.org/tlog-proof@v1\nindex x\n\n", "line 2 of the receipt"),
        ("old \xff", "is not UTF-8"),
        ("old 1\n" + "A" * (1 << 20), "has more than 1,048,576 bytes"),
    ],
)
def test_a_malformed_proof_is_named(program: Program, text: str, words: str) -> None:
    """The message says which line is wrong."""
    path, old = program.folder / "x", program.kept("old", signed(f"{ORIGIN}\n1\n{'A' * 43}=\n"))
    path.write_bytes(text.encode("latin-1"))
    code, _, err = program.run("verify", path, "--key", VKEY, "--from", old)
    assert (code, words in err) == (FAILS, True)


def test_a_proof_is_of_one_checkpoint(program: Program, new_export: NewExport) -> None:
    """Held to another earlier checkpoint it fails; without any it says nothing."""
    path = program.kept("g", program.good("prove", new_export(9).path, "--from", "4"))
    old = new_export(5).path / "checkpoint"
    code, _, err = program.run("verify", path, "--key", VKEY, "--from", old)
    assert (code, "begins at 4 records" in err) == (FAILS, True)
    code, _, err = program.run("verify", path, "--key", VKEY)
    assert (code, "say with --from" in err) == (USAGE, True)
    made = succession.parse(path.read_text())
    other = Checkpoint(ORIGIN, 4, bytes(32))
    with pytest.raises(Contradiction, match="rewritten"):
        succession.check(made, note.parse_vkey(VKEY), other)


def test_a_file_that_cannot_be_read(program: Program) -> None:
    """Trouble with the disk is told, and nothing is decided."""
    code, _, err = program.run("verify", "x" * 5000, "--key", VKEY)
    assert (code, "there is no file" in err) == (USAGE, True)
    code, _, err = program.run("prove", program.folder, "1", "--key", VKEY)
    assert (code, "holds no log" in err) == (USAGE, True)
    code, _, err = program.run("verify", program.key, "--key", VKEY, "--from", program.folder)
    assert (code, "cannot be read" in err) == (UNDECIDED, True)


def test_the_time_of_a_checkpoint_is_shown(program: Program, new_export: NewExport) -> None:
    """When the log last stood by it; also if its owner puts a time that no calendar has."""
    log = new_export(3)
    text = (log.path / "checkpoint").read_text()
    for seconds, shown in ((1_767_139_200, "2025-12-31T00:00:00Z"), (2**64 - 1, "s after 1970")):
        log.write("checkpoint", cosigned(text, seconds).encode())
        assert f"{shown}\n" in program.good("verify", log.path)
    assert json.loads(program.good("verify", log.path, "--json"))["cosigned"].endswith("1970")
    assert render.moment(0) == "1970-01-01T00:00:00Z"


def test_the_archive_is_the_tool(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file with every module, the same bytes each time, that says where it belongs."""
    path = program.folder / "policyd-audit.pyz"
    assert archive.main([str(path)]) == 0
    assert path.read_bytes() == archive.archive()
    assert path.stat().st_mode & 0o111
    names = zipfile.ZipFile(path).namelist()
    sources = {f"policyd_audit/{each.name}" for each in Path(archive.__file__).parent.glob("*.py")}
    assert set(names) == sources | {"__main__.py"}
    assert archive.main([str(program.folder)]) == USAGE
    assert archive.main([]) == USAGE
    monkeypatch.setattr("sys.argv", ["archive", str(path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(archive.__file__, run_name="__main__")
    assert ended.value.code == 0


def test_records_of_one_millisecond_are_told_apart(new_export: NewExport) -> None:
    """Items of a batch are found by their own ids; one that is not there is not found."""
    start = json.loads(leaf(1))
    items = [encoded(decision(1) | {"id": f"{start['id']}/{at}"}) for at in range(300)]
    log = Exported(new_export(1).path, [leaf(0), *items])
    with log_at(str(log.path)) as opened:
        assert isinstance(opened, TiledLog)
        opened.size = 301
        assert opened.find(f"{start['id']}/299") == 300
        assert opened.find(f"{start['id']}/300") is None
        assert opened.leaf(301) is None
        with pytest.raises(Malformed, match="a log of 301 records has no such hash"):
            opened.hashes(0, 256, 46)


def test_a_record_without_an_id_is_named(new_export: NewExport) -> None:
    """Looking an id up meets a record that has none."""
    log = new_export(3)
    log.change("tile/entries/000.p/3", len(leaf(0)) + 4, b"?")
    with log_at(str(log.path)) as opened:
        assert isinstance(opened, TiledLog)
        opened.size = 3
        with pytest.raises(Malformed, match="record 1: it has no id"):
            opened.find(json.loads(leaf(2))["id"])
