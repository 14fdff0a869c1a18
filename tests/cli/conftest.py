"""A program to start, and a stand-in server to start it against."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.program import Program, Stub


@pytest.fixture
def policyd(tmp_path: Path) -> Program:
    """The program, in an empty folder."""
    return Program(tmp_path)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A stand-in server on a port of its own."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            stub.asked.append((self.command, self.path, json.loads(sent) if sent else None))
            stub.keys.append(self.headers.get("authorization"))
            self.send_response(stub.status)
            for name, value in {**stub.headers, "Content-Length": str(len(stub.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(stub.body)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_port}"
        yield stub
        server.shutdown()
        thread.join()
