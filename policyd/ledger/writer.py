"""The writer: a process of its own, the only one that writes the ledger.

    python -m policyd.ledger.writer DESCRIPTOR FOLDER

It commits whatever has arrived on the socket as one batch, says so, and goes on. Any error ends
it: what a failed write left on the disk is found out by opening the ledger again. It outlives a
server that is killed for as long as it takes to commit what that server had sent.
"""

import gc
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import apsw
import msgspec

from policyd.ledger.frames import Committed, Failed, Frames, Ready, Reply, reply
from policyd.ledger.signing import Signer
from policyd.ledger.store import LedgerMoved, Store
from policyd.ledger.trouble import Trouble, explain
from policyd.model.errors import DataFolderError

UNUSABLE = 3
"""Exit status if the ledger cannot be opened; `trouble` has those of a failed commit."""

MOVED = 4
"""Exit status if somebody else has written to the ledger."""

_PIECE = 1 << 20


def serve(pipe: socket.socket, store: Store) -> None:
    """Commit what arrives on *pipe* until its other end is closed.

    Raises:
        apsw.Error: a commit failed; its outcome is unknown.
        LedgerMoved: somebody else has written to the ledger.
    """
    _say(pipe, Ready(store.size, store.last_ts))
    arrived = Frames()
    while piece := _receive(pipe):
        arrived.feed(piece)
        while True:
            batch = arrived.batch()
            if not batch.frames:
                break
            started = time.perf_counter()
            store.append(batch.records, batch.asides)
            # INVARIANT: nothing is said to be durable before its commit has returned.
            _say(pipe, Committed(batch.frames, store.size, time.perf_counter() - started))
            store.tidy()


def run(pipe: socket.socket, path: Path, opened: Callable[[], Store]) -> int:
    """Serve the ledger that *opened* gives; the exit status, with the reason said on *pipe*."""
    try:
        with closing(opened()) as store:
            serve(pipe, store)
    except DataFolderError as error:
        trouble = Trouble(error.code, error.message, UNUSABLE)
    except LedgerMoved as error:
        trouble = Trouble(error.code, error.message, MOVED)
    except apsw.Error as error:
        trouble = explain(error, str(path))
    else:
        return 0
    _say(pipe, Failed(trouble.code, trouble.message))
    line = {"level": "error", "event": "ledger-writer-ended"}
    line |= {"code": trouble.code, "message": trouble.message}
    sys.stderr.write(msgspec.json.encode(line).decode() + "\n")
    return trouble.status


def main(arguments: list[str]) -> int:
    """Run the writer on an inherited socket; the exit status."""
    descriptor, folder = int(arguments[0]), Path(arguments[1])
    # What ends the server ends the writer too, but only once it has committed what it was sent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.freeze()
    path = folder / "ledger.db"
    with socket.socket(fileno=descriptor) as pipe:
        return run(pipe, path, lambda: Store(path, Signer.load(folder / "keys/signing.key")))


def _receive(pipe: socket.socket) -> bytes:
    """What has arrived; nothing once the server has closed its end or is gone."""
    try:
        return pipe.recv(_PIECE)
    except ConnectionResetError:
        return b""


def _say(pipe: socket.socket, message: Reply) -> None:
    """Send a reply; a server that is gone needs none."""
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.sendall(reply(message))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
