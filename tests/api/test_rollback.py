"""A data folder put back to an earlier state: nothing is signed again under the old name."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from policyd.ledger.reader import Reader
from policyd_audit import note
from tests.api.calls import ALLOWED
from tests.servers import Home, Server, policyd

if TYPE_CHECKING:
    from tests.api.conftest import Start


def published(server: Server) -> str:
    """The newest checkpoint of a server."""
    return server.get("/log/checkpoint").body.decode()


def check_refused(home: Home, guard: Path) -> None:
    """Nothing, if no server starts on that folder, with the guard or without, and says why."""
    where = ("--data", home.data, "--policies", "policies", "--port", "0")
    refused = policyd("serve", *where, POLICYD_GUARD=str(guard))
    assert refused.returncode == 2
    assert "this data folder is an older copy" in refused.stderr
    assert "policyd audit new-epoch" in refused.stderr
    without = policyd("serve", *where)
    assert (without.returncode, "set POLICYD_GUARD" in without.stderr) == (2, True)


def test_a_restored_backup_is_refused(home: Home, start: "Start", tmp_path: Path) -> None:
    """It does not start; a new epoch goes on under another name from what was published."""
    guard, backup = tmp_path / "guard", tmp_path / "backup"
    with start(POLICYD_GUARD=str(guard)) as server:
        key = server.pep("sales")
        first = published(server)
    shutil.copytree(home.data, backup)
    with start(POLICYD_GUARD=str(guard)) as server:
        server.check(ALLOWED, key)
        server.get(f"/v1/audit/records/{home.records()[-1]['id']}/proof", home.admin)
    last = guard.read_text()
    assert note.parse(last).text != note.parse(first).text
    with closing(Reader(home.data / "ledger.db")) as reader:
        assert note.parse(last).text == note.parse(reader.state().note).text
    shutil.rmtree(home.data)
    shutil.copytree(backup, home.data)
    check_refused(home, guard)
    asked = ("--data", home.data, "--guard", guard, "--reason", "restored", "--json")
    made = policyd("audit", "new-epoch", *asked)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["origin"] == "policyd.example/log/2"
    renewed = Home(home.data, home.admin, told["vkey"])
    with Server(renewed, variables={"POLICYD_GUARD": str(guard)}) as server:
        assert server.check(ALLOWED, key).json() == {"decision": True}
        note.verify(note.parse(published(server)), note.parse_vkey(told["vkey"]))
        first_record = renewed.records("epoch")[0]
    assert note.parse(first_record["previous"]).text == note.parse(last).text
    assert first_record["reason"] == "restored"
    assert renewed.verify().returncode == 0


def test_what_the_guard_cannot_keep_is_not_published(home: Home, tmp_path: Path) -> None:
    """Checks go on, but nobody gets a checkpoint or receipt that the guard does not know of."""
    outside = tmp_path / "outside"
    outside.mkdir()
    guard = outside / "guard"
    with Server(home, variables={"POLICYD_GUARD": str(guard)}) as server:
        before, key = published(server), server.pep("sales")
        outside.rename(tmp_path / "away")
        assert server.check(ALLOWED, key).json() == {"decision": True}
        record = home.records("decision")[-1]["id"]
        refused = server.get(f"/v1/audit/records/{record}/proof", home.admin)
        assert (refused.status, refused.code) == (503, "guard-unwritable")
        (tmp_path / "away").rename(outside)
        assert server.get(f"/v1/audit/records/{record}/proof", home.admin).status == 200
        assert published(server) != before


def test_keys_are_rotated(home: Home, start: "Start") -> None:
    """The server names both keys while both sign, and the commands say what comes next."""
    where = ("--data", home.data)
    rotated = policyd("audit", "rotate-key", *where)
    assert (rotated.returncode, "retire-key" in rotated.stderr) == (0, True)
    with start() as server:
        told = server.get("/.well-known/policyd-audit").json()
        new, old = told["verifier_keys"]
        assert old == home.vkey
        parsed = note.parse(published(server))
        for each in (new, old):
            note.verify(parsed, note.parse_vkey(each))
    again = policyd("audit", "rotate-key", *where)
    assert (again.returncode, "policyd audit retire-key" in again.stderr) == (2, True)
    retired = policyd("audit", "retire-key", *where, "--json")
    assert json.loads(retired.stdout) == {"retired": home.vkey}
    with start() as server:
        assert server.get("/.well-known/policyd-audit").json()["verifier_keys"] == [new]
    assert Home(home.data, home.admin, new).verify().returncode == 0
