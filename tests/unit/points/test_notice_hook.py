"""The webhook of notices: what waits, ends or happened is sent, at least once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from policyd.points.notice_hook import NoticeHook
from policyd.points.policies import Policies
from policyd.points.posting import Hook, Pace, signature
from policyd.points.service import Service
from policyd.points.shadows import InShadow
from tests.faults.publishing import FOUND, Quick, ended, person, proposed, serving
from tests.published import CLOSED, small_home
from tests.receiver import Receiver
from tests.servers import Home
from tests.unit.points.test_shadow import approved, asked_on

KEY = bytes(range(24))
QUICK = Pace(look_s=0.01, first_s=0.001, most_s=0.002)


def hook(service: Service, policies: Policies, receiver: Receiver) -> NoticeHook:
    """A webhook of the server's notices."""
    return NoticeHook(
        Hook(receiver.url, KEY),
        "policyd.example/log",
        service.notices,
        policies.store.notices,
        service._ledger,  # noqa: SLF001 - its clock
        lambda: 0.0,
        QUICK,
    )


async def run(sender: NoticeHook, until: Callable[[], bool]) -> None:
    """Have it send until then."""
    task = asyncio.create_task(sender.run())
    for _ in range(6000):
        if until():
            break
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """What has arrived: code and owner, in order."""
    events = [event for got in receiver.got for event in got.events]
    assert {event["type"] for event in events} <= {"dev.policyd.notice.v1"}
    return [(event["data"]["code"], event["data"]["owner"]) for event in events]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A company of its own."""
    return small_home(tmp_path_factory.mktemp("notices") / "data")


def test_what_waits_is_sent_until_it_is_taken(home: Home) -> None:
    """Signed; again after a refusal and with the next server; once taken, no more."""

    async def story() -> None:
        async with serving(home.data) as (service, policies):
            change = await proposed(service, policies, CLOSED)
            sender = hook(service, policies, receiver)
            receiver.status = 503
            await run(sender, lambda: len(receiver.got) > 2)
            assert sender.trouble is not None
            assert "the webhook of notices has not taken 1 notices" in str(sender.trouble)
        receiver.status = 204
        first = len(receiver.got)
        async with serving(home.data) as (service, policies):
            sender = hook(service, policies, receiver)
            listed = await service.notices.list(14)
            unsent = policies.store.notices.unsent
            await run(sender, lambda: len(receiver.got) > first and not unsent(listed, at="t"))
            assert unsent(listed, at="t") == []
            assert sender.trouble is None
            # What was on its way when the last server ended may come on top of that.
            assert {*told(receiver)[first:]} == {(each.code, each.owner) for each in listed}
            await policies.changes.withdraw(person(service, "Ann", "author"), change.id, "no")

    with Receiver() as receiver:
        asyncio.run(story())
    assert {got.headers["webhook-id"] for got in receiver.got[:2]} == {
        receiver.got[-1].headers["webhook-id"]
    }
    for got in receiver.got:
        at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]))  # noqa: DTZ006 - a number
        expected = signature(KEY, got.headers["webhook-id"], at, got.body)
        assert got.headers["webhook-signature"] == expected["webhook-signature"]


def test_shadow_differences_are_told(tmp_path: Path) -> None:
    """In the list and to the receiver, with the first call that nobody approved."""
    home = small_home(tmp_path / "data")

    async def story() -> None:
        async with serving(home.data, reviewer=Quick(FOUND)) as (service, policies):
            change = await approved(service, policies)
            ann = person(service, "Ann", "author")
            job = await policies.publisher.publish(ann, change.id, None, InShadow(calls=3))
            assert (await asked_on(service, policies, job)).code == "shadow-difference"
            (notice,) = await service.notices.list(14)
            assert (notice.code, notice.about) == ("shadow-differences", change.id)
            assert "lost outside of what was approved: hr/sync read books/staff" in notice.message
            await run(hook(service, policies, receiver), lambda: bool(receiver.got))
            assert await service.notices.list(0) == []

    with Receiver() as receiver:
        asyncio.run(story())
    assert told(receiver) == [("shadow-differences", "")]


def test_an_emergency_is_told(home: Home) -> None:
    """Who put it in force, and until when, comes with the next look."""

    async def story() -> None:
        async with serving(home.data) as (service, policies):
            change = await proposed(service, policies, CLOSED)
            hans = person(service, "Hans", "approver", "hr-team")
            job = await policies.publisher.publish_in_emergency(hans, change.id, "it leaks", 2)
            assert (await ended(policies, job)).state == "done"
            await run(hook(service, policies, receiver), lambda: bool(receiver.got))

    with Receiver() as receiver:
        asyncio.run(story())
    assert ("emergency-unreviewed", "") in told(receiver)
