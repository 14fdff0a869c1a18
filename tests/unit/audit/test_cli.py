"""The command line of the auditor's tool."""

import json
import runpy
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd_audit import commands
from policyd_audit.cli import FAILS, HOLDS, INTERRUPTED, UNDECIDED, USAGE, main

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]
Of = Callable[..., "Ledger"]
Captured = pytest.CaptureFixture[str]

VKEY = "policyd.example/audit/1+88627b43+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
DAMAGE = "update leaf set leaf = cast(replace(leaf, 'deny', 'allow') as blob) where seq = 41"


def run(captured: Captured, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = main([str(argument) for argument in arguments])
    out, err = captured.readouterr()
    return code, out, err


def test_a_good_ledger_exits_with_0(new_ledger: New, capsys: Captured) -> None:
    """The first line is the result; what was checked follows."""
    code, out, err = run(capsys, "verify", new_ledger(1_000).path, "--key", VKEY)
    assert (code, err) == (HOLDS, "")
    assert out.splitlines()[:3] == [
        "`ledger.db` holds",
        "  log        `policyd.example/audit/1`",
        "  records    1,000",
    ]
    assert out.endswith("\n  signature  good\n")


def test_a_changed_record_exits_with_1(new_ledger: New, capsys: Captured) -> None:
    """What was found is listed, with the record named."""
    ledger = new_ledger(300)
    ledger.change(DAMAGE)
    code, out, _ = run(capsys, "verify", ledger.path, "--key", VKEY)
    assert code == FAILS
    assert out.startswith("`ledger.db` does not hold\n")
    assert "\n- record 41 (id `019b76da-a829-" in out
    assert "The records do add up" not in out


def test_an_interrupt_is_no_verdict(
    new_ledger: New, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in one line, and remembers nothing."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "verifying", interrupted)
    code, out, err = run(capsys, "verify", new_ledger(1).path, "--key", VKEY)
    assert (code, out) == (INTERRUPTED, "")
    assert err == "\npolicyd-audit: interrupted: nothing was decided\n"


def test_right_records_beside_wrong_parts_are_said_to_be_right(
    new_ledger: New, capsys: Captured
) -> None:
    """Where the records match what was signed, the report says that they do."""
    ledger = new_ledger(300)
    ledger.change("update leaf set hash = x'00'")
    code, out, _ = run(capsys, "verify", ledger.path, "--key", VKEY)
    assert code == FAILS
    assert out.endswith(
        "\n- and 200 more\nThe records do add up to the root: what differs lies beside them.\n"
    )


def test_without_a_key_the_exit_code_is_3(new_ledger: New, capsys: Captured) -> None:
    """A script cannot take an unchecked signature for a good one."""
    code, out, _ = run(capsys, "verify", new_ledger(3).path)
    assert code == UNDECIDED
    assert out.startswith("`ledger.db` holds together, but who signed it was not checked\n")
    assert "give the log's key with --key" in out


def test_the_key_may_lie_in_a_file(new_ledger: New, tmp_path: Path, capsys: Captured) -> None:
    """A published key can be used as it was downloaded."""
    path = tmp_path / "log.vkey"
    path.write_text(VKEY + "\n")
    assert run(capsys, "verify", new_ledger(3).path, "--key", path)[0] == HOLDS


@pytest.mark.parametrize("content", [b"", b"\xff", b"no key"])
def test_a_file_without_a_key_is_a_usage_error(
    new_ledger: New, tmp_path: Path, capsys: Captured, content: bytes
) -> None:
    """A file that holds no key is said so before the ledger is read."""
    path = tmp_path / "log.vkey"
    path.write_bytes(content)
    code, out, err = run(capsys, "verify", new_ledger(3).path, "--key", path)
    assert (code, out) == (USAGE, "")
    assert err.startswith("policyd-audit: ")
    assert "key" in err


@pytest.mark.parametrize(
    ("damage", "key", "result"),
    [(None, [], "undecided"), (None, ["--key", VKEY], "holds"), (DAMAGE, [], "fails")],
)
def test_the_report_as_json(
    new_ledger: New, capsys: Captured, damage: str | None, key: list[str], result: str
) -> None:
    """Scripts get result, checkpoint and findings with their places."""
    ledger = new_ledger(300)
    if damage:
        ledger.change(damage)
    _, out, _ = run(capsys, "verify", ledger.path, "--json", *key)
    report = json.loads(out)
    assert report["result"] == result
    assert (report["origin"], report["size"]) == ("policyd.example/audit/1", 300)
    assert report["signature"] == ("good" if key else "unchecked")
    assert report["records_match"] == (damage is None)
    assert report["more"] == 0
    assert [finding.get("record") for finding in report["findings"]] == (
        [41, None] if damage else []
    )


def test_the_report_of_a_ledger_without_checkpoint(new_ledger: New, capsys: Captured) -> None:
    """Where there is no checkpoint, the report has none, in words and as JSON."""
    ledger = new_ledger(3)
    ledger.change("delete from state")
    code, out, _ = run(capsys, "verify", ledger.path, "--key", VKEY)
    assert (code, out) == (
        FAILS,
        "`ledger.db` does not hold\n  signature  bad\n- the tree state is missing\n",
    )
    report = json.loads(run(capsys, "verify", ledger.path, "--json")[1])
    assert [report[name] for name in ("origin", "size", "root")] == [None, None, None]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["verify"],
        ["prove", "ledger.db"],
        ["verify", "ledger.db", "--unknown"],
        ["show", "ledger.db"],
        ["verify", "nowhere.db"],
        ["show", "nowhere.db", "0"],
        ["verify", "nowhere.db", "--key", "no key"],
    ],
)
def test_usage_errors_exit_with_2(capsys: Captured, arguments: list[str]) -> None:
    """A command that cannot be carried out says why, on standard error."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (USAGE, "")
    assert err


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["show", "--help"]])
def test_help_says_what_exit_codes_mean(capsys: Captured, arguments: list[str]) -> None:
    """Help is complete, with an example for each command."""
    code, out, _ = run(capsys, *arguments)
    assert code == HOLDS
    assert "exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not decide" in out
    assert ("example" in out) == (len(arguments) == 2)


def test_a_file_that_is_no_ledger_exits_with_1(tmp_path: Path, capsys: Captured) -> None:
    """Evidence that was replaced by something else is evidence that fails."""
    path = tmp_path / "ledger.db"
    path.write_text("nothing")
    code, out, err = run(capsys, "verify", path)
    assert (code, out) == (FAILS, "")
    assert "`ledger.db` cannot be read" in err


def test_a_locked_ledger_exits_with_3(new_ledger: New, capsys: Captured) -> None:
    """A ledger that cannot be read now is neither good nor bad."""
    ledger = new_ledger(3)
    Path(f"{ledger.path}-journal").touch()
    db = sqlite3.connect(ledger.path, isolation_level=None)
    db.execute("begin exclusive")
    code, _, err = run(capsys, "verify", ledger.path)
    db.close()
    assert code == UNDECIDED
    assert "database is locked" in err


@pytest.mark.parametrize("wanted", ["41", "041", "019b76da-a829-73d9-814f-9348c9cc0ff8"])
def test_show_prints_a_record(new_ledger: New, capsys: Captured, wanted: str) -> None:
    """A record is found by number and by id, and comes with number and leaf hash."""
    ledger = new_ledger(300)
    code, out, err = run(capsys, "show", ledger.path, wanted)
    assert (code, err) == (HOLDS, "")
    shown = json.loads(out)
    assert shown["index"] == 41
    assert shown["leaf_hash"] == ledger.blob("select hash from leaf where seq = 41").hex()
    assert shown["record"] == json.loads(ledger.blob("select leaf from leaf where seq = 41"))
    assert '\n  "record": {\n    "call": {' in out


@pytest.mark.parametrize(
    "wanted", ["300", "9" * 30, "-1", "\u0661", "019b76da-a829-73d9-814f-9348c9cc0ff9", "x\x1b"]
)
def test_show_says_if_there_is_no_such_record(
    new_ledger: New, capsys: Captured, wanted: str
) -> None:
    """A number or id that the ledger does not have is a usage error."""
    code, out, err = run(capsys, "show", new_ledger(300).path, "--", wanted)
    assert (code, out) == (USAGE, "")
    assert err.startswith("policyd-audit: there is no record `")
    assert "\x1b" not in err


def test_show_warns_of_a_changed_record(new_ledger: New, capsys: Captured) -> None:
    """A record that does not fit its hash is shown, and not passed off as good."""
    ledger = new_ledger(300)
    ledger.change(DAMAGE)
    code, out, err = run(capsys, "show", ledger.path, "41")
    assert code == FAILS
    assert json.loads(out)["record"]["decision"] == "allow"
    assert err == "policyd-audit: record 41: the bytes do not match their leaf hash\n"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("update leaf set leaf = x'7b7d' where seq = 2", "record 2: not a record v1: `v` is"),
        ("update leaf set leaf = 'text' where seq = 2", "record 2: it is not stored as a blob"),
    ],
)
def test_show_names_a_malformed_record(
    new_ledger: New, capsys: Captured, damage: str, why: str
) -> None:
    """A record that cannot be shown is named with the reason."""
    ledger = new_ledger(3)
    ledger.change(damage)
    code, out, err = run(capsys, "show", ledger.path, "2")
    assert (code, out) == (FAILS, "")
    assert err.startswith(f"policyd-audit: {why}")
    assert run(capsys, "show", ledger.path, "019b76da-a829-73d9-814f-9348c9cc0ff8")[0] == USAGE


def test_show_finds_an_item_of_a_batch(ledger_of: Of, capsys: Captured) -> None:
    """Items of a batch are told apart by their index."""
    shared = "019b76da-a801-7000-8000-000000000000"
    path = ledger_of({}, {"id": f"{shared}/0"}, {"id": f"{shared}/1"}).path
    assert json.loads(run(capsys, "show", path, f"{shared}/1")[1])["index"] == 2
    assert run(capsys, "show", path, shared)[0] == USAGE


def test_the_package_runs_as_a_program() -> None:
    """`python -m policyd_audit` is the command; with the arguments of a test run it is misused."""
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("policyd_audit", run_name="__main__")
    assert caught.value.code == USAGE
