"""Pruning, at a real server: the log begins later, and what is left of it is proved as before."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policyd.bootstrap import utc_now
from policyd.ledger.folder import create
from policyd.ledger.frames import Aside, Prune
from policyd.ledger.reader import Reader
from policyd.ledger.record import Admin, Epoch, PolicyChange, Retention, encode, stamped
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper, timestamp
from policyd.ledger.store import Store
from policyd.registry.keys import KeyStore, NewKey
from tests.api.calls import ALLOWED
from tests.servers import JSON, Answer, Home, Server, bearer
from tests.servers import encode as as_json
from tests.witness import StubWitness

SIZE, CHANGE = 1500, 700
"""Old records, and the place of one among them that says another policy decides."""

OLD = datetime(2020, 3, 1, tzinfo=UTC)
RETENTION = {"POLICYD_RETENTION": "admin=365,query=90,policy_change=3650,decision=400"}
PRUNINGS, HOLDS = "/v1/audit/prunings", "/v1/audit/holds"
ORIGIN = "policyd.example/log"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder with a log of 2020."""
    now = iter(OLD + timedelta(minutes=at) for at in range(SIZE))
    stamper = Stamper(None, lambda: next(now))
    leaves = [encode(Epoch(**stamped(stamper.draw()), origin=ORIGIN))]
    for at in range(1, SIZE):
        stamp = stamped(stamper.draw())
        change = PolicyChange(**stamp, snapshot="sha256:" + "0" * 64, source="s", reason="start")
        admin = Admin(**stamp, act="tested", target=f"n{at}", by="test")
        leaves.append(encode(change if at == CHANGE else admin))
    with (
        create(tmp_path / "data", ORIGIN) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
    ):
        with closing(Store(folder.ledger, folder.signer)) as store:
            for at in range(0, SIZE, 500):
                store.append(leaves[at : at + 500])
        key, secret = keys.prepare(NewKey("a", "person", frozenset({"admin"})), now=utc_now())
        keys.add(key, secret)
        vkey = folder.signer.vkey
    return Home(tmp_path / "data", secret, vkey)


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    """A server of that log, with days set for most kinds."""
    with Server(home, variables=RETENTION) as running:
        yield running


def prune(server: Server, *, dry_run: bool = False) -> dict[str, Any]:
    """The answer to an order to prune."""
    answer = ordered(server, PRUNINGS, {"dry_run": dry_run})
    assert answer.status == 200, answer
    done: dict[str, Any] = answer.json()
    return done


def ordered(server: Server, path: str, body: object) -> Answer:
    """The answer to an admin."""
    headers = JSON | bearer(server.home.admin)
    return server.send("POST", path, as_json(body), headers)


def tool(*arguments: str | Path, key: str = "") -> tuple[int, Any]:
    """Exit code and JSON of the auditor's tool."""
    done = subprocess.run(
        [sys.executable, "-m", "policyd_audit", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"POLICYD_KEY": key, "PYTHONPATH": ":".join(sys.path)},
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_the_log_begins_at_the_first_that_must_be_kept(server: Server) -> None:
    """Whole bundles before it are gone, their hashes stay, and all is on record and published."""
    about = server.get("/.well-known/policyd-audit").json()
    assert "minimum_index" not in about
    dry = prune(server, dry_run=True)
    assert (dry["first"], dry["end"], dry["act"]) == (0, 512, None)
    assert dry["kept_by"]["index"] == CHANGE
    assert "kept for 3650 days" in dry["kept_by"]["why"]
    done = prune(server)
    assert (done["end"], done["records"]) == (512, 512)
    (act,) = server.home.records("retention")
    assert (act["id"], act["act"], act["first"], act["end"]) == (done["act"], "prune", 0, 512)
    assert act["days"]["admin"] == 365
    assert server.get("/.well-known/policyd-audit").json()["minimum_index"] == 512
    auditor = server.make_key("auditor")["key"]
    gone = server.get("/log/tile/entries/001", auditor)
    assert (gone.status, gone.code) == (410, "record-pruned")
    assert "begins at record 512" in gone.json()["detail"]
    assert server.get("/log/tile/entries/002", auditor).status == 200
    assert server.get("/log/tile/0/000").status == 200  # hashes stay


def test_what_is_left_is_verified(server: Server, tmp_path: Path) -> None:
    """With a state file from before and without, by the served log and by the ledger's file."""
    auditor = server.make_key("auditor")["key"]
    url, seen = f"http://127.0.0.1:{server.port}/log", tmp_path / "seen"
    check = ("verify", url, "--key", server.home.vkey, "--json", "--state", seen)
    assert tool(*check, key=auditor)[1]["begin"] == 0
    prune(server)
    for again in (check, ("verify", url, "--key", server.home.vkey, "--json")):
        code, report = tool(*again, key=auditor)
        assert (code, report["findings"]) == (0, []), report
    assert report["begin"] == 512
    assert report["pruned_by"] is not None
    code, told = tool("show", url, "5", key=auditor)
    assert (code, "record 5 was pruned: this log begins at record 512" in told) == (2, True)
    assert tool("show", url, "512", key=auditor)[0] == 0
    server.check(ALLOWED, server.pep("sales"))
    verdict = server.home.verify()
    assert (verdict.returncode, "pruned     records 0 to 511" in verdict.stdout) == (0, True)


def test_what_nobody_set_days_for_is_kept_for_ever(home: Home) -> None:
    """Without the setting nothing is ever pruned, and the answer says which record keeps it."""
    with Server(home) as server:
        done = prune(server)
        assert (done["records"], done["act"]) == (0, None)
        assert done["kept_by"]["index"] == 1
        assert "kept for ever" in done["kept_by"]["why"]
        assert server.home.records("retention") == []


def test_a_hold_stops_pruning(server: Server) -> None:
    """The log begins at what is held, until the hold is released; what is pruned stays so."""
    body = {"name": "case", "reason": "x", "first": 300, "count": 1}
    assert ordered(server, HOLDS, body).status == 201
    done = prune(server)
    assert (done["end"], done["kept_by"]["index"]) == (256, 300)
    assert "`case`" in done["kept_by"]["why"]
    auditor = server.make_key("auditor")["key"]
    server.send("DELETE", f"{HOLDS}/case?reason=x", headers=bearer(auditor))
    done = prune(server)
    assert (done["first"], done["end"]) == (256, 512)
    assert prune(server)["records"] == 0
    assert server.home.verify().returncode == 0


def test_nothing_is_pruned_while_its_record_could_not_be_published(
    home: Home, tmp_path: Path
) -> None:
    """Without the quorum of witnesses it is refused, and all is there; with them it is done."""
    with StubWitness() as witness:
        policy = tmp_path / "witnesses"
        policy.write_text(f"{witness.line}quorum {witness.name}\n")
        variables = RETENTION | {"POLICYD_WITNESSES": str(policy)}
        with Server(home, variables=variables) as server:
            while server.get("/log/checkpoint").status != 200:
                time.sleep(0.01)
            witness.behave = lambda _: (503, b"")
            refused = ordered(server, PRUNINGS, {"dry_run": False})
            assert (refused.status, refused.code) == (503, "witnesses-missing")
            assert home.records("retention") == []
            assert "minimum_index" not in server.get("/.well-known/policyd-audit").json()
            witness.behave = witness.cosign
            assert prune(server)["end"] == 512


def test_records_are_read_as_before(server: Server, home: Home) -> None:
    """Lists, look-ups by time and id, and receipts work from the new beginning on."""
    kept = home.records()[600]["id"]
    pruned = home.records()[100]["id"]
    prune(server)
    page = server.get("/v1/audit/records?order=oldest&limit=2", home.admin).json()
    assert [each["index"] for each in page["records"]] == [512, 513]
    query = "order=oldest&limit=1&after=2019-01-01T00:00:00Z"
    early = server.get(f"/v1/audit/records?{query}", home.admin).json()
    assert early["records"][0]["index"] == 512
    assert server.get(f"/v1/audit/records/{kept}", home.admin).json()["index"] == 600
    assert server.get(f"/v1/audit/records/{kept}/proof", home.admin).status == 200
    assert server.get(f"/v1/audit/records/{pruned}", home.admin).status == 404


def test_a_server_that_was_killed_while_it_pruned_goes_on(home: Home) -> None:
    """Records that are not removed yet are shown to nobody, and removed by the next start."""
    stamp = stamped(Stamper(OLD + timedelta(days=1), utc_now).draw())
    act = Retention(**stamp, act="prune", by="test", count=512, first=0, end=512)
    ledger = home.data / "ledger.db"
    with closing(Store(ledger, Signer.load(home.data / "keys/signing.key"))) as store:
        store.append([encode(act)], [(0, Aside(act=Prune(512)))])
    assert home.records()[0]["ts"] > timestamp(OLD)
    assert home.verify().returncode == 0
    with closing(Reader(ledger)) as reader:
        assert reader.lowest() == 0
        with Server(home, variables=RETENTION):
            while reader.lowest() < 512:
                time.sleep(0.01)
    assert home.verify().returncode == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [("decision", "is not `kind=days`"), ("deed=3", "is not `kind=days`"), ("*=0", "kind=days")],
)
def test_days_that_make_no_sense(home: Home, said: str, told: str) -> None:
    """A kind that does not exist, or no days, keep a server from starting."""
    done = subprocess.run(
        [sys.executable, "-m", "policyd", "serve", "--data", str(home.data), "--policies", "."],
        capture_output=True,
        text=True,
        check=False,
        env={"POLICYD_RETENTION": said, "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
