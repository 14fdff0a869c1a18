"""Starting and stopping: whatever is in the way is told with a code and the way out."""

import os
import shutil
import signal
import socket
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd import bootstrap
from policyd.bootstrap import utc_now
from policyd.ledger.folder import DataFolder
from policyd.ledger.record import Epoch, encode, stamped
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.model.errors import PolicydError
from policyd.settings import read_settings
from tests.api.calls import ALLOWED
from tests.servers import EVALUATION, POLICIES, Home, Server, policyd

if TYPE_CHECKING:
    from tests.api.conftest import Start

USAGE, UNDECIDED = 2, 3


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, but for the lock, which names who had it last."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_data_folder_is_made_once(tmp_path: Path) -> None:
    """`init` prints the first admin key; a second `init` is refused and changes nothing."""
    data = tmp_path / "data"
    first = policyd("init", "--data", data)
    assert first.returncode == 0
    assert "pd_" in first.stdout
    made = contents(data)
    second = policyd("init", "--data", data)
    assert second.returncode == USAGE
    assert "[data-folder-exists]" in second.stderr
    assert "pd_" not in second.stdout
    assert contents(data) == made


@pytest.mark.parametrize(
    ("place", "code"),
    [("no/such/place/data", "data-folder-missing"), ("file/data", "data-folder-unusable")],
)
def test_a_data_folder_where_none_can_be(tmp_path: Path, place: str, code: str) -> None:
    """`init` where nothing can be made says so, and leaves nothing behind."""
    (tmp_path / "file").write_text("a file")
    done = policyd("init", "--data", tmp_path / place)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert f"[{code}]" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_key_of_init_opens_the_server(tmp_path: Path) -> None:
    """The key that `init` prints is an admin's, on the server that runs on its folder."""
    printed = policyd("init", "--data", tmp_path / "data").stdout
    key = next(word for word in printed.split() if word.startswith("pd_"))
    with Server(Home(tmp_path / "data", key, "")) as server:
        assert server.check(ALLOWED, server.pep("sales")).json() == {"decision": True}


def serve(data: Path, *options: str | Path, policies: Path = POLICIES) -> tuple[int, str]:
    """Exit status and words of a server that cannot start."""
    done = policyd("serve", "--data", data, "--policies", policies, "--port", "0", *options)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def refusal(data: Path, **settings: object) -> PolicydError:
    """Why a server does not start; asked in this process, which is quicker."""
    with pytest.raises(PolicydError) as refused:
        bootstrap.serve(read_settings(policies=POLICIES, data=data, port=0, **settings))
    return refused.value


def test_a_folder_in_use(start: "Start", home: Home) -> None:
    """A second server on the same folder is refused, and told who has it; the first goes on."""
    server = start()
    status, said = serve(home.data)
    assert status == USAGE
    assert "[data-folder-locked]" in said
    assert f"process {server.process.pid}" in said
    assert server.ready().status == 200


def test_a_port_in_use(home: Home) -> None:
    """A port that somebody listens on is told; nothing is recorded of a server that never was."""
    before = len(home.records())
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        status, said = serve(home.data, "--port", port)
    assert status == USAGE
    assert "[port-unavailable]" in said
    assert f"127.0.0.1:{port}" in said
    assert len(home.records()) == before


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "policyd.example", ""])  # noqa: S104 - refused
def test_a_folder_is_not_served_to_the_world(home: Home, host: str) -> None:
    """With policies from a folder the server listens on loopback only, also behind a proxy."""
    said = refusal(home.data, host=host, trusted_proxy="192.0.2.1")
    assert said.code == "folder-mode-is-local"


def test_policies_with_findings(home: Home, tmp_path: Path) -> None:
    """A broken policy tree is told finding by finding, each with its place; nothing starts."""
    tree = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    (tree / "guardrails/promotions.yaml").write_text("owner: platform\npromotion: {}\n")
    (tree / "units/hr/access.yaml").write_text("forbid: {x: {who: everyone, alow: 1}}\n")
    before = contents(home.data)
    status, said = serve(home.data, policies=tree)
    assert status == USAGE
    assert f"{tree}/guardrails/promotions.yaml:2:1: " in said
    assert f"{tree}/units/hr/access.yaml:1:" in said
    assert "[policy-invalid]" in said
    assert contents(home.data) == before


@pytest.mark.parametrize("place", ["nowhere", "a-file"])
def test_policies_that_are_not_there(home: Home, tmp_path: Path, place: str) -> None:
    """A policy folder that is missing, or a file, is told."""
    (tmp_path / "a-file").write_text("no folder")
    status, said = serve(home.data, policies=tmp_path / place)
    assert status == USAGE
    assert "[policy-invalid]" in said
    assert "policyd.yaml" in said


def test_no_policies(home: Home) -> None:
    """Without a policy folder nothing is served, and the message names the option."""
    done = policyd("serve", "--data", home.data)
    assert done.returncode == USAGE
    assert "--policies DIR" in done.stderr


def test_a_setting_that_cannot_be(home: Home) -> None:
    """A setting that cannot be used is named with its variable."""
    done = policyd("serve", "--data", home.data, "--policies", POLICIES, POLICYD_PORT="eighty")
    assert done.returncode == USAGE
    assert "[setting-invalid]" in done.stderr
    assert "POLICYD_PORT cannot be `eighty`" in done.stderr


@pytest.mark.slow
def test_a_setting_that_there_is_not(home: Home) -> None:
    """A misspelt variable is told with the one that was meant, instead of being ignored."""
    done = policyd("serve", "--data", home.data, POLICYD_POLICES=str(POLICIES))
    assert done.returncode == 2
    assert "`POLICYD_POLICES`; did you mean `POLICYD_POLICIES`?" in done.stderr


def test_a_locked_ledger(home: Home) -> None:
    """A ledger that another program has locked is told after a while, not waited for for ever."""
    with closing(apsw.Connection(str(home.data / "ledger.db"))) as other:
        other.execute("begin exclusive")
        status, said = serve(home.data)
        other.execute("rollback")
    assert status == UNDECIDED
    assert '"code":"ledger-locked"' in said  # the writer's word, before the server's
    assert "[audit-unavailable]" in said
    assert "end that program" in said


def write_record(home: Home, at: datetime) -> None:
    """Add a record that was written at some time, as if that had been now."""
    with (
        closing(DataFolder.open(home.data)) as folder,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        made = Stamper(None, lambda: at).draw()
        store.append([encode(Epoch(**stamped(made), origin="policyd.example/log"))])


def test_a_clock_that_was_set_back(home: Home) -> None:
    """A server whose clock is behind its log does not start, and says by how much."""
    write_record(home, utc_now() + timedelta(hours=1))
    before = len(home.records())
    status, said = serve(home.data)
    assert status == UNDECIDED
    assert "[clock-behind]" in said
    assert "set the clock" in said
    assert len(home.records()) == before


def test_a_clock_that_is_slightly_behind(start: "Start", home: Home) -> None:
    """Up to five seconds are nothing to stop for, and times in the log never go back."""
    ahead = utc_now() + timedelta(seconds=4)
    write_record(home, ahead)
    server = start()
    assert server.check(ALLOWED, server.pep("sales")).json() == {"decision": True}
    times = [record["ts"] for record in home.records()]
    assert times == sorted(times)
    assert home.verify().returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_in_good_order(start: "Start", home: Home, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the server with 0, its log whole, its folder free at once."""
    server = start()
    server.check(ALLOWED, server.pep("sales"))
    writer = server.writer()
    server.signal(number)
    assert server.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(writer, 0)
    assert home.verify().returncode == 0
    assert not list(home.data.glob("*-wal"))
    assert start().ready().status == 200


@pytest.mark.slow
def test_stopping_waits_for_nobody_for_ever(start: "Start") -> None:
    """A client that never finishes its request does not keep the server from ending."""
    server = start()
    with closing(socket.create_connection(("127.0.0.1", server.port))) as slow:
        slow.sendall(f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nContent-Len".encode())
        with closing(socket.create_connection(("127.0.0.1", server.port))) as slower:
            key = server.pep("sales")
            head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            head += "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
            slower.sendall(head.encode())
            assert server.get("/health/live").status == 200
            assert server.stop() == 0


def test_each_start_is_recorded(start: "Start", home: Home) -> None:
    """The log says by which snapshot each server began to decide."""
    for _ in range(2):
        server = start()
        snapshot = server.ready().json()["snapshot"]
        server.stop()
    changes = home.records("policy_change")
    assert [(change["reason"], change["snapshot"]) for change in changes] == [
        ("start", snapshot)
    ] * 2


def test_the_server_says_what_it_serves(start: "Start") -> None:
    """The first line of the log has the address, the snapshot, and that this is for development."""
    server = start()
    (line,) = server.log_lines()
    assert line["event"] == "serving"
    assert line["url"] == f"http://127.0.0.1:{server.port}"
    assert line["snapshot"] == server.ready().json()["snapshot"]
    assert "development" in line["note"]
