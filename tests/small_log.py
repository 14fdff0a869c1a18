"""A small log, its segments and one to ask about it: what tests of search share."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from policyd.ledger import record
from policyd.ledger.folder import create
from policyd.ledger.forgetting import Forgetting
from policyd.ledger.reader import Reader
from policyd.ledger.sealing import Sealer
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.search.answering import Answering
from policyd.search.asking import Page, PageFound, Question, Reply, Scope
from policyd.search.database import Database
from policyd.search.log import Log
from policyd.search.trusted import Trusted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEVELS = ("public", "internal", "confidential", "restricted")
UNITS = ("sales", "hr", "plants")
WIDTH = 256
"""Records of a segment here."""


class SmallLog:
    """A log in a data folder, a record a second, with segments of 256 records.

    Attributes:
        leaves: Its records.
        shelf: Where its segments lie.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        """Make an empty one at *path*, or go on with the folder that is there."""
        if not path.exists():
            with create(path, "policyd.example/log"):
                pass
        self.path = path
        self.leaves: list[bytes] = []
        self.shelf = Shelf(path, level=1)
        self.signer = Signer.load(path / "keys/signing.key")
        self.store = stack.enter_context(closing(Store(path / "ledger.db", self.signer)))
        self._now = START
        self._stamper = Stamper(None, lambda: self._now)
        self._stack = stack

    def copy(self, path: Path, stack: ExitStack) -> SmallLog:
        """Another log at *path* with all that this one has, which nobody may be writing."""
        shutil.copytree(self.path, path)
        copied = SmallLog(path, stack)
        copied.leaves = list(self.leaves)
        return copied

    def grow(self, count: int) -> None:
        """Add decisions, each an example of its number: see `decision`."""
        made = []
        for number in range(len(self.leaves), len(self.leaves) + count):
            self._now = START + timedelta(seconds=number)
            made.append(record.encode(decision(number, record.stamped(self._stamper.draw()))))
        self.put(made)

    def put(self, leaves: list[bytes]) -> None:
        """Add these records."""
        for at in range(0, len(leaves), 500):
            self.store.append(leaves[at : at + 500])
        self.leaves += leaves

    def stamp(self) -> dict[str, Any]:
        """What the next record begins with."""
        self._now += timedelta(seconds=1)
        return record.stamped(self._stamper.draw())

    def seal(self) -> None:
        """Seal what is full."""
        with closing(Reader(self.path / "ledger.db")) as reader:
            for each in Sealer(self.shelf, reader, self.signer).run():
                assert each.segment, each

    def forget(self, *numbers: int) -> None:
        """Let segments leave the ledger's file."""
        forgetting = Forgetting(self.store, self.shelf, self.signer)
        for number in numbers:
            assert forgetting.order(number) is None
            while forgetting.is_pending:
                forgetting.step()

    def prune(self, first: int) -> None:
        """Let the log begin at that record."""
        begin = "insert into retained values(1, ?, ?)"
        self.store._db.execute(begin, (first, len(self.leaves)))  # noqa: SLF001 - what a pruning leaves
        self.shelf.remove_below(first)

    def asker(self, clock: Callable[[], float] = time.monotonic) -> Asker:
        """One that answers about this log, in this process."""
        spill = self.shelf.folder / ".search"
        spill.mkdir(parents=True, exist_ok=True)
        database = Database(self.shelf.folder, spill, 256 << 20, 1)
        self._stack.callback(database.close)
        reader = self._stack.enter_context(closing(Reader(self.path / "ledger.db")))
        trusted = Trusted(self.shelf, self.signer)
        log = Log(reader, trusted, database)
        return Asker(self, log, Answering(log, database, clock))

    def numbers(self, holds: Callable[[int], object]) -> list[int]:
        """The numbers of records for which it holds, newest first."""
        return [each for each in reversed(range(len(self.leaves))) if holds(each)]


class Asker:
    """Asks one process's worth of search."""

    def __init__(self, small: SmallLog, log: Log, answering: Answering) -> None:
        self._small = small
        self.log = log
        self.answering = answering

    def scope(self, text: str = "", **other: Any) -> Scope:  # noqa: ANN401 - members of a scope
        """All records of the log, as an admin asks."""
        usual: dict[str, Any] = {
            "text": text,
            "now": "2026-03-02T12:00:00.000000Z",
            "levels": LEVELS,
            "roles": ("admin",),
            "size": len(self._small.leaves),
            "seconds": 60.0,
        }
        return Scope(**usual | other)

    def ask(self, question: Question) -> Reply:
        """The answer."""
        return self.answering.answer(question)

    def page(self, text: str = "", limit: int = 10_000, **other: Any) -> PageFound:  # noqa: ANN401
        """A page of what is found; `cursor` and `newest_first` are the page's own."""
        own = {name: other.pop(name) for name in ("cursor", "newest_first") if name in other}
        found = self.ask(Page(self.scope(text, **other), limit, **own))
        assert isinstance(found, PageFound), found
        return found

    def numbers(self, text: str = "", **other: Any) -> list[int]:  # noqa: ANN401
        """The numbers that are found; their bytes are those of the log."""
        found = self.page(text, **other)
        assert all(leaf == self._small.leaves[seq] for seq, leaf in found.records)
        return [seq for seq, _ in found.records]


def decision(number: int, stamp: dict[str, Any]) -> record.Decision:
    """A decision; every third is denied, units take turns, every tenth is about payroll."""
    unit = UNITS[number % len(UNITS)]
    is_denied = number % 3 == 1 and number % 2 == 0
    system, dataset = ("payroll", "payslips") if number % 10 == 0 else ("crm", "customers")
    return record.Decision(
        **stamp,
        caller=record.Caller(key="k1", address="10.0.0.1"),
        call=record.Call(
            subject=f"{unit}/flow-{number % 5}",
            unit=unit,
            action="send",
            system=system,
            dataset=f"{system}/{dataset}",
            labels=record.Labels(effective=(LEVELS[number % 4], "personal")),
            destination=record.Destination(sent="mailer/api", name="mailer", zone="saas"),
            volume=record.Volume(rows=number),
        ),
        facts=record.Facts(now=stamp["ts"]),
        snapshot="sha256:" + "0" * 64,
        source="folder",
        engine="policyd/1",
        decision="deny" if is_denied else "allow",
        reasons=(record.Reason(code="label-too-high", check="ceiling"),) if is_denied else (),
        obligations=(),
    )
