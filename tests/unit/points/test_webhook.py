"""The webhook: what is sent, how it is signed, and what becomes of what was not taken."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog

from policyd.ledger.reader import Page, Reader
from policyd.ledger.view import Found
from policyd.model.errors import DataFolderError, LedgerUnavailable
from policyd.points.outbox import Outbox
from policyd.points.posting import Hook, Pace, signature
from policyd.points.webhook import BATCH, Source, Webhook
from tests.receiver import Receiver
from tests.sample_log import ORIGIN, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from policyd.ledger.ledger import Ledger

KEY = bytes(range(32))
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK = Pace(look_s=0.001, patience_s=30.0, first_s=0.001, most_s=0.002)


class Log:
    """A log in memory, as a webhook sees writer and reader of one."""

    def __init__(self, leaves: list[bytes], lost: range = range(0), first: int = 0) -> None:
        self.leaves = leaves
        self.lost = lost
        self.first = first
        self.broken = False

    @property
    def size(self) -> int:
        """Number of records."""
        return len(self.leaves)

    def stamp(self) -> Any:  # noqa: ANN401 - what is used of a stamp
        """The time."""
        return type("Stamp", (), {"at": AT})

    def page(self, *, limit: int, cursor: int | None, newest_first: bool) -> Page:
        """As a reader's."""
        assert not newest_first
        if self.broken:
            raise LedgerUnavailable("the disk is away")
        low = max(self.first, 0 if cursor is None else cursor + 1)
        high = min(low + limit, self.size)
        there = [each for each in range(low, high) if each not in self.lost]
        found = [Found(each, self.leaves[each]) for each in there]
        return Page(found, high - 1 if high < self.size else None, self.size)

    def source(self) -> Source:
        """What a webhook takes."""
        return Source(ORIGIN, cast("Ledger", self), cast("Reader", self))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    with Receiver() as running:
        yield running


def run(
    log: Log,
    receiver: Receiver,
    outbox: Outbox,
    until: Callable[[Webhook], bool],
    pace: Pace = QUICK,
) -> Webhook:
    """Send until it is so."""

    async def story() -> Webhook:
        hook = Hook(receiver.url, KEY)
        async with Webhook(hook, log.source(), outbox, lambda: 1.0, pace) as webhook:
            task = asyncio.create_task(webhook.run())
            async with asyncio.timeout(60):
                while not until(webhook):
                    assert not task.done(), task
                    await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return webhook

    return asyncio.run(story())


def taken(webhook: Webhook) -> bool:
    """Whether the receiver has all."""
    return not webhook.lag


def outbox(folder: Path, following: int = 0) -> Outbox:
    """One that has got so far."""
    return Outbox(folder / "outbox.json", ORIGIN, following)


def test_the_log_is_sent_in_batches(receiver: Receiver, tmp_path: Path) -> None:
    """Every record once and in order, as the bytes it has, and then the outbox is at the end."""
    leaves = SAMPLE * 10
    assert len(leaves) > 2 * BATCH
    run(Log(leaves), receiver, outbox(tmp_path), taken)
    assert receiver.numbers == list(range(len(leaves)))
    assert {len(got.events) for got in receiver.got[:-1]} == {BATCH}
    assert all(leaf in got.body for got in receiver.got[-1:] for leaf in leaves[-3:])
    assert {got.headers["content-type"] for got in receiver.got} == {
        "application/cloudevents-batch+json"
    }
    said = json.loads((tmp_path / "outbox.json").read_bytes())
    assert said == {"origin": ORIGIN, "next": len(leaves)}


def test_requests_are_signed_as_the_standard_has_it(receiver: Receiver, tmp_path: Path) -> None:
    """The standard's own example, and each request as it arrived."""
    headers = signature(
        b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1_614_265_330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    run(Log(SAMPLE), receiver, outbox(tmp_path), taken)
    for got in receiver.got:
        expected = signature(KEY, got.headers["webhook-id"], AT, got.body)
        assert {name: got.headers[name] for name in expected} == expected
        assert "." not in got.headers["webhook-id"]


def test_what_is_not_taken_comes_again(receiver: Receiver, tmp_path: Path) -> None:
    """The very same request, told once, until it is taken; and then that it goes on."""
    receiver.status = 500
    box = outbox(tmp_path)
    with structlog.testing.capture_logs() as logs:
        stuck = run(Log(SAMPLE), receiver, box, lambda _: len(receiver.got) > 3)
        assert stuck.trouble
        assert stuck.trouble.code == "webhook-refused"
        assert f"has not taken {len(SAMPLE)} records: it answers 500" in stuck.trouble.message
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        assert json.loads((tmp_path / "outbox.json").read_bytes())["next"] == 0

        seen = len(receiver.got)

        def recovers(webhook: Webhook) -> bool:
            receiver.status = 204 if len(receiver.got) > seen else 500
            return taken(webhook)

        done = run(Log(SAMPLE), receiver, box, recovers)
    assert done.trouble is None
    assert [each["event"] for each in logs] == [
        "webhook-refused",
        "webhook-refused",
        "webhook-goes-on",
    ]


@pytest.mark.parametrize("status", [301, 307, 400, 410, 429, 503])
def test_only_a_2xx_moves_on(receiver: Receiver, status: int, tmp_path: Path) -> None:
    """Neither a redirect, which is not followed, nor any refusal."""
    receiver.status = status
    box = outbox(tmp_path)
    run(Log(SAMPLE), receiver, box, lambda _: len(receiver.got) > 1)
    assert box.next == 0


def test_nobody_is_there(tmp_path: Path) -> None:
    """A receiver that cannot be reached, or does not answer, is told of, and tried again."""
    with Receiver() as gone:
        pass
    webhook = run(Log(SAMPLE), gone, outbox(tmp_path), lambda each: each.trouble is not None)
    assert webhook.trouble
    assert webhook.trouble.code == "webhook-unreachable"
    with Receiver() as silent:
        silent.holds.clear()
        pace = Pace(look_s=0.001, patience_s=0.01, first_s=0.001, most_s=0.002)
        webhook = run(Log(SAMPLE), silent, outbox(tmp_path), lambda each: bool(each.trouble), pace)
        assert "no answer within 0.01 s" in str(webhook.trouble)


def test_a_log_that_cannot_be_read_is_told(receiver: Receiver, tmp_path: Path) -> None:
    """And gone on with when it can."""
    log = Log(SAMPLE)
    log.broken = True

    def mends(webhook: Webhook) -> bool:
        if webhook.trouble:
            log.broken = False
        return taken(webhook)

    assert run(log, receiver, outbox(tmp_path), mends).trouble is None
    assert receiver.numbers == list(range(len(SAMPLE)))


@pytest.mark.parametrize(
    ("lost", "first", "told"),
    [
        (range(3, 5), 0, [(3, 5)]),
        (range(25, 28), 0, [(25, 28)]),
        (range(0), 6, [(0, 6)]),
        (range(28), 0, [(0, 28)]),
        (range(10, 28), 4, [(0, 4), (10, 28)]),
    ],
)
def test_records_that_are_gone_are_told(
    receiver: Receiver,
    tmp_path: Path,
    lost: range,
    first: int,
    told: list[tuple[int, int]],
) -> None:
    """In their place stands an event that names them, so whoever counts misses none."""
    assert len(SAMPLE) == 28
    run(Log(SAMPLE, lost, first), receiver, outbox(tmp_path), taken)
    events = [event for got in receiver.got for event in got.events]
    gone = [event["data"] for event in events if event["type"] == "dev.policyd.lost.v1"]
    assert [(each["first"], each["end"]) for each in gone] == told
    there = [number for number in range(first, 28) if number not in lost]
    assert sorted(receiver.numbers) == sorted([*there, *(start for start, _ in told)])


def test_who_fails_is_asked_less_and_less_often() -> None:
    """After twice as long each time, up to five minutes."""
    delays = [Pace().delay_s(failures) for failures in (0, 1, 5, 9, 10_000)]
    assert delays == [1, 2, 32, 300, 300]


def test_an_outbox_goes_on_where_it_was(tmp_path: Path) -> None:
    """A new one begins with what comes next; a log that begins anew is sent from its beginning."""
    path = tmp_path / "outbox.json"
    made = Outbox(path, ORIGIN, 7)
    assert made.next == 7
    made.advance(9)
    assert Outbox(path, ORIGIN, 12).next == 9
    assert Outbox(path, "policyd.example/log/2", 3).next == 0
    with pytest.raises(DataFolderError, match="older copy") as caught:
        Outbox(path, ORIGIN, 8)
    assert caught.value.code == "outbox-ahead"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "7",
        '{"origin":"x"}',
        '{"origin":"x","next":"7"}',
        '{"origin":"x","next":-1}',
        '{"origin":7,"next":7}',
        '{"origin":"x","next":true}',
    ],
)
def test_an_outbox_that_cannot_be_read(content: str, tmp_path: Path) -> None:
    """It is not guessed at: nothing may be left out in silence."""
    path = tmp_path / "outbox.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataFolderError, match="it is damaged") as caught:
        Outbox(path, ORIGIN, 8)
    assert caught.value.code == "outbox-unreadable"


def test_an_outbox_that_is_a_folder(tmp_path: Path) -> None:
    """What the system says is told."""
    (tmp_path / "outbox.json").mkdir()
    with pytest.raises(DataFolderError, match="Is a directory"):
        Outbox(tmp_path / "outbox.json", ORIGIN, 8)
