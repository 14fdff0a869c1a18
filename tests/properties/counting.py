"""A decision point on a log that commits when told to, and calls that share its limits."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from typing import Any, cast

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis
from policyd.ledger.ledger import Ledger
from policyd.ledger.record import Epoch, encode, stamped
from policyd.ledger.stamp import Stamp, Stamper
from policyd.model.call import Call
from policyd.model.decision import Decision
from policyd.model.errors import LedgerUnavailable
from policyd.model.keys import Key
from policyd.points.administration import InForce, PolicyInForce
from policyd.points.counters import Counters
from policyd.points.decision import Ask, DecisionPoint, Item, Pending, Sender
from policyd.points.metrics import Metrics
from tests.unit.engine.test_cases import call_of, engine

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
ACCESS = "guardrails/access.yaml"
SMALL = (
    (ACCESS, "rows: 20000", "rows: 30"),
    (ACCESS, "calls: 100\n", "calls: 3\n"),
    (ACCESS, "calls: 10\n", "calls: 2\n"),
    (ACCESS, "rows: 50000", "rows: 40"),
)
"""The company of the case tables with limits that a few calls reach."""
KEY = Key("k1", "flows", "service", "it", frozenset({"pep"}), frozenset({"sales", "hr"}),
          frozenset(), (), START)  # fmt: skip
SENDER = Sender(KEY, "::1")


def ask(who: str, action: str, data: str, endpoint: str, rows: int | None = None) -> Call:
    """A call of the company's."""
    said = {"who": who, "action": action, "data": data, "endpoint": endpoint, "rows": rows}
    return call_of({**said, "method": "POST", "can": ["row-limit"]})


CALLS = [
    *[ask("sales/sync", "send", "erp/stock", "partner/drop", rows) for rows in (0, 1, 12, 29)],
    ask("sales/sync", "send", "erp/stock", "partner/drop"),
    ask("sales/eager", "send", "erp/stock", "partner/drop", 12),
    ask("sales/eager", "send", "erp/prices", "partner/drop", 1),
    ask("sales/sync", "send", "erp/stock", "mailer/api", 1),
    ask("sales/eager", "send", "erp/stock", "mailer/api", 1),
    ask("sales/sync", "read", "erp/stock", "erp/api"),
    ask("sales/feed", "read", "erp/stock", "erp/api"),
    ask("sales/sync", "write", "erp/stock", "erp/api", 25),
    ask("sales/feed", "send", "erp/stock", "crm/api", 5),
]
"""Calls that share limits of rows and calls, by integration, unit, system and company; some are
denied whatever has been used."""


class HeldLog:
    """A log that holds what it is given until it is told to commit it, or that it is lost."""

    def __init__(self) -> None:
        self.now = START
        self.committed: list[bytes] = []
        self._drawn = 0
        self._stamper = Stamper(None, lambda: self.now, self._entropy)
        self._held: deque[tuple[asyncio.Future[int], Sequence[bytes]]] = deque()

    def _entropy(self, size: int) -> bytes:
        self._drawn += 1
        return shake_128(b"%d" % self._drawn).digest(size)

    def stamp(self) -> Stamp:
        """The next stamp."""
        self.now += timedelta(milliseconds=1)
        return self._stamper.draw()

    def submit(self, records: Sequence[bytes], *, is_urgent: bool) -> asyncio.Future[int]:
        """Hold *records* until they are committed."""
        assert is_urgent
        held: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._held.append((held, records))
        return held

    def answer(self, *, durable: bool) -> None:
        """Commit what has been held for longest, or lose it."""
        if not self._held:
            return
        held, records = self._held.popleft()
        if durable:
            self.committed += records
            held.set_result(len(self.committed))
        else:
            held.set_exception(LedgerUnavailable("the disk is full"))

    def first(self) -> bytes:
        """The record that begins a log."""
        return encode(Epoch(**stamped(self._stamper.draw()), origin="policyd.example/log"))


def begun(point: DecisionPoint, ask: Ask) -> Pending:
    """What was begun for one ask alone; raises what it failed with."""
    (pending,) = point.begin([ask])
    if isinstance(pending, Exception):
        raise pending
    return pending


async def settled(point: DecisionPoint, pending: Pending) -> Sequence[Decision]:
    """What was decided, once the log has answered."""
    with suppress(LedgerUnavailable):
        await pending.durable
    point.settle(pending)
    return pending.decisions


class World:
    """The company's decision point on a held log."""

    def __init__(self) -> None:
        self.log = HeldLog()
        self.epoch = self.log.first()
        self.counters = Counters()
        self.engine: Engine = engine(*SMALL)
        snapshot = self.engine.snapshot
        basis = Basis(snapshot.digest, "folder", "policyd 0.1.0", snapshot.vocabulary)
        self.policy = PolicyInForce(InForce(self.engine, basis))
        ledger = cast("Ledger", self.log)
        self.point = DecisionPoint(self.policy, ledger, Metrics(), self.counters)
        self.tasks: list[asyncio.Task[Any]] = []

    async def start(self, calls: Sequence[Call]) -> None:
        """Ask for one call, or for several as a batch, and do not wait for the answer."""
        ask = Ask(SENDER, [Item(each) for each in calls], is_batch=len(calls) > 1)
        pending = begun(self.point, ask)
        self.tasks.append(asyncio.create_task(settled(self.point, pending)))
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Commit everything that is held, and let every caller have its answer."""
        for _ in self.tasks:
            self.log.answer(durable=True)
        await asyncio.gather(*self.tasks, return_exceptions=True)
