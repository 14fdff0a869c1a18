"""A process that has imported everything, and forks a program of ours whenever a test needs one.

Of what it costs to start `policyd`, nearly all is importing. What is forked is a process like any
other: with its own arguments, environment, folder and files, to be asked, signalled and killed.
Tests of the start itself begin a new interpreter.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

_ROOM = 1 << 17  # of one order, in bytes
_FILES = 4  # standard input, output and error, and where its end is told
_IMPORTED = (
    *("policyd.cli.main", "policyd.bootstrap", "policyd.policy.load", "policyd.review.lint"),
    *("policyd.review.reviewing", "policyd.review.policy_tests", "policyd.settings"),
    *("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on", "rich.console"),
)


class Child:
    """A program that was begun; a part of what `subprocess.Popen` is."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        """Wait for process *pid*, whose end is told on *line*."""
        self.pid = pid
        self.returncode: int | None = None
        self._line = line

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, negative for a signal; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(_ROOM)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._line.close()
            assert told, "the nursery is gone"
            self.returncode = json.loads(told)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def spawn(
    arguments: tuple[str, ...],
    env: Mapping[str, str],
    files: tuple[int, int, int],
    cwd: Path | None = None,
) -> Child:
    """A `policyd` with these arguments and this whole environment.

    Args:
        arguments: Those after the program's name.
        env: Its variables; those that `may_fork` refuses would be without effect.
        files: Its standard input, output and error.
        cwd: The folder it begins in; this process's, if None.
    """
    order = {"arguments": arguments, "env": dict(env), "cwd": str(cwd or Path.cwd())}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        socket.send_fds(_nursery(), [json.dumps(order).encode()], [*files, theirs.fileno()])
    return Child(json.loads(ours.recv(_ROOM)), ours)


def run(
    arguments: tuple[str, ...], env: Mapping[str, str], timeout: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A `policyd` that reads nothing and ends by itself; raises `subprocess.TimeoutExpired`."""
    with TemporaryFile() as out, TemporaryFile() as err, Path(os.devnull).open("rb") as none:
        child = spawn(arguments, env, (none.fileno(), out.fileno(), err.fileno()), cwd)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))


def may_fork(*variables: str) -> bool:
    """Whether these variables are none that an interpreter reads when it starts."""
    return not any(name.startswith(("PYTHON", "LANG", "LC_")) for name in variables)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _nursery() -> socket.socket:
    """The line to the nursery of this process, which begins with the first order."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.nursery", str(theirs.fileno())]
    env = {name: each for name, each in os.environ.items() if not name.startswith("LC_")}
    env |= {"LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)}
    with theirs:
        process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=env
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- the process itself ---------------------------------------------------------------------------


def _await_order(line: socket.socket) -> dict[str, Any] | None:
    """Fork for every order, and tell of each end; return the order in what was forked, or None."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for ready, _ in poll.poll():
            if ready in children:
                poll.unregister(ready)
                os.close(ready)
                pid, teller = children.pop(ready)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                _tell(teller, status)
                teller.close()
                continue
            data, files, *_ = socket.recv_fds(line, _ROOM, _FILES)
            if not data:
                return None  # the tests are over
            pid = os.fork()
            if pid == 0:
                _take(files[:3])
                order: dict[str, Any] = json.loads(data)
                return order
            *handed, told = files
            for each in handed:
                os.close(each)
            watch = os.pidfd_open(pid)
            children[watch] = pid, socket.socket(fileno=told)
            poll.register(watch, select.POLLIN)
            _tell(children[watch][1], pid)


def _tell(teller: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # nobody may want to know
        teller.send(json.dumps(number).encode())


def _take(files: list[int]) -> None:
    """Make these the standard files, and let go of everything else that is open."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 1 << 16)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as at a start
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the same
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def _main(line: socket.socket) -> None:
    """Be the nursery; in what was forked, be `policyd`."""
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is never looked at stays shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tests end it
    order = _await_order(line)
    if order is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    os.chdir(order["cwd"])
    sys.argv = ["policyd", *order["arguments"]]
    from policyd.cli.main import main  # noqa: PLC0415 - the tests themselves need none of it

    code = main()
    # All that an interpreter does at its end, but for taking apart what is shared with the nursery.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as `multiprocessing` does
    atexit._run_exitfuncs()  # noqa: SLF001 - the same
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
