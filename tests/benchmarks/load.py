"""Load on a server by `wrk`: many connections, each asking again as soon as it is answered."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

SCRIPT = Path(__file__).with_name("wrk.lua")
INSTALL = "wrk is not installed: `apt install wrk`"


class Load(msgspec.Struct, frozen=True):
    """What wrk saw.

    Attributes:
        requests: Answered.
        refused: Of them, those with another status than 2xx or 3xx.
        broken: Requests without an answer.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    broken: int

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds

    def check(self, name: str) -> "Load":
        """This, if every request was answered as it should be.

        Raises:
            AssertionError: one was not; the figures would say nothing.
        """
        if self.refused or self.broken or not self.requests:
            raise AssertionError(f"{name} left requests without a proper answer: {self}")
        return self


def write_requests(path: Path, keys: Sequence[str], bodies: Sequence[bytes]) -> Path:
    """The file of requests that the script reads; keys take turns."""
    lines = (
        b"%b %b\n" % (keys[at % len(keys)].encode() if keys else b"-", body)
        for at, body in enumerate(bodies)
    )
    path.write_bytes(b"".join(lines))
    return path


class Wrk:
    """A run of wrk that goes on until it is told to stop, or its time is over."""

    def __init__(
        self, url: str, requests: Path, *, connections: int, seconds: float, pause_ms: int = 0
    ) -> None:
        """Begin.

        Raises:
            FileNotFoundError: wrk is missing; the message says how to install it.
        """
        program = shutil.which("wrk")
        if program is None:
            raise FileNotFoundError(INSTALL)
        whole = max(1, round(seconds))
        command = [program, "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "60s"]
        self._process = subprocess.Popen(
            [*command, "-s", str(SCRIPT), url, "--", str(requests), str(pause_ms)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stop(self) -> Load:
        """End it now; what it saw so far."""
        self._process.send_signal(signal.SIGINT)
        return self.result()

    def result(self) -> Load:
        """What it saw, once its time is over.

        Raises:
            AssertionError: it did not work at all.
        """
        said, _ = self._process.communicate()
        return read_result(said)


def read_result(said: str) -> Load:
    r"""The figures in what wrk prints.

    >>> read_result('x\nbench {"requests":2,"seconds":0.5,"p50_ms":1,"p99_ms":2,"max_ms":3,'
    ...     '"refused":0,"broken":0}').per_second
    4.0
    """
    for line in said.splitlines():
        if line.startswith("bench "):
            return msgspec.json.decode(line.removeprefix("bench "), type=Load)
    raise AssertionError(f"wrk said nothing of its results:\n{said}")


def measure(url: str, requests: Path, connections: int, seconds: float) -> Load:
    """One turn of load."""
    return Wrk(url, requests, connections=connections, seconds=seconds).result()
