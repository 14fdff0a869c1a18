"""The sealer: a process of its own that seals what is full, and ends.

    python -m policyd.ledger.sealer FOLDER LEVEL all|NUMBER,NUMBER,…

The numbers are those of segments to be read from end to end; of the others the length must do.

It says on standard output, line by line, how it stands with each segment, and at the end that it
is through or why not. It is nice, so that checks keep the processor. If the server is gone, it
ends with the next line it says; a half-made file is the next run's to remove.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Container
from contextlib import closing
from pathlib import Path

import msgspec

from policyd.ledger.reader import Reader
from policyd.ledger.sealing import Sealer, Step
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.ledger.told import ALL, Ended, Looked, Told
from policyd.model.errors import PolicydError

NICENESS = 10
_LOCK = ".lock"


def run(
    data: Path, level: int, thoroughly: Container[int] | None, step: Step = lambda _name: None
) -> Ended:
    """Look after the segments of a data folder, saying each, unless another sealer does."""
    shelf = Shelf(data, level)
    shelf.folder.mkdir(exist_ok=True, mode=0o700)
    with (shelf.folder / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # that of a server that has ended, which will end as well
            return Ended("sealer-busy", "another sealer is at work on these segments")
        signer = Signer.load(data / "keys/signing.key")
        with closing(Reader(data / "ledger.db", seconds=60)) as reader:
            try:
                for each in Sealer(shelf, reader, signer, step).run(thoroughly):
                    _say(Looked(each.number, each.did, each.why, each.segment))
            except PolicydError as error:
                return Ended(error.code, error.message)
    return Ended()


def main(arguments: list[str]) -> int:
    """Run the sealer; 0, also if it has met trouble, of which it has told."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it when it ends itself
    data, level, which = arguments
    numbers = None if which == ALL else {int(each) for each in which.split(",") if each}
    try:
        _say(run(Path(data), int(level), numbers))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
