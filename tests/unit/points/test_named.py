"""What the log says is in force: found from its end, whatever else is there."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from policyd.ledger import record
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store, create
from policyd.points.named import named_in_force, published
from tests.faults.logs import SIGNER

STAMPER = Stamper(None, lambda: datetime(2026, 3, 1, tzinfo=UTC))
_NUMBERS = count()


def change(snapshot: str, reason: str, source: str = "published") -> bytes:
    """A record of a snapshot that is in force from there on."""
    stamped = record.stamped(STAMPER.draw())
    said = record.PolicyChange(**stamped, snapshot=snapshot, source=source, reason=reason)
    return record.encode(said)


def other(how_many: int = 1) -> list[bytes]:
    """Records that name no snapshot."""
    return [
        record.encode(
            record.Admin(
                **record.stamped(STAMPER.draw()), act="x", target=str(next(_NUMBERS)), by="k"
            )
        )
        for _ in range(how_many)
    ]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[Store, Reader]]:
    """A log, to be written and read."""
    path = tmp_path / "ledger.db"
    create(path, SIGNER)
    with closing(Store(path, SIGNER)) as store, closing(Reader(path)) as reader:
        yield store, reader


def test_nothing_was_published(log: tuple[Store, Reader]) -> None:
    """An empty log, and one of a server that only ever read a folder."""
    store, reader = log
    assert named_in_force(reader) is None
    store.append([change("f1", "start", "folder"), *other()])
    assert named_in_force(reader) is None
    assert next(published(reader), None) is None


def test_the_newest_counts(log: tuple[Store, Reader]) -> None:
    """Behind thousands of records of other kinds, and whatever a folder said since."""
    store, reader = log
    store.append([change("s1", "init"), *other(3), change("s2", "publish")])
    store.append([change("s2", "start"), change("f1", "start", "folder")])
    for _ in range(4):
        store.append(other(400))
    assert named_in_force(reader) == "s2"
    said = next(published(reader), None)
    assert said is not None
    assert (said.snapshot, said.reason) == ("s2", "publish")
