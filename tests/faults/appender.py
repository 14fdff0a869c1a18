"""A process to be killed: appends records from many tasks, and says which are answered.

    python appender.py FOLDER

Prints the writer's process id, then the id of each record once its append has returned.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from policyd.ledger.folder import DataFolder
from policyd.ledger.ledger import Ledger, Options
from policyd.ledger.record import Admin, encode, stamped
from policyd.model.errors import LedgerUnavailable

TASKS = 32


def say(line: str) -> None:
    """Print at once and as a whole, so that what was answered has been said."""
    os.write(1, f"{line}\n".encode())


async def append_for_ever(ledger: Ledger, count: int) -> None:
    """Append *count* records at a time, the next ones when these are durable."""
    while True:
        stamps = [ledger.stamp() for _ in range(count)]
        await ledger.append(
            [
                encode(Admin(**stamped(each), act="tested", target="x" * 300, by="test"))
                for each in stamps
            ]
        )
        for each in stamps:
            say(each.id)


async def main(folder: DataFolder) -> None:
    """Append until killed, or until the writer is."""
    ledger = await Ledger.open(folder, Options(lambda: datetime.now(UTC)))  # noqa: TID251 - a real server's clock
    say(str(ledger.writer_pid))
    try:
        async with asyncio.TaskGroup() as group:
            for task in range(TASKS):
                group.create_task(append_for_ever(ledger, 1 + task % 3))
    except* LedgerUnavailable:
        await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(DataFolder.open(Path(sys.argv[1]), wait=60)))
