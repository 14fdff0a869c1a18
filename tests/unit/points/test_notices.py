"""Notices: what of the policy in force is about to end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis
from policyd.ledger.ledger import Ledger
from policyd.points.administration import InForce, PolicyInForce
from policyd.points.notices import NoticePoint
from policyd.policy.load import load
from tests.servers import POLICIES

SNAPSHOT = load(POLICIES)
BASIS = Basis(SNAPSHOT.digest, "folder", "policyd/test", SNAPSHOT.vocabulary)


@dataclass(frozen=True, slots=True)
class Clock:
    """A ledger that knows the time and nothing else."""

    at: datetime

    def stamp(self) -> "Clock":
        """The moment."""
        return self


def noticed(now: datetime, days: int) -> Sequence[tuple[str, str, str]]:
    """What is told of the sample company at one moment."""
    policy = PolicyInForce(InForce(Engine(SNAPSHOT), BASIS))
    point = NoticePoint(policy, cast("Ledger", Clock(now)), None)
    found = asyncio.run(point.list(days))
    assert [each.until for each in found] == sorted(each.until for each in found)
    return [(each.code, each.about, each.owner) for each in found]


PLANTS = ("mode-ends", "unit:plants", "plant-it")


@pytest.mark.parametrize(
    ("now", "days", "is_told"),
    [
        (datetime(2026, 6, 20, tzinfo=UTC), 14, True),
        (datetime(2026, 6, 20, tzinfo=UTC), 5, False),
        (datetime(2026, 7, 2, tzinfo=UTC), 14, False),
    ],
)
def test_a_mode_that_ends(now: datetime, days: int, is_told: bool) -> None:
    """It is told of within so many days of its end, to its owner, and not after it."""
    assert (PLANTS in noticed(now, days)) is is_told


def test_exemptions_that_end() -> None:
    """Each is told of before its end, and none after it."""
    ends = {each.id: each.end for each in SNAPSHOT.exemptions.values()}
    assert ends
    for name, end in ends.items():
        now = end.replace(tzinfo=UTC) - timedelta(days=10)
        told = [about for code, about, _ in noticed(now, 14) if code == "exemption-ends"]
        assert name in told
    assert noticed(datetime(2036, 1, 1, tzinfo=UTC), 40) == []
