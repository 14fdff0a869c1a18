"""Processes that append to a ledger, each of which kills itself at another operation of its disk.

    python -m tests.faults.killed_writer FOLDER

FOLDER has an empty ledger in `disk`; beside it, `killed-N` becomes what the process leaves that is
killed at step N. Reads the batches to append from standard input, each a line of records in hex.
Prints for each step how many records were said to be durable; the last one was not killed.
"""

import itertools
import os
import shutil
import signal
import sys
from contextlib import closing
from pathlib import Path

from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, Tuning
from tests.faults.disk import Disk

ORIGIN = "policyd.example/log"


def work(folder: Path, step: int, todo: list[list[bytes]], said: int) -> None:
    """Append until the step has come, and say how far it got."""
    disk = Disk(folder)

    def fault(_kind: str, _name: str) -> None:
        if disk.steps >= step:
            os.kill(os.getpid(), signal.SIGKILL)

    disk.fault = fault
    signer = Signer(ORIGIN, b"\x07" * 32)
    with closing(Store(folder / "ledger.db", signer, Tuning(disk.vfs, copy_back=2))) as store:
        for batch in todo:
            store.append(batch)
            os.pwrite(said, b"%6d" % store.size, 0)
            store.tidy()


def killed(folder: Path, step: int, todo: list[list[bytes]]) -> tuple[int, bool]:
    """How many records were said to be durable, and whether that process was killed."""
    with (folder.parent / f"said-{step}").open("w+b", buffering=0) as said:
        said.write(b"0")
        child = os.fork()
        if not child:
            work(folder, step, todo, said.fileno())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return int(said.read()), os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def main(folder: Path) -> None:
    """Begin anew with each step, until one never comes."""
    todo = [[bytes.fromhex(each) for each in line.split()] for line in sys.stdin]
    for step in itertools.count():
        shutil.copytree(folder / "disk", folder / f"killed-{step}")
        answered, was_killed = killed(folder / f"killed-{step}", step, todo)
        sys.stdout.write(f"{answered}\n")
        if not was_killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
