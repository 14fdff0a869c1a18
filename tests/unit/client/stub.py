"""A server that answers as it is told, and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

Headers = Mapping[str, str]


class Reply(NamedTuple):
    """What to answer with; a body that is bytes is sent as it is, None closes the line."""

    status: int = 200
    body: Any = None
    headers: Headers = MappingProxyType({})


TAKEN = Reply(201, [])


class Seen(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]
    body: Any


class Stub:
    """The server; replies are used up in order, the last one stays."""

    def __init__(self, *replies: Reply | Callable[[], Reply]) -> None:
        self.seen: list[Seen] = []
        self.replies = list(replies)
        self.url = ""

    def next(self) -> Reply:
        """The reply to the next check."""
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply() if callable(reply) else reply

    def checks(self) -> list[Seen]:
        """The evaluations asked for."""
        return [each for each in self.seen if each.path == "/access/v1/evaluation"]

    def outcomes(self) -> list[Any]:
        """The outcomes reported."""
        return [each.body for each in self.seen if each.path == "/v1/outcomes"]


@contextmanager
def running(
    *replies: Reply | Callable[[], Reply],
    outcome: Reply = TAKEN,
    certificate: Path | None = None,
) -> Iterator[Stub]:
    """A stub at work, with one answer to all outcomes, over TLS if it has a certificate."""
    stub = Stub(*replies)

    class Handler(BaseHTTPRequestHandler):
        """Answers POST."""

        def do_POST(self) -> None:
            """Remember the request and reply."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            stub.seen.append(Seen(self.path, named, json.loads(body)))
            reply = outcome if self.path == "/v1/outcomes" else stub.next()
            if reply.body is None:
                return
            sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        """Takes a client that goes away for granted."""

        def handle_error(self, *_: object) -> None:
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        stub.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()


def allowing(**context: object) -> Reply:
    """An allow."""
    return Reply(200, {"decision": True, "context": context}, {"X-Decision-ID": "d1"})


def duty(kind: str, **properties: object) -> dict[str, object]:
    """An obligation."""
    return {"id": kind, "type": kind, "properties": properties}
