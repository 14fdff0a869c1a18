"""Waiting: who is told that it takes long, and when, by a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from policyd.ledger.waiting import Waiting
from policyd.model.errors import LedgerStalled, LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 5.0


class Hand:
    """The part of an event loop that knows the time."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        """Seconds."""
        return self.now

    def create_future(self) -> asyncio.Future[int]:
        """As a loop does."""
        return self.loop.create_future()

    def call_at(self, when: float, what: Callable[[], None]) -> asyncio.TimerHandle:
        """Have *what* called by `move`."""
        self.due.append((when, what))
        return cast("asyncio.TimerHandle", object())

    def move(self, to: float) -> None:
        """Let time pass, and call what is due meanwhile."""
        while ready := [each for each in self.due if each[0] <= to]:
            self.due.remove(ready[0])
            self.now = max(self.now, ready[0][0])
            ready[0][1]()
        self.now = to


def stalls(waiting: Waiting) -> bool:
    """Whether nothing more is to be taken."""
    return waiting.stall is not None


Held = tuple["Hand", Waiting]


@pytest.fixture
def held() -> Iterator[Held]:
    """A clock, and those who wait by it."""
    hand = Hand()
    yield hand, Waiting(cast("asyncio.AbstractEventLoop", hand), PATIENCE_S)
    hand.loop.close()


def test_each_waits_from_its_own_beginning(held: Held) -> None:
    """That somebody always waits is no stall, if each is answered in time."""
    hand, waiting = held
    first = waiting.add(1, 10, "", is_urgent=True)
    for second in range(1, 40):
        hand.move(100.0 + second)
        following = waiting.add(1, 10, "", is_urgent=True)
        waiting.release(second - 1)
        assert first.result() == second - 1
        assert not stalls(waiting)
        first = following
    assert (waiting.depth, waiting.bytes) == (1, 10)
    assert len(hand.due) == 1


def test_who_is_told_and_when(held: Held) -> None:
    """All who are in a hurry once the first has waited too long, and nobody else."""
    hand, waiting = held
    said = [waiting.add(1, 1, "", is_urgent=each) for each in (True, False)]
    hand.move(104.9)
    said.append(waiting.add(1, 1, "", is_urgent=True))
    assert not any(each.done() for each in said)
    assert not stalls(waiting)

    hand.move(105.0)
    assert stalls(waiting)
    assert [each.done() for each in said] == [True, False, True]
    assert isinstance(said[0].exception(), LedgerStalled)

    for index in range(3):
        waiting.release(index)
    assert said[1].result() == 1
    assert not stalls(waiting)
    hand.move(200.0)
    assert hand.due == []  # nobody waits, so nobody looks


def test_a_second_stall_is_told_too(held: Held) -> None:
    """The one who came after the first stall began is told in turn."""
    hand, waiting = held
    first = waiting.add(1, 1, "", is_urgent=True)
    hand.move(106.0)
    second = waiting.add(1, 1, "", is_urgent=True)
    hand.move(112.0)
    assert isinstance(first.exception(), LedgerStalled)
    assert isinstance(second.exception(), LedgerStalled)


def test_nothing_is_known_any_more(held: Held) -> None:
    """Whoever still waits when all is over is told so; who gave up is left alone."""
    _, waiting = held
    one, other = (waiting.add(2, 5, "", is_urgent=False) for _ in range(2))
    one.cancel()
    waiting.fail("the disk is gone")
    assert type(other.exception()) is LedgerUnavailable
    assert (waiting.depth, waiting.bytes) == (0, 0)
