"""Jobs: their end is told, whatever it is, and the oldest are forgotten."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from policyd.model.errors import Conflict, NotFound
from policyd.points.jobs import KEPT, Job, Jobs, Tell
from policyd.registry.jobs import JobStore, Order
from policyd.registry.policies import PolicyStore


async def fine(tell: Tell) -> dict[str, Any]:
    """Work that is done."""
    tell("half of it")
    await asyncio.sleep(0)
    return {"a": 1}


async def refused(tell: Tell) -> dict[str, Any]:
    """Work that cannot be done."""
    del tell
    raise Conflict("not now", code="too-early")


async def broken(tell: Tell) -> dict[str, Any]:
    """Work with a fault."""
    del tell
    raise ZeroDivisionError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    """Where orders are kept."""
    with closing(PolicyStore.open(tmp_path / "registry.db")) as opened:
        yield opened.jobs


def order(number: int) -> Order:
    """An order."""
    return Order(str(number), "comparison", "k1", "a b", "policyd diff a b")


async def over(store: JobStore) -> None:
    """Return when nothing is under way."""
    for _ in range(10_000):
        if not store.list():
            return
        await asyncio.sleep(0.001)


def ended(store: JobStore, *works: Any) -> list[Job]:  # noqa: ANN401 - functions of one shape
    """The jobs, once all are over."""

    async def story() -> list[Job]:
        jobs = Jobs(store)
        for number, work in enumerate(works):
            await jobs.begin(order(number), work)
        await over(store)
        found = [jobs.get(str(number)) for number in range(len(works))]
        await jobs.close()
        return found

    return asyncio.run(story())


def test_the_end_of_a_job_is_told(store: JobStore) -> None:
    """Done with its result; refused with its code; a fault with neither words nor names of it."""
    done, late, fault = ended(store, fine, refused, broken)
    assert (done.state, done.step, done.result) == ("done", "half of it", {"a": 1})
    assert (late.state, late.code, late.detail) == ("failed", "too-early", "not now")
    assert (fault.state, fault.code) == ("failed", "internal-error")
    assert "Zero" not in str(fault.detail)


def test_the_oldest_are_forgotten(store: JobStore) -> None:
    """Of those that are over; what was never there is told alike."""

    async def story() -> None:
        jobs = Jobs(store)
        for number in range(KEPT + 2):
            await jobs.begin(order(number), fine)
            await over(store)
        with pytest.raises(NotFound) as caught:
            jobs.get("0")
        assert caught.value.code == "job-missing"
        assert jobs.get(str(KEPT + 1)).id
        await jobs.close()

    asyncio.run(story())


def test_what_runs_is_ended_with_the_server(store: JobStore) -> None:
    """Nobody is left waiting for it, and the next server finds its order."""

    async def story() -> None:
        jobs = Jobs(store)

        async def endless(tell: Tell) -> dict[str, Any]:
            del tell
            await asyncio.Event().wait()
            return {}

        await jobs.begin(order(7), endless)
        await asyncio.sleep(0)
        await jobs.close()
        assert jobs.get("7").state == "running"
        assert await Jobs(store).left() == [order(7)]

    asyncio.run(story())
