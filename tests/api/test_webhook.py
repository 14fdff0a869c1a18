"""The webhook of a running server: everything arrives, also when the server is killed."""

import base64
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from policyd.points.posting import signature
from tests.api.calls import ALLOWED
from tests.published import Someone, edited, files_of, small_home
from tests.receiver import Receiver
from tests.servers import Home, Server, policyd

KEY = bytes(range(24))
WHSEC = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder of its own."""
    return Home.make(tmp_path / "data")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    with Receiver() as running:
        yield running


def serving(home: Home, receiver: Receiver) -> Server:
    """A server that sends its log there."""
    return Server(
        home,
        variables={"POLICYD_WEBHOOK_URL": receiver.url, "POLICYD_WEBHOOK_KEY": WHSEC},
    )


def lag(server: Server) -> int:
    """What the server's metrics say of it."""
    (line,) = [
        each
        for each in server.get("/metrics", server.home.admin).body.decode().splitlines()
        if each.startswith("policyd_webhook_lag ")
    ]
    return int(float(line.split(" ")[1]))


def test_what_is_recorded_is_sent(home: Home, receiver: Receiver) -> None:
    """From the first start on, signed, and on record with the host it goes to and no more."""
    before = len(home.records())
    with serving(home, receiver) as server:
        decided = server.check(ALLOWED, server.pep("sales")).headers["x-decision-id"]
        records = home.records()
        receiver.wait_for(len(records) - 1)
        assert receiver.numbers[: len(records) - before] == list(range(before, len(records)))
    started = [each for each in records if each.get("act") == "webhook-started"]
    assert [each["target"] for each in started] == [f"http://127.0.0.1:{receiver.port}"]
    events = [event for got in receiver.got for event in got.events]
    (sent,) = [event for event in events if event["id"] == decided]
    assert sent["data"] in records
    for got in receiver.got:
        at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]))  # noqa: DTZ006 - a number
        expected = signature(KEY, got.headers["webhook-id"], at, got.body)
        assert got.headers["webhook-signature"] == expected["webhook-signature"]
    assert "secret-path" not in server.log.read_text("utf-8")


def test_a_server_that_is_killed_sends_again(home: Home, receiver: Receiver) -> None:
    """Killed between sending and its answer, it sends the same again; nothing is left out."""
    with serving(home, receiver) as server:
        pep = server.pep("sales")
        receiver.wait_for(len(home.records()) - 1)
        receiver.holds.clear()
        sent = len(receiver.got)
        server.check(ALLOWED, pep)
        receiver.wait_for_more(sent)
        held = receiver.got[-1].numbers
        server.check(ALLOWED, pep)  # while the receiver does not answer, checks are
        server.kill(with_writer=True)
    receiver.holds.set()
    again = len(receiver.got)
    with serving(home, receiver) as server:
        server.check(ALLOWED, pep)
        records = home.records()
        receiver.wait_for(len(records) - 1)
    second = [number for got in receiver.got[again:] for number in got.numbers]
    assert set(held) <= set(second)  # it came again
    assert second[0] == held[0]
    assert set(receiver.numbers) >= set(range(min(receiver.numbers), len(records)))
    by_id = {event["id"]: event for got in receiver.got for event in got.events}
    assert len(by_id) == len(set(receiver.numbers))  # and can be told


def test_who_takes_nothing_is_told_of_and_stops_nothing(home: Home, receiver: Receiver) -> None:
    """Checks are answered, readiness holds with a warning, and the lag is in the metrics."""
    receiver.status = 503
    with serving(home, receiver) as server:
        pep = server.pep("sales")
        receiver.wait_for_more(0)
        for _ in range(5):
            assert server.check(ALLOWED, pep).status == 200
        ready = server.ready()
        while "warnings" not in ready.json():
            ready = server.ready()
        assert ready.status == 200
        assert ready.json()["webhook_lag"] >= 5
        assert lag(server) >= 5
        (warning,) = ready.json()["warnings"]
        assert warning["code"] == "webhook-refused"
        assert "it answers 503" in warning["detail"]
        receiver.status = 200
        receiver.wait_for(len(home.records()) - 1)
        while lag(server):
            pass
        assert "warnings" not in server.ready().json()


def test_without_a_receiver_nothing_is_said_of_one(home: Home) -> None:
    """No lag in readiness or metrics."""
    with Server(home) as server:
        assert "webhook_lag" not in server.ready().json()
        assert b"policyd_webhook_lag" not in server.get("/metrics", home.admin).body
        server.signal(signal.SIGTERM)


def test_notices_are_sent(tmp_path: Path, receiver: Receiver) -> None:
    """By a server that decides by what was published, beside no webhook of the log; on record."""
    variables = {"POLICYD_NOTICES_URL": receiver.url, "POLICYD_WEBHOOK_KEY": WHSEC}
    home = small_home(tmp_path / "data")
    with Server(home, None, variables) as server:
        ann = Someone(server, "Ann", "author")
        change = ann.reviewed(edited(files_of()))
        listed = server.get("/v1/notices", ann.key).json()["notices"]
        receiver.wait_for_more(0)
    events = [event for got in receiver.got for event in got.events]
    assert [event["data"] for event in events] == listed
    assert [event["subject"] for event in events] == [change["id"]]
    started = [each["target"] for each in home.records("admin") if each["act"] == "notices-started"]
    assert started == [f"http://127.0.0.1:{receiver.port}"]


BAD = [
    ({"URL": "http://siem.example/"}, "http is for loopback only"),
    ({"URL": "https://u:p@siem.example/"}, "write it like https://siem.example/policyd"),
    ({"URL": "siem.example"}, "write it like https://siem.example/policyd"),
    ({"URL": "https://siem.example/ x"}, "write it like https://siem.example/policyd"),
    ({"KEY": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
    ({"KEY": WHSEC.removeprefix("whsec_")}, "24 to 64 bytes"),
    ({"KEY": f"{WHSEC}!"}, "24 to 64 bytes"),
    ({"KEY": ""}, "[webhook-incomplete]"),
    ({"URL": ""}, "[webhook-incomplete]"),
]


@pytest.mark.parametrize(("changed", "told"), BAD)
def test_settings_that_cannot_be(home: Home, changed: dict[str, str], told: str) -> None:
    """The server does not start, says why, and repeats no key."""
    good = {"URL": "https://siem.example/policyd", "KEY": WHSEC} | changed
    variables = {f"POLICYD_WEBHOOK_{name}": value for name, value in good.items()}
    where = ("--data", home.data, "--policies", "policies", "--port", "0")
    ended = policyd("serve", *where, **variables)
    assert ended.returncode == 2
    assert told in ended.stderr
    key = good["KEY"].removeprefix("whsec_")
    assert not key or key not in ended.stderr
