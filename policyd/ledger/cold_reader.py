"""The reader of segments: a process of its own, which ends with the server.

python -m policyd.ledger.cold_reader DESCRIPTOR FOLDER
"""

import os
import signal
import socket
import sys
from contextlib import closing, suppress
from pathlib import Path

from policyd.ledger.asking import Bad, Leaves, Records, read_question, write_message
from policyd.ledger.parquet import Files, Unusable
from policyd.ledger.shelf import SPILL

NICENESS = 5


def serve(line: socket.socket, files: Files) -> None:
    """Answer until the other end is closed."""
    with suppress(EOFError, ConnectionError):
        while True:
            question = read_question(line)
            write_message(line, _answer(files, question))


def _answer(files: Files, asked: Leaves) -> Records | Bad:
    try:
        found = files.leaves(Path(asked.path), asked.first, asked.end)
        return Records([leaf for _, leaf in found])
    except Unusable as error:
        return Bad(error.message)


def main(arguments: list[str]) -> int:
    """Serve on an inherited socket."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server closes its end when it is through
    descriptor, folder = int(arguments[0]), Path(arguments[1])
    with socket.socket(fileno=descriptor) as line, closing(Files(folder / SPILL)) as files:
        serve(line, files)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
