"""The alarm: it rings for what takes too long, and for nothing else."""

from collections.abc import Iterator
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Event
from threading import enumerate as enumerate_threads

import pytest

from policyd.search.alarm import Alarm

HUGE = 3600.0


@pytest.fixture
def rung() -> SimpleQueue[None]:
    """How often it rang."""
    return SimpleQueue()


@pytest.fixture
def alarm(rung: SimpleQueue[None]) -> Iterator[Alarm]:
    """An alarm."""
    with closing(Alarm(lambda: rung.put(None))) as made:
        yield made


def test_it_rings_until_it_is_heard(alarm: Alarm, rung: SimpleQueue[None]) -> None:
    """What begins in the very moment does not hear the first one."""
    with alarm.after(0):
        for _ in range(3):
            rung.get(timeout=60)


def test_it_is_silent_when_all_is_through(alarm: Alarm, rung: SimpleQueue[None]) -> None:
    """Neither the thing that was in time nor the one after it is interrupted."""
    with alarm.after(0.05):
        pass
    while not rung.empty():  # a very slow machine
        rung.get()
    with alarm.after(HUGE), pytest.raises(Empty):
        rung.get(timeout=0.2)


def test_a_sooner_end_than_the_last(alarm: Alarm, rung: SimpleQueue[None]) -> None:
    """It does not sleep until the one before would have been over."""
    with alarm.after(HUGE):
        pass
    with alarm.after(0):
        rung.get(timeout=60)


def test_a_later_end_than_the_last(alarm: Alarm, rung: SimpleQueue[None]) -> None:
    """It wakes for the one before, and goes on to sleep for this one."""
    with alarm.after(0.05):
        pass
    with alarm.after(0.3):
        rung.get(timeout=60)


def test_its_thread_ends() -> None:
    """Also while it waits for something."""
    before, ended = {*enumerate_threads()}, Event()
    alarm = Alarm(ended.set)
    with alarm.after(HUGE):
        alarm.close()
    assert {*enumerate_threads()} <= before
    assert not ended.is_set()
