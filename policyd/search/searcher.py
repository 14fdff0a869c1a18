"""The searcher: a process of its own, which answers questions about the log until its server ends.

    python -m policyd.search.searcher DESCRIPTOR DATA LEVEL MEMORY THREADS

It takes what checks leave of the processor, and reads only: what it finds are numbers and counts.
"""

import os
import shutil
import signal
import socket
import sys
from contextlib import closing, suppress
from pathlib import Path
from select import select

from policyd.ledger.asking import write_message
from policyd.ledger.reader import Reader
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.search.answering import Answering
from policyd.search.asking import read_question
from policyd.search.database import Database
from policyd.search.log import Log
from policyd.search.trusted import Trusted

NICENESS = 19
"""As nice as can be: on a full machine a search is cut at its time rather than a check late."""

_PAUSE_S = 1.0  # before anything else is done: who has just asked mostly asks again
_READ_S = 10.0  # for the records that are not sealed yet
SEARCHED = ".search"  # the folder for what does not fit into memory


def serve(line: socket.socket, answering: Answering) -> None:
    """Answer until the other end is closed, and make ready for it while nothing is asked."""
    pause = 0.0
    with suppress(EOFError, ConnectionError):
        while True:
            while not select([line], [], [], pause)[0] and answering.prepare():
                pause = 0.0
            question = read_question(line)
            write_message(line, answering.answer(question))
            pause = _PAUSE_S


def main(arguments: list[str]) -> int:
    """Serve on an inherited socket."""
    _stand_back()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server closes its end when it is through
    descriptor, level, memory, threads = (int(arguments[at]) for at in (0, 2, 3, 4))
    data = Path(arguments[1])
    shelf = Shelf(data, level)
    shelf.folder.mkdir(exist_ok=True, mode=0o700)
    aside = shelf.folder / SEARCHED
    shutil.rmtree(aside, ignore_errors=True)  # of one that was killed
    aside.mkdir(parents=True)
    trusted = Trusted(shelf, Signer.load(data / "keys/signing.key"))
    with (
        socket.socket(fileno=descriptor) as line,
        closing(Database(shelf.folder, aside, memory, threads)) as database,
        closing(Reader(data / "ledger.db", seconds=_READ_S)) as reader,
    ):
        serve(line, Answering(Log(reader, trusted, database), database))
    return 0


def _stand_back() -> None:
    """Leave the processor to whoever wants it.

    Where Linux has a class for that (sched(7), `SCHED_IDLE`), a processor that only does this
    counts as idle, so that what is woken to answer a check goes there, and at once.
    """
    os.nice(NICENESS)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
