"""The writer: a process of its own, the only one that writes the ledger.

    python -m policyd.ledger.writer DESCRIPTOR FOLDER LEVEL

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
from functools import partial
from pathlib import Path
from select import select

import apsw
import msgspec

from policyd.ledger.forgetting import Forgetting
from policyd.ledger.frames import Committed, Failed, Forget, Frames, Ready, Reply, reply
from policyd.ledger.shelf import LEVEL, Shelf
from policyd.ledger.signing import Signer
from policyd.ledger.store import LedgerMoved, Store
from policyd.ledger.trouble import Trouble, explain
from policyd.model.errors import DataFolderError

UNUSABLE = 3
"""Exit status if the ledger cannot be opened; `trouble` has those of a failed commit."""

MOVED = 4
"""Exit status if somebody else has written to the ledger."""

_PIECE = 1 << 20
_BATCHES_PER_STEP = 16


def serve(pipe: socket.socket, store: Store, forgetting: Forgetting) -> None:
    """Commit what arrives on *pipe* until its other end is closed.

    What may be forgotten goes while nothing arrives, or with every so many batches.

    Raises:
        apsw.Error: a commit failed; its outcome is unknown.
        LedgerMoved: somebody else has written to the ledger.
    """
    _say(pipe, Ready(store.size, store.last_ts))
    arrived, batches = Frames(), 0
    while piece := _receive(pipe, forgetting):
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
            for _, aside in batch.asides:
                if isinstance(aside.act, Forget):
                    _obey(forgetting, aside.act.segment)
            batches += 1
            if forgetting.is_pending and batches % _BATCHES_PER_STEP == 0:
                forgetting.step()


def _obey(forgetting: Forgetting, number: int) -> None:
    refusal = forgetting.order(number)
    if refusal:
        _log("warning", "segment-not-forgotten", code="segment-not-forgotten", message=refusal)


def run(pipe: socket.socket, path: Path, opened: Callable[[], Store], level: int = LEVEL) -> int:
    """Serve the ledger that *opened* gives; the exit status, with the reason said on *pipe*.

    Args:
        pipe: To the server.
        path: Of the ledger; its segments are beside it.
        opened: Opens it.
        level: See `Shelf`.
    """
    try:
        with closing(opened()) as store:
            serve(pipe, store, Forgetting(store, Shelf(path.parent, level), store.signer))
    except DataFolderError as error:
        trouble = Trouble(error.code, error.message, UNUSABLE)
    except LedgerMoved as error:
        trouble = Trouble(error.code, error.message, MOVED)
    except apsw.Error as error:
        trouble = explain(error, str(path))
    else:
        return 0
    _say(pipe, Failed(trouble.code, trouble.message))
    _log("error", "ledger-writer-ended", code=trouble.code, message=trouble.message)
    return trouble.status


def main(arguments: list[str]) -> int:
    """Run the writer on an inherited socket; the exit status."""
    descriptor, folder, level = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    # What ends the server ends the writer too, but only once it has committed what it was sent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.freeze()
    path = folder / "ledger.db"
    with socket.socket(fileno=descriptor) as pipe:
        opened = partial(_open, path, folder / "keys/signing.key")
        return run(pipe, path, opened, level)


def _open(path: Path, key: Path) -> Store:
    return Store(path, Signer.load(key))


def _receive(pipe: socket.socket, forgetting: Forgetting) -> bytes:
    """What has arrived; nothing once the server has closed its end or is gone."""
    while forgetting.is_pending and not select([pipe], [], [], 0)[0]:
        forgetting.step()
    try:
        return pipe.recv(_PIECE)
    except ConnectionResetError:
        return b""


def _log(level: str, event: str, **said: str) -> None:
    line = {"level": level, "event": event} | said
    sys.stderr.write(msgspec.json.encode(line).decode() + "\n")


def _say(pipe: socket.socket, message: Reply) -> None:
    """Send a reply; a server that is gone needs none."""
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.sendall(reply(message))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
