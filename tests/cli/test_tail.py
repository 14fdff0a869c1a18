"""`policyd audit tail` against a running server: what is new, live, at least once."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyd_audit.tree import leaf_hash
from tests.api.calls import ALLOWED, DENIED
from tests.cli.program import Ended, Program
from tests.servers import Home, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a log of its own."""
    with Server(Home.make(tmp_path / "data")) as running:
        yield running


def tail(policyd: Program, server: Server, key: str, *more: str) -> Ended:
    """The outcome of a tail that ends."""
    url = f"http://127.0.0.1:{server.port}"
    return policyd("audit", "tail", *more, "--url", url, POLICYD_KEY=key)


class Live:
    """A tail that is followed, and what it has printed so far."""

    def __init__(self, server: Server, key: str, *more: str) -> None:
        """Begin it, and wait until the server has recorded that."""
        before = len(asked(server))
        url = f"http://127.0.0.1:{server.port}"
        command = ["audit", "tail", "--follow", "--format", "json", *more, "--url", url]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "policyd", *command],
            env=Program.env(POLICYD_KEY=key),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while len(asked(server)) == before:
            assert self.process.poll() is None, self.process.communicate()

    def until(self, record_id: str) -> list[str]:
        """The ids that are printed up to this one."""
        assert self.process.stdout
        ids: list[str] = []
        while not ids or ids[-1] != record_id:
            ids.append(json.loads(self.process.stdout.readline())["record"]["id"])
        return ids

    def end(self) -> tuple[int, str]:
        """End it as Ctrl-C does; its exit code and its remarks."""
        self.process.send_signal(signal.SIGINT)
        _, remarks = self.process.communicate(timeout=60)
        return self.process.returncode, remarks


def asked(server: Server) -> list[dict[str, object]]:
    """The records of tails' asking."""
    return [each for each in server.home.records("query") if each.get("ask") == "tail"]


def is_there(server: Server) -> bool:
    """Whether anybody answers at the server's port."""
    try:
        return server.get("/health/live").status == 200
    except OSError:
        return False


def decide(server: Server, pep: str, call: object = ALLOWED) -> str:
    """The id of another decision."""
    return server.check(call, pep).headers["x-decision-id"]


def test_the_newest_records_are_shown(policyd: Program, server: Server) -> None:
    """Twenty of them; fewer that a query finds; as lines, JSON and CloudEvents."""
    pep, key = server.pep("sales"), str(server.make_key("auditor")["key"])
    decided = [decide(server, pep) for _ in range(25)]
    denied = decide(server, pep, DENIED)
    shown = tail(policyd, server, key)
    assert shown.code == 0, shown.err
    assert len(shown.out.splitlines()) == 21  # with the record of its own asking
    assert "deny  sales/" in shown.out
    assert len(tail(policyd, server, key, "--from", "0").out.splitlines()) > 25
    (line,) = tail(policyd, server, key, "decision:deny", "--format", "json").out.splitlines()
    assert json.loads(line)["record"]["id"] == denied
    of_all = ["--from", "0", "kind:decision", "--format"]
    events = tail(policyd, server, key, *of_all, "cloudevents").out.splitlines()
    assert [json.loads(each)["id"] for each in events] == [*decided, denied]
    entries = tail(policyd, server, key, *of_all, "json").out.splitlines()
    for event, entry in zip(map(json.loads, events), map(json.loads, entries), strict=True):
        leaf = json.dumps(event["data"], separators=(",", ":"), ensure_ascii=False).encode()
        assert leaf_hash(leaf).hex() == entry["leaf_hash"]
        assert event["source"] == "policyd://policyd.example/log"


def test_a_live_tail_misses_nothing_when_the_server_restarts(
    server: Server, tmp_path: Path
) -> None:
    """It says that nobody answers, and goes on behind the last record that it has shown."""
    pep, key = server.pep("sales"), str(server.make_key("auditor")["key"])
    live = Live(server, key, "--from", "now", "kind:decision")
    first = decide(server, pep)
    assert live.until(first) == [first]
    port = server.port
    server.kill()
    assert live.process.stderr
    assert "trying again [server-unreachable]" in live.process.stderr.readline()
    command = ["--data", str(server.home.data), "--policies", "policies", "--port", str(port)]
    with (tmp_path / "second.log").open("wb") as out:
        again = subprocess.Popen(
            [sys.executable, "-m", "policyd", "serve", *command], stdout=out, stderr=out
        )
    try:
        while not is_there(server):
            assert again.poll() is None
        second, third = decide(server, pep), decide(server, pep, DENIED)
        assert live.until(third) == [second, third]
        code, remarks = live.end()
    finally:
        again.terminate()
        again.wait(60)
    assert code == 130
    assert "answers again; going on behind record" in remarks
    assert "go on with --from " in remarks


def test_watching_a_log_that_rests_does_not_fill_it(server: Server) -> None:
    """Two tails: each is on record once for its beginning, and once for each page it got."""
    pep, key = server.pep("sales"), str(server.make_key("auditor")["key"])
    one, two = Live(server, key, "--from", "now"), Live(server, key, "--from", "now")
    begun = asked(server)
    assert [each["rows"] for each in begun] == [0, 0]
    last = decide(server, pep)
    one.until(last)
    two.until(last)
    # Each has asked again and again since it began; whatever they get now is of their own making.
    one.until(str(asked(server)[-1]["id"]))
    two.until(str(asked(server)[-1]["id"]))
    assert one.end()[0] == two.end()[0] == 130
    made = asked(server)[2:]
    assert 2 <= len(made) <= 4
    assert all(each["rows"] for each in made)
    assert {str(each["role"]) for each in made} == {"auditor"}


def test_slips(policyd: Program, server: Server) -> None:
    """What cannot be asked is refused, with the way out."""
    key = str(server.make_key("auditor")["key"])
    for more, told in (
        (["--from", "yesterday"], "[start-invalid]"),
        (["--from", "999999"], "[cursor-ahead]"),
        (["unti:sales"], "[query-unknown-field]"),
        (["outcome:missing"], "[query-not-live]"),
    ):
        ended = tail(policyd, server, key, *more)
        assert (ended.code, told in ended.err) == (2, True), ended
    bound = str(server.make_key("auditor", units=["sales"])["key"])
    assert "[key-out-of-scope]" in tail(policyd, server, bound).err
    assert "[forbidden]" in tail(policyd, server, server.pep("sales")).err
