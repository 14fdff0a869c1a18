"""Faults in our own code: none allows anything, and none says outside what only we should see."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.model.decision import Decision
from policyd.model.facts import Facts
from policyd.points.administration import InForce
from policyd.points.counters import Counters
from policyd.points.decision import Ask, DecisionPoint, Pending
from policyd.points.readiness import Readiness
from policyd.points.service import Service
from tests.api.calls import ALLOWED, including
from tests.api.inside import Parts, from_folder, serving

if TYPE_CHECKING:
    from tests.servers import Home

INSIDE = "what only we should see"


class BrokenEngine(Engine):
    """An engine with a fault."""

    def judge(self, case: Case, facts: Facts) -> Decision:  # noqa: ARG002 - the same signature
        """Fail."""
        raise ZeroDivisionError(INSIDE)


class BrokenPoint(DecisionPoint):
    """A decision point with a fault."""

    def begin(self, asks: Sequence[Ask]) -> list[Pending | Exception]:  # noqa: ARG002 - the same
        """Fail."""
        raise ZeroDivisionError(INSIDE)


class BrokenReadiness(Service):
    """A service whose readiness has a fault."""

    def readiness(self) -> Readiness:
        """Fail."""
        raise ZeroDivisionError(INSIDE)


class BrokenDecisions(Service):
    """A service whose decision point has a fault."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]  # as given
        self.decision = BrokenPoint(self._policy, self._ledger, self.metrics, Counters())


def test_a_fault_of_the_engine_denies(home: "Home") -> None:
    """When the engine fails, the answer is a recorded deny that says whom to ask."""

    async def story() -> None:
        async with serving(home, Parts(engine=BrokenEngine)) as inside:
            answer = (await inside.check(including(ALLOWED, "reasons"))).json()
            assert not answer["decision"]
            assert [reason["code"] for reason in answer["context"]["reasons"]] == ["engine-error"]
            assert INSIDE not in str(answer)

    asyncio.run(story())
    (record,) = home.records("decision")
    assert record["decision"] == "deny"
    assert [reason["code"] for reason in record["reasons"]] == ["engine-error"]
    assert home.verify().returncode == 0


def test_a_fault_in_a_check_is_told_as_one(home: "Home") -> None:
    """A fault on the way of a check is a 500 without a word of the inside; nothing is decided."""

    async def story() -> None:
        async with serving(home, Parts(service=BrokenDecisions)) as inside:
            answer = await inside.check(ALLOWED)
            assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
            assert answer.headers["content-type"] == "application/problem+json"
            assert INSIDE not in answer.text

    asyncio.run(story())
    assert home.records("decision") == []
    assert home.records("refusals") == []


def test_a_fault_elsewhere_is_told_as_one(home: "Home") -> None:
    """A fault on any other path is the same 500."""

    async def story() -> None:
        async with serving(home, Parts(service=BrokenReadiness)) as inside:
            answer = await inside.get("/health/ready")
            assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
            assert answer.headers["content-type"] == "application/problem+json"
            assert INSIDE not in answer.text

    asyncio.run(story())


def test_a_fault_while_policy_is_read(home: "Home") -> None:
    """The policies in force stay so, readiness says that, and the log has the fault."""

    async def faulty(engine: type[Engine], before: InForce | None) -> InForce:
        if before is None:
            return await from_folder(engine)
        raise ZeroDivisionError(INSIDE)

    async def story() -> None:
        async with serving(home, Parts(read=faulty)) as inside:
            with capture_logs() as said:
                assert not await inside.service.administration.reload()
            state = (await inside.get("/health/ready")).json()
            assert state["ready"]
            assert (await inside.check(ALLOWED)).json() == {"decision": True}
            (line,) = said
            assert (line["event"], line["code"]) == ("reload-failed", "internal-error")
            assert line["exc_info"]
            assert "see the log" in (inside.service.readiness().failed_reload or "")

    asyncio.run(story())
    assert [each["reason"] for each in home.records("policy_change")] == ["start"]
