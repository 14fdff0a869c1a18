"""Servers under measurement: processes that listen on a port of this machine."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.benchmarks.plan import ROOT

_POLL_S = 0.02
_END_S = 20
_SETTLE_S = 2.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Process:
    """A server that was started and listens.

    Attributes:
        port: Where, on 127.0.0.1.
        start_s: How long it took until it listened.
    """

    def __init__(
        self, command: Sequence[object], port: int, output: Path, patience_s: float = 60
    ) -> None:
        """Start it, with its *output* in a file, and wait until it listens.

        Raises:
            AssertionError: it ended, or its time was over.
        """
        self.port = port
        self._output = output
        environment = {k: v for k, v in os.environ.items() if not k.startswith("POLICYD_")}
        started = time.perf_counter()
        with output.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._listens():
            if self._process.poll() is not None or time.perf_counter() - started > patience_s:
                self.stop()
                said = output.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise AssertionError(f"`{command[0]}` does not listen after all that time:\n{said}")
            time.sleep(_POLL_S)
        self.start_s = time.perf_counter() - started

    def __enter__(self) -> Self:
        """The server, to be stopped at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def resident_mib(self) -> float:
        """Memory of the process itself that is in use, without its children."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def settle(self) -> None:
        """Wait until its children have no work left that they took up by themselves."""
        before = self._children_s()
        while True:
            time.sleep(_SETTLE_S)
            now = self._children_s()
            if now - before < _SETTLE_S / 20:
                return
            before = now

    def _children_s(self) -> float:
        """Processor time of its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        ticks = 0
        for each in children.split():
            said = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(said[11]) + int(said[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
