"""Jobs: their end is told, whatever it is, and the oldest are forgotten."""

import asyncio
from typing import Any

import pytest

from policyd.model.errors import Conflict, NotFound
from policyd.points.jobs import KEPT, Job, Jobs, Tell


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


def ended(*works: Any) -> list[Job]:  # noqa: ANN401 - functions of one shape
    """The jobs, once all are over."""

    async def story() -> list[Job]:
        jobs = Jobs()
        for number, work in enumerate(works):
            jobs.begin(str(number), "test", "k1", work)
        for _ in range(10):
            await asyncio.sleep(0)
        found = [jobs.get(str(number)) for number in range(len(works))]
        await jobs.close()
        return found

    return asyncio.run(story())


def test_the_end_of_a_job_is_told() -> None:
    """Done with its result; refused with its code; a fault with neither words nor names of it."""
    done, late, fault = ended(fine, refused, broken)
    assert (done.state, done.step, done.result) == ("done", "half of it", {"a": 1})
    assert (late.state, late.code, late.detail) == ("failed", "too-early", "not now")
    assert (fault.state, fault.code) == ("failed", "internal-error")
    assert "Zero" not in str(fault.detail)


def test_the_oldest_are_forgotten() -> None:
    """Of those that are over; what was never there is told alike."""

    async def story() -> None:
        jobs = Jobs()
        for number in range(KEPT + 2):
            jobs.begin(str(number), "test", "k1", fine)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with pytest.raises(NotFound) as caught:
            jobs.get("0")
        assert caught.value.code == "job-missing"
        assert jobs.get(str(KEPT + 1)).id
        await jobs.close()

    asyncio.run(story())


def test_what_runs_is_ended_with_the_server() -> None:
    """Nobody is left waiting for it."""

    async def story() -> None:
        jobs = Jobs()

        async def endless(tell: Tell) -> dict[str, Any]:
            del tell
            await asyncio.Event().wait()
            return {}

        jobs.begin("a", "test", "k1", endless)
        await asyncio.sleep(0)
        await jobs.close()
        assert jobs.get("a").state == "running"

    asyncio.run(story())
