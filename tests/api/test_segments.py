"""Segments of a running server, of their true size: kept, served, damaged, exported."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pytest

from policyd.ledger.folder import DataFolder
from policyd.ledger.reader import Reader
from policyd.ledger.record import Admin, encode, stamped
from policyd.ledger.stamp import Stamper, moment
from policyd.ledger.store import Store
from policyd_audit import note
from policyd_audit.layout import ENTRIES, Resource, unbundle
from tests.servers import Home, Server, bearer, policyd
from tests.servers import encode as as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SEALED = 65_536
_PATIENCE_S = 60
FORMULA = '=HYPERLINK("http://evil.example","x")'


def filled(home: Home, count: int) -> None:
    """Put *count* records into the log of a server that is not running."""
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        last = moment(store.last_ts or "")
        stamper = Stamper(last, lambda: datetime.now(UTC))  # noqa: TID251 - a real server's clock
        for _ in range(0, count, 500):
            stamps = [stamper.draw() for _ in range(500)]
            made = [Admin(**stamped(each), act="tested", target=FORMULA, by="t") for each in stamps]
            store.append([encode(each) for each in made])
            store.tidy()


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kept_from(home: Home) -> int:
    """The oldest record in the ledger's file."""
    with closing(Reader(home.data / "ledger.db")) as reader:
        return reader.kept_from()


def warnings(server: Server) -> list[str]:
    """What it says is wrong, but keeps no check from being answered."""
    said = server.ready()
    assert said.status == 200
    return [each["detail"] for each in said.json().get("warnings", [])]


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server whose first segment has left the ledger's file, and an auditor's key."""
    home = Home.make(tmp_path_factory.mktemp("cold") / "data")
    filled(home, 66_000)
    with Server(home, variables={"POLICYD_HOT_DAYS": "0"}) as server:
        until(lambda: kept_from(home) == SEALED)
        yield server, server.make_key("auditor")["key"]


def verified(server: Server, key: str) -> subprocess.CompletedProcess[str]:
    """What the auditor's tool says of the running server's log."""
    url = f"http://127.0.0.1:{server.port}/log"
    command = [sys.executable, "-m", "policyd_audit", "verify", url, "--key", server.home.vkey]
    environment = os.environ | {"POLICYD_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_sealed_records_are_served_as_before(cold: tuple[Server, str]) -> None:
    """By bundle and by id; the log holds for whoever verifies it, server or file."""
    server, key = cold
    answer = server.get("/log/tile/entries/100", key)
    leaves = unbundle(answer.body, Resource(ENTRIES, 100, 256))
    record = json.loads(leaves[7])
    found = server.get(f"/v1/audit/records/{record['id']}", key).json()
    assert (found["index"], found["record"]) == (25_607, record)
    assert verified(server, key).returncode == 0
    whole = server.home.verify()
    assert whole.returncode == 0, whole.stdout
    assert "sealed     65,536 of them" in whole.stdout


def test_an_old_segment_that_is_damaged_is_lost_until_a_copy_is_back(
    cold: tuple[Server, str],
) -> None:
    """Health and verifier name it, its bundles are gone, all else goes on; a copy heals it."""
    server, key = cold
    path = server.home.data / "segments" / "segment-000000.parquet"
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    until(lambda: bool(warnings(server)))
    (told,) = warnings(server)
    assert "records 0 to 65535 cannot be read from `segment-000000.parquet`" in told
    lost = server.get("/log/tile/entries/000", key)
    assert (lost.status, lost.code) == (410, "segment-lost")
    assert server.get("/log/tile/entries/256", key).status == 200
    page = server.get("/v1/audit/records?order=oldest&limit=200", key).json()
    assert page["lost"] == [{"first": 0, "end": 200}]
    done = verified(server, key)
    assert done.returncode == 1
    assert done.stdout.count("segment-000000.parquet") == 1
    offline = server.home.verify()
    assert offline.returncode == 1
    assert "`segment-000000.parquet`, with records 0 to 65535" in offline.stdout
    path.write_bytes(good)
    until(lambda: not warnings(server))
    assert server.get("/log/tile/entries/000", key).status == 200


def test_a_young_segment_that_is_damaged_is_rebuilt(tmp_path: Path) -> None:
    """While the ledger has its records, the server makes the file again, and says so."""
    home = Home.make(tmp_path / "data")
    filled(home, 65_600)
    path = home.data / "segments" / "segment-000000.parquet"
    with Server(home) as server:
        until(path.with_suffix(".manifest").exists)
        path.write_bytes(b"nothing")
        until(lambda: path.stat().st_size > 1000)
        until(lambda: any(each["event"] == "segment-rebuilt" for each in server.log_lines()))
        assert warnings(server) == []
        assert kept_from(home) == 0


def export(
    server: Server, key: str, to: Path, form: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """The outcome of an export."""
    url = f"http://127.0.0.1:{server.port}"
    return policyd(
        "audit", "export", "--form", form, "--to", to, "--url", url, *more, POLICYD_KEY=key
    )


def test_an_exported_log_is_verified_without_the_server(
    cold: tuple[Server, str], tmp_path: Path
) -> None:
    """It is a folder of resources, with its manifest and on the record."""
    server, key = cold
    done = export(server, key, tmp_path / "out", "log")
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "policyd_audit", "verify", str(tmp_path / "out")]
    key_file = str(tmp_path / "out" / "log.vkey")
    assert (tmp_path / "out" / "log.vkey").read_text("utf-8").strip() == server.home.vkey
    assert subprocess.run([*command, "--key", key_file], check=False).returncode == 0
    signed = note.parse((tmp_path / "out" / "manifest").read_text("utf-8"))
    note.verify(signed, note.parse_vkey(server.home.vkey))
    said = signed.text.split("\n")
    exported = server.home.records("export")[-1]
    assert said[2] == f"export {exported['id']}"
    assert said[4:7] == ["form log", said[5], f"records 0 {exported['size']}"]
    assert exported["caller"]["key"] == said[3].removeprefix("by ")


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_a_range_is_exported(form: str, cold: tuple[Server, str], tmp_path: Path) -> None:
    """The records of a range across the border, each with its very bytes or its columns."""
    server, key = cold
    out = tmp_path / "out"
    done = export(server, key, out, form, "--first", "65300", "--end", "65700", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["end"] == 65_700
    bundles = [server.get(f"/log/tile/entries/{n}", key).body for n in (255, 256)]
    first, second = (unbundle(data, Resource(ENTRIES, 0, 256)) for data in bundles)
    expected = [*first[20:], *second[:164]]
    if form == "ndjson":
        assert (out / "records.ndjson").read_bytes().splitlines() == expected
    elif form == "csv":
        rows = list(csv.DictReader((out / "records.csv").read_text("utf-8").splitlines()))
        assert [row["id"] for row in rows] == [json.loads(leaf)["id"] for leaf in expected]
        assert rows[0]["target"] == f"'{FORMULA}"
    else:
        with closing(duckdb.connect(":memory:")) as db:
            found = db.read_parquet(f"{out}/*.parquet").order("seq").project("leaf").fetchall()
        assert [leaf for (leaf,) in found] == expected
    command = [sys.executable, "-m", "policyd_audit", "verify", str(out), "--json"]
    checked = subprocess.run(
        [*command, "--key", server.home.vkey], check=True, capture_output=True, text=True
    )
    told = json.loads(checked.stdout)
    assert (told["result"], told["proved"]) == ("holds", form == "ndjson")


def test_an_export_that_is_cut_short_goes_on(cold: tuple[Server, str], tmp_path: Path) -> None:
    """Killed on its way: nothing has its name yet; with --resume it ends as if it had not been."""
    server, key = cold
    out, part = tmp_path / "out", tmp_path / "out.part"
    url = f"http://127.0.0.1:{server.port}"
    command = [sys.executable, "-m", "policyd", "audit", "export", "--to", str(out), "--url", url]
    with subprocess.Popen(
        [*command, "--end", "60000"],
        env=os.environ | {"POLICYD_KEY": key},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        state = part / "export.json"
        until(lambda: state.exists() and json.loads(state.read_bytes())["settled"][0] > 0)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    with (part / "records.ndjson").open("ab") as file:
        file.write(b"half a line")
    again = export(server, key, out, "ndjson")
    assert (again.returncode, "[export-unfinished]" in again.stderr) == (2, True)
    done = export(server, key, out, "ndjson", "--resume")
    assert done.returncode == 0, done.stderr
    assert not part.exists()
    lines = (out / "records.ndjson").read_bytes().splitlines()
    assert len(lines) == 60_000
    assert lines == sorted(lines, key=lambda line: str(json.loads(line)["ts"]))
    assert {path.name for path in out.iterdir()} == {"manifest", "proof", "records.ndjson"}


@pytest.mark.parametrize(
    ("roles", "body", "status", "code"),
    [
        (["admin"], {"form": "ndjson"}, 403, "forbidden"),
        (["auditor"], {"form": "pdf"}, 400, "request-malformed"),
        (["auditor"], {"form": "csv", "first": 10**7}, 409, "export-empty"),
        (["auditor"], {"form": "csv", "more": 1}, 400, "request-malformed"),
    ],
)
def test_what_cannot_be_exported(
    roles: list[str], body: dict[str, object], status: int, code: str, cold: tuple[Server, str]
) -> None:
    """Only auditors take records away, in forms there are, of records there are."""
    server, _ = cold
    headers = {"Content-Type": "application/json"} | bearer(server.make_key(*roles)["key"])
    answer = server.send("POST", "/v1/audit/exports", as_json(body), headers)
    assert (answer.status, answer.code) == (status, code)


def test_an_export_is_its_takers_alone(cold: tuple[Server, str]) -> None:
    """Another auditor cannot go on with it, nor can anybody with what is none."""
    server, key = cold
    headers = {"Content-Type": "application/json"}
    body = as_json({"form": "csv", "first": 300, "end": 600})
    begun = server.send("POST", "/v1/audit/exports", body, headers | bearer(key)).json()
    path = f"/v1/audit/exports/{begun['id']}/bundles"
    assert len(unbundle(server.get(f"{path}/1", key).body, Resource(ENTRIES, 1, 212))) == 212
    assert server.get(f"{path}/0", key).status == 404
    assert server.get(f"{path}/1", server.make_key("auditor")["key"]).status == 404
    other_id = begun["id"][:-1] + ("1" if begun["id"].endswith("0") else "0")
    for other in ("nothing", other_id):
        answer = server.get(f"/v1/audit/exports/{other}/bundles/1", key)
        assert (answer.status, answer.code) == (404, "not-found")
