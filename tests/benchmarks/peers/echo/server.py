"""The bare server: what Python, uvicorn and JSON cost before anything is decided or recorded."""

import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.calls import call
from tests.benchmarks.company import Check, Company
from tests.benchmarks.processes import Process, free_port
from tests.benchmarks.served import Served


class EchoServer(Served):
    """uvicorn with the parts that policyd runs it with, and an application of 20 lines."""

    name = "bare echo"
    path = "/"

    def __init__(self, company: Company, scratch: Path) -> None:
        """Start it; it needs no rules."""
        del company
        port = free_port()
        app = "tests.benchmarks.peers.echo.app:app"
        bare = [
            "--no-access-log",
            "--log-level",
            "error",
            "--lifespan",
            "off",
            "--no-server-header",
        ]
        fast = ["--loop", "uvloop", "--http", "httptools", "--ws", "none", "--no-proxy-headers"]
        command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *bare, *fast]
        self.process = Process(command, port, scratch / "echo.log")

    def body(self, check: Check, number: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """The same call that policyd is asked."""
        return call(check, number)

    def is_allow(self, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
        """It decides nothing; that it comes back whole is all it can do."""
        return bool({"subject", "action", "resource", "context"} == answer.keys())
