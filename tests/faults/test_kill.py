"""SIGKILL: whatever is killed and whenever, every answered record is in the log."""

from __future__ import annotations

import os
import random  # noqa: TID251 - seeded: the same in every run
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policyd.ledger.folder import DataFolder, create
from policyd.ledger.reader import Reader
from policyd.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from tests.faults.logs import Batches

APPENDER = Path(__file__).with_name("appender.py")
ORIGIN = "policyd.example/log"
ROUNDS = 20


def killed_after(folder: Path, answers: int, victim: str) -> list[str]:
    """Ids answered by an appender that was killed once it had answered so many."""
    command = [sys.executable, str(APPENDER), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        writer = int(process.stdout.readline())
        answered = [process.stdout.readline().strip() for _ in range(answers)]
        victims = {"server": [process.pid], "writer": [writer], "both": [writer, process.pid]}
        for pid in victims[victim]:
            os.kill(pid, signal.SIGKILL)
        # What stood in the pipe was answered before the kill as well.
        return answered + complete_lines(process.stdout)


def complete_lines(pipe: IO[str]) -> list[str]:
    """The rest of the lines; the last may have been cut off by the kill."""
    return [line.strip() for line in pipe if line.endswith("\n")]


@pytest.mark.slow
def test_every_answered_record_survives_sigkill(
    tmp_path: Path, batches: Callable[[list[int]], Batches]
) -> None:
    """Server, writer or both killed 20 times under load: all answers there, the tree verifies."""
    with (
        create(tmp_path / "data", ORIGIN) as folder,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        store.append(batches([1])[0])
    chance = random.Random(20)  # noqa: S311 - no secret
    answered: list[str] = []
    for turn in range(ROUNDS):
        victim = ("server", "writer", "both")[turn % 3]
        answered += killed_after(tmp_path / "data", chance.randrange(1, 400), victim)
    with closing(DataFolder.open(tmp_path / "data", wait=60)) as folder:
        with closing(Store(folder.ledger, folder.signer)) as store:
            size = store.size
        with closing(Reader(folder.ledger)) as reader:
            missing = [each for each in answered if reader.record_by_id(each) is None]
        command = [sys.executable, "-m", "policyd_audit", "verify", str(folder.ledger)]
        done = subprocess.run(
            [*command, "--key", folder.signer.vkey], capture_output=True, text=True, check=False
        )
    assert missing == []
    assert size > len(answered) >= ROUNDS
    assert done.returncode == 0, done.stdout
