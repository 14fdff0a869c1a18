"""Refusals: counted, bounded, recorded, and kept for later while the log takes nothing."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from policyd.bootstrap import utc_now
from policyd.ledger import writer
from policyd.ledger.ledger import Failure, Ledger, Options
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, create
from policyd.points.metrics import Metrics
from policyd.points.refusals import MOST, Refusals

Story = Callable[[Ledger, Refusals], Coroutine[Any, Any, None]]


@pytest.fixture
def told(tmp_path: Path) -> Callable[[Story], list[dict[str, Any]]]:
    """Runs a story of refusals; the records that came of it."""
    path, signer = tmp_path / "ledger.db", Signer("policyd.example/log", bytes(32))
    create(path, signer)

    async def run(story: Story, near: socket.socket) -> None:
        ledger = await Ledger.attach(near, Options(utc_now))
        await story(ledger, Refusals(ledger, Metrics()))
        await ledger.close()

    def write(pipe: socket.socket) -> None:
        with pipe:
            writer.run(pipe, path, lambda: Store(path, signer))

    def ran(story: Story) -> list[dict[str, Any]]:
        near, far = socket.socketpair()
        work = Thread(target=write, args=(far,))
        work.start()
        asyncio.run(run(story, near))
        work.join()
        with closing(Reader(path)) as reader:
            found = reader.page(limit=100, newest_first=False).records
        return [json.loads(each.leaf) for each in found]

    return ran


def test_like_refusals_are_one_row(told: Callable[[Story], list[dict[str, Any]]]) -> None:
    """Refusals of the same key, address and code are counted, others apart; in order."""

    async def story(_: Ledger, refusals: Refusals) -> None:
        for key in ("k2", "", "k2"):
            refusals.note("call-malformed", key, "192.0.2.1")
        await refusals.flush()
        await refusals.flush()  # nothing is left to say

    (record,) = told(story)
    assert record["kind"] == "refusals"
    assert record["from"] <= record["until"] == record["ts"]
    assert record["counts"] == [
        {"address": "192.0.2.1", "code": "call-malformed", "count": 1},
        {"key": "k2", "address": "192.0.2.1", "code": "call-malformed", "count": 2},
    ]


def test_a_flood_fits_one_record(told: Callable[[Story], list[dict[str, Any]]]) -> None:
    """However many addresses there are, a record is bounded, and no refusal goes uncounted."""

    async def story(_: Ledger, refusals: Refusals) -> None:
        for number in range(5000):
            refusals.note("unauthenticated", "", f"2001:db8:ffff:ffff:ffff:ffff:ffff:{number:x}")
        await refusals.flush()

    (record,) = told(story)
    counts = record["counts"]
    assert sum(row["count"] for row in counts) == 5000
    assert len(counts) == MOST + 1
    assert {row["address"] for row in counts if row["count"] > 1} == {""}


def test_nothing_is_forgotten(told: Callable[[Story], list[dict[str, Any]]]) -> None:
    """What could not be recorded is recorded with what comes later, from the same beginning."""

    async def story(ledger: Ledger, refusals: Refusals) -> None:
        refusals.note("forbidden", "k1", "192.0.2.1")
        failed, ledger.failure = ledger.failure, Failure("x", "no room")
        await refusals.flush()
        ledger.failure = failed
        refusals.note("forbidden", "k1", "192.0.2.1")
        await refusals.flush()

    (record,) = told(story)
    assert [row["count"] for row in record["counts"]] == [2]
