"""SIGKILL at each step of a commit: the writer kills itself at every operation of its disk.

What it has written stays in the page cache, as it does for a process that is killed.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.logs import Batches

SIZES = [1, 255, 2]  # the second batch fills a tile; each is copied back


def killed(folder: Path, todo: Batches) -> list[int]:
    """How many records were said to be durable by a writer killed at each step."""
    lines = "".join(" ".join(leaf.hex() for leaf in batch) + "\n" for batch in todo)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_writer", str(folder)],
        cwd=REPOSITORY,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [int(said) for said in done.stdout.split()]


@pytest.mark.slow
def test_nothing_answered_is_missing_wherever_the_writer_is_killed(
    ledger_path: Path,
    batches: Callable[[list[int]], Batches],
    recheck: Callable[[Path], list[bytes]],
) -> None:
    """At whatever operation it is killed, the ledger opens, adds up, and has every answer."""
    todo = batches(SIZES)
    everything = list(itertools.chain(*todo))
    ends = set(itertools.accumulate(SIZES, initial=0))
    folder = ledger_path.parents[1]
    steps = killed(folder, todo)
    for step, answered in enumerate(steps):
        found = recheck(folder / f"killed-{step}" / "ledger.db")
        assert found == everything[: len(found)]
        assert len(found) >= answered
        assert len(found) in ends
    assert steps[-1] == len(everything)
    assert set(steps) == {0, *itertools.accumulate(SIZES)}  # it was killed within each commit
