"""The writer: commits what arrives, says so afterwards, and ends rather than guess."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import apsw
import pytest

from policyd.ledger import writer
from policyd.ledger.frames import Committed, Failed, Ready, Replies, Reply, frame
from policyd.ledger.record import time_of
from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, Tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from policyd.ledger.folder import DataFolder


class Server:
    """A server's end of the socket pair, driven by hand."""

    def __init__(self, pipe: socket.socket) -> None:
        self.pipe = pipe
        self._replies = Replies()
        self._heard: list[Reply] = []

    def hear(self) -> Reply | None:
        """The next reply; None once the writer has ended."""
        while not self._heard:
            data = self.pipe.recv(1 << 16)
            if not data:
                return None
            self._heard += self._replies.feed(data)
        return self._heard.pop(0)


@contextmanager
def running(opened: Callable[[], Store], path: Path) -> Iterator[tuple[Server, list[int]]]:
    """A writer in a thread, and where it will put its exit status."""
    near, far = socket.socketpair()
    status: list[int] = []

    def work() -> None:
        with far:
            status.append(writer.run(far, path, opened, 1))

    thread = threading.Thread(target=work)
    thread.start()
    with near:
        yield Server(near), status
    thread.join()


def test_says_what_is_durable_after_it_is(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """When the writer says that frames are durable, another connection finds their records."""
    leaves = records(6)
    with (
        running(lambda: Store(path, signer), path) as (server, status),
        closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db,
    ):
        assert server.hear() == Ready(0, None)
        server.pipe.sendall(frame(leaves[:1]) + frame(leaves[1:3]))
        durable = 0
        while durable < 2:
            said = server.hear()
            assert isinstance(said, Committed)
            durable += said.frames
            assert list(db.execute("select count(*) from leaf")) == [(said.size,)]
        server.pipe.sendall(frame(leaves[3:]))
        said = server.hear()
        assert isinstance(said, Committed)
        assert (said.frames, said.size) == (1, 6)
        assert said.seconds > 0
        server.pipe.shutdown(socket.SHUT_WR)
        assert server.hear() is None
    assert status == [0]


def test_commits_what_it_was_sent_before_it_ends(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A server that is gone leaves nothing behind that it had sent whole."""
    leaves = records(700)
    with running(lambda: Store(path, signer), path) as (server, _):
        for leaf in leaves:
            server.pipe.sendall(frame([leaf]))
        server.pipe.sendall(frame(records(2))[:-1])
        server.pipe.shutdown(socket.SHUT_WR)
        while server.hear():
            pass
    with closing(Store(path, signer)) as store:
        assert (store.size, store.last_ts) == (700, time_of(leaves[-1]))


def test_a_server_that_vanishes_is_no_error(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A server that dies without reading its replies ends the writer in an orderly way."""
    with running(lambda: Store(path, signer), path) as (server, status):
        server.pipe.recv(1, socket.MSG_PEEK)  # a reply is there, and stays unread
        server.pipe.sendall(frame(records(3)))
    assert status == [0]
    with closing(Store(path, signer)) as store:
        assert store.size == 3


def test_a_failed_commit_ends_it(
    path: Path,
    signer: Signer,
    records: Callable[[int], list[bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A commit that fails is said to have failed, on the pipe and in the log, and is the last."""
    leaves = records(4)
    with closing(apsw.Connection(str(path))) as other:
        with running(lambda: Store(path, signer, Tuning(busy_ms=0)), path) as (server, status):
            assert server.hear() == Ready(0, None)
            other.execute("begin immediate")
            server.pipe.sendall(frame(leaves[:2]))
            said = server.hear()
            assert isinstance(said, Failed)
            assert said.code == "ledger-locked"
            assert "end that program" in said.message
            assert server.hear() is None
        assert status == [12]
        other.execute("rollback")
    line = json.loads(capsys.readouterr().err)
    assert line == {
        "level": "error",
        "event": "ledger-writer-ended",
        "code": "ledger-locked",
        "message": said.message,
    }
    with closing(Store(path, signer)) as store:
        assert store.size == 0


def test_a_ledger_that_moved_ends_it(
    path: Path, signer: Signer, records: Callable[[int], list[bytes]]
) -> None:
    """A second writer is noticed by the first at its next commit."""
    with running(lambda: Store(path, signer), path) as (server, status):
        assert server.hear() == Ready(0, None)
        with closing(Store(path, signer)) as other:
            other.append(records(1))
        server.pipe.sendall(frame(records(1)))
        said = server.hear()
        assert isinstance(said, Failed)
        assert said.code == "ledger-moved"
    assert status == [writer.MOVED]


def test_a_ledger_it_cannot_open_ends_it(path: Path) -> None:
    """What is wrong with the ledger reaches the server, which can tell its operator."""
    stranger = Signer("policyd.example/log", b"\x01" * 32)
    with running(lambda: Store(path, stranger), path) as (server, status):
        said = server.hear()
        assert isinstance(said, Failed)
        assert said.code == "ledger-damaged"
    assert status == [writer.UNUSABLE]


def start(folder: DataFolder) -> tuple[Server, subprocess.Popen[bytes]]:
    """A writer process as the server starts it."""
    near, far = socket.socketpair()
    with far:
        command = [sys.executable, "-m", "policyd.ledger.writer", str(far.fileno())]
        process = subprocess.Popen([*command, str(folder.path), "2"], pass_fds=[far.fileno()])
    return Server(near), process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_whole_group_do_not_lose_records(
    sent: signal.Signals, folder: DataFolder, records: Callable[[int], list[bytes]]
) -> None:
    """Ctrl-C and an orderly stop reach the writer too; it goes on until its server has ended."""
    server, process = start(folder)
    assert server.hear() == Ready(0, None)
    process.send_signal(sent)
    server.pipe.sendall(frame(records(3)))
    said = server.hear()
    assert isinstance(said, Committed)
    assert said.size == 3
    server.pipe.close()
    assert process.wait() == 0


def test_starts_without_the_web() -> None:
    """The writer process imports nothing of the server's: it starts fast and stays small."""
    script = "import sys, policyd.ledger.writer; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"fastapi", "uvicorn", "pydantic", "sqlmodel", "casbin", "asyncio"})
