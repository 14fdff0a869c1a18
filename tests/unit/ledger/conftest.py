"""What the ledger's tests share: a log's signer, records made to measure, a ledger to fill."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from pathlib import Path

import pytest

from policyd.ledger.folder import DataFolder, create
from policyd.ledger.reader import Reader
from policyd.ledger.record import Admin, Epoch, encode, stamped
from policyd.ledger.sealing import Sealer
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store
from policyd.ledger.store import create as create_ledger

ORIGIN = "policyd.example/log"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.now

    def move(self, **by: float) -> None:
        """Move it, by what `timedelta` takes."""
        self.now += timedelta(**by)


class Entropy:
    """Randomness that is the same in every run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, size: int) -> bytes:
        """So many bytes, other ones at each call."""
        self.drawn += 1
        return shake_128(b"%d" % self.drawn).digest(size)


@pytest.fixture
def clock() -> Clock:
    """A clock at the start of the test's time."""
    return Clock()


@pytest.fixture
def entropy() -> Entropy:
    """Randomness of the test's own."""
    return Entropy()


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The signer of the test's log."""
    return Signer(ORIGIN, b"\x07" * 32)


@pytest.fixture
def records(clock: Clock, entropy: Entropy) -> Callable[[int], list[bytes]]:
    """A function that makes so many records, a millisecond apart, the log's first one first."""
    return making(clock, entropy)


def making(clock: Clock, entropy: Entropy) -> Callable[[int], list[bytes]]:
    """What `records` is."""
    stamper, numbers = Stamper(None, clock, entropy), itertools.count()

    def make(count: int) -> list[bytes]:
        made = []
        for _ in range(count):
            clock.move(milliseconds=1)
            stamp = stamped(stamper.draw())
            number = next(numbers)
            made.append(
                encode(Admin(**stamp, act="tested", target=f"n{number}", by="test"))
                if number
                else encode(Epoch(**stamp, origin=ORIGIN))
            )
        return made

    return make


@pytest.fixture
def path(tmp_path: Path, signer: Signer) -> Path:
    """An empty ledger."""
    made = tmp_path / "ledger.db"
    create_ledger(made, signer)
    return made


@pytest.fixture
def store(path: Path, signer: Signer) -> Iterator[Store]:
    """The empty ledger, open for appending."""
    made = Store(path, signer)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    """A data folder, new and locked."""
    with create(tmp_path / "data", ORIGIN):
        pass
    opened = DataFolder.open(tmp_path / "data", wait=0)
    yield opened
    opened.close()


@pytest.fixture
def shelf(path: Path) -> Shelf:
    """Where the segments of the test's log lie, 256 records in each."""
    return Shelf(path.parent, level=1)


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    """A reader of the test's ledger."""
    made = Reader(path)
    yield made
    made.close()


@pytest.fixture
def leaves(store: Store, records: Callable[[int], list[bytes]]) -> list[bytes]:
    """The records of two segments and a bit, which are in the ledger."""
    made = records(600)
    for first in range(0, 600, 200):
        store.append(made[first : first + 200])
    return made


@pytest.fixture
def sealer(shelf: Shelf, reader: Reader, signer: Signer) -> Sealer:
    """The sealer of the test's log."""
    return Sealer(shelf, reader, signer)
