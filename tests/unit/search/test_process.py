"""The server's end of search: who waits, for how long, and what becomes of a process that fails."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd.model.errors import QueryRefused, SearchUnavailable
from policyd.search.asking import Facets, FacetsFound, Page, PageFound, Scope
from policyd.search.process import Allowance, Search
from policyd.search.searcher import NICENESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.small_log import SmallLog

SLEEPING = ("-c", "import time; time.sleep(600)")
ENDING = ("-c", "pass")
BABBLING = ("-c", "import os, sys; os.write(int(sys.argv[1]), b'\\x03\\0\\0\\0abc' * 9); input()")


def scope(text: str = "", seconds: float = 60.0) -> Scope:
    """Everything, as an admin asks."""
    levels = ("public", "internal", "confidential", "restricted")
    return Scope(text, "2026-03-02T12:00:00.000000Z", levels, ("admin",), 1 << 40, seconds)


@asynccontextmanager
async def searching(
    data: Path, program: tuple[str, ...] | None = None, **allowed: float
) -> AsyncIterator[Search]:
    """A search of small segments, ended at the end."""
    allowance = Allowance(memory=256 << 20, **allowed)  # type: ignore[arg-type]  # its members
    other = {"program": program} if program else {}
    search = Search(data, allowance, level=1, **other)
    try:
        yield search
    finally:
        await search.close()


def test_a_process_of_its_own_answers(filled: SmallLog) -> None:
    """It starts with the first question, stays for the next ones, and gives way to checks."""

    async def ask() -> None:
        async with searching(filled.path) as search:
            before = search.pid
            found = await search.ask(Page(scope("decision:deny"), 3), PageFound)
            assert [seq for seq, _ in found.records] == [1096, 1090, 1084]
            pid = search.pid
            assert before is None
            assert pid is not None
            assert os.getpriority(os.PRIO_PROCESS, pid) == NICENESS
            assert os.sched_getscheduler(pid) == getattr(os, "SCHED_IDLE", os.SCHED_OTHER)
            counts = await search.ask(Facets(scope(), ("unit",), 5), FacetsFound)
            assert counts.records == 1100
            assert search.pid == pid

    asyncio.run(ask())


def test_it_reads_segments_before_it_is_asked(filled: SmallLog, tmp_path: Path) -> None:
    """A process is there at once if there are segments, and only then."""

    async def pid(data: Path) -> int | None:
        async with searching(data) as search:
            await search.prepare()
            found = search.pid
            if found is not None:
                await search.ask(Page(scope(), 1), PageFound)
                assert search.pid == found
            return found

    assert asyncio.run(pid(filled.path)) is not None
    assert asyncio.run(pid(tmp_path / "empty")) is None


def test_a_query_that_cannot_be_read(filled: SmallLog) -> None:
    """The refusal comes through with its place, and the process is there for the next one."""

    async def ask() -> None:
        async with searching(filled.path) as search:
            with pytest.raises(QueryRefused) as refused:
                await search.ask(Page(scope("unit:sales desicion:deny"), 3), PageFound)
            assert (refused.value.column, refused.value.code) == (12, "query-unknown-field")
            await search.ask(Page(scope(), 3), PageFound)

    asyncio.run(ask())


def test_a_process_that_was_killed(filled: SmallLog) -> None:
    """The question that it takes along fails, the next one is answered by another process."""

    async def ask() -> None:
        async with searching(filled.path) as search:
            await search.ask(Page(scope(), 3), PageFound)
            killed = search.pid
            assert killed is not None
            os.kill(killed, signal.SIGSTOP)
            asked = asyncio.create_task(search.ask(Page(scope(), 3), PageFound))
            await asyncio.sleep(0)
            os.kill(killed, signal.SIGKILL)
            with pytest.raises(SearchUnavailable) as failed:
                await asked
            assert failed.value.code == "search-unavailable"
            await search.ask(Page(scope(), 3), PageFound)
            assert search.pid != killed

    asyncio.run(ask())


@pytest.mark.parametrize("program", [SLEEPING, ENDING, BABBLING], ids=["hangs", "ends", "babbles"])
def test_a_process_that_does_not_answer(tmp_path: Path, program: tuple[str, ...]) -> None:
    """It is ended, and the question gets an error that says so."""

    async def ask() -> None:
        async with searching(tmp_path, program, grace_s=0.0) as search:
            with pytest.raises(SearchUnavailable):
                await search.ask(Page(scope(seconds=1.0), 3), PageFound)
            assert search.pid is None

    asyncio.run(ask())


def test_a_hundred_at_once(filled: SmallLog) -> None:
    """As many as may wait are answered, one after the other; the others are told to come again."""

    async def ask() -> None:
        async with searching(filled.path, waiting=5, wait_s=600.0) as search:
            asked = (search.ask(Page(scope("decision:deny"), 3), PageFound) for _ in range(100))
            replies = await asyncio.gather(*asked, return_exceptions=True)
            found = [each for each in replies if isinstance(each, PageFound)]
            busy = [each for each in replies if isinstance(each, SearchUnavailable)]
            assert len(found) >= 5
            assert len(found) + len(busy) == 100
            assert {each.code for each in busy} == {"search-busy"}

    asyncio.run(ask())


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    """Whose turn does not come in time is told to come again."""

    async def ask() -> None:
        async with searching(tmp_path, SLEEPING, wait_s=0.0, grace_s=600.0) as search:
            first = asyncio.create_task(search.ask(Page(scope(), 3), PageFound))
            await asyncio.sleep(0)
            with pytest.raises(SearchUnavailable) as busy:
                await search.ask(Page(scope(), 3), PageFound)
            assert busy.value.code == "search-busy"
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert search.pid is None

    asyncio.run(ask())
