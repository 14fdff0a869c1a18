"""A receiver of webhooks on this machine: one that takes what it is sent, or misbehaves."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Got(NamedTuple):
    """A request: its headers, in lower case, and its body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the batch."""
        events: list[dict[str, Any]] = json.loads(self.body)
        return events

    @property
    def numbers(self) -> list[int]:
        """The numbers of its records in the log."""
        return [int(each["sequence"]) for each in self.events]


class Receiver:
    """A receiver with a server of its own.

    Attributes:
        status: What it answers.
        got: What it was sent, in order.
        holds: While this is clear, it answers nothing to what it has got.
    """

    def __init__(self) -> None:
        self.status = 204
        self.got: list[Got] = []
        self.holds = threading.Event()
        self.holds.set()
        self._news = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    self.close_connection = True  # whoever sends it was stopped: it is no request
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                with outer._news:
                    outer.got.append(Got(headers, body))
                    outer._news.notify_all()
                outer.holds.wait(60)
                try:
                    self.send_response(outer.status)
                    self.send_header("Content-Length", "0")
                    self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # whoever sent it is gone

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        """The receiver, which answers until the end of the block."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.holds.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where it takes batches; a part of it is for nobody else's eyes."""
        return f"http://127.0.0.1:{self.port}/hooks/secret-path"

    @property
    def numbers(self) -> list[int]:
        """The numbers of all records it was sent, in the order it was sent them."""
        return [number for got in self.got for number in got.numbers]

    def wait_for(self, number: int) -> None:
        """Wait until it was sent that record."""
        with self._news:
            assert self._news.wait_for(lambda: number in self.numbers, 60), self.numbers

    def wait_for_more(self, than: int) -> None:
        """Wait until it was sent more than so many requests."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.got) > than, 60), self.got
