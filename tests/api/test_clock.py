"""A clock that is set back or forward while the server runs."""

import asyncio
from datetime import datetime, timedelta

from policyd.bootstrap import utc_now
from tests.api.calls import ALLOWED
from tests.api.inside import Parts, serving
from tests.servers import Home

HOUR = timedelta(hours=1)
RIGHT = timedelta(0)


class Clock:
    """The machine's clock, and by how much it is wrong."""

    def __init__(self) -> None:
        self.off = RIGHT

    def __call__(self) -> datetime:
        """The time it shows."""
        return utc_now() + self.off


def test_a_clock_set_back_ends_readiness(home: Home) -> None:
    """Behind its log the server answers no check, says why, and goes on once the clock is right."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, Parts(clock)) as inside:
            assert (await inside.check(ALLOWED)).json() == {"decision": True}
            clock.off = -HOUR
            refused = await inside.check(ALLOWED)
            assert (refused.status_code, refused.json()["code"]) == (503, "clock-behind")
            assert "retry-after" in refused.headers
            assert "decision" not in refused.json()
            state = await inside.get("/health/ready")
            assert state.status_code == 503
            (problem,) = state.json()["problems"]
            assert problem["code"] == "clock-behind"
            assert "set it" in problem["detail"]
            clock.off = RIGHT
            assert (await inside.get("/health/ready")).status_code == 200
            assert (await inside.check(ALLOWED)).json() == {"decision": True}

    asyncio.run(story())
    assert [record["decision"] for record in home.records("decision")] == ["allow"] * 2
    assert home.verify().returncode == 0


def test_a_clock_set_back_a_little(home: Home) -> None:
    """A clock that is corrected by seconds stops nothing, and time in the log stands still."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, Parts(clock)) as inside:
            await inside.check(ALLOWED)
            clock.off = -timedelta(seconds=4)
            assert (await inside.check(ALLOWED)).json() == {"decision": True}
            assert (await inside.get("/health/ready")).status_code == 200

    asyncio.run(story())
    first, second = home.records("decision")
    assert second["ts"] == first["ts"] == second["facts"]["now"]


def test_a_clock_set_forward(home: Home) -> None:
    """A clock that jumps ahead is believed: time in the log never goes back again."""

    async def story() -> None:
        clock = Clock()
        async with serving(home, Parts(clock)) as inside:
            await inside.check(ALLOWED)
            clock.off = HOUR
            assert (await inside.check(ALLOWED)).status_code == 200
            clock.off = RIGHT
            assert (await inside.check(ALLOWED)).status_code == 503

    asyncio.run(story())
    first, second = home.records("decision")
    assert first["ts"] < second["ts"]
