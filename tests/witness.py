"""A witness of this machine to ask: one that keeps to c2sp.org/tlog-witness, or misbehaves."""

import threading
from base64 import b64decode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policyd_audit import checkpoint, cosignature, note
from policyd_audit.errors import VerificationError
from policyd_audit.proof import check_consistency

Reply = tuple[int, bytes]
Behave = Callable[[str], Reply | None]
"""From a request's body to its answer; None for none at all."""


class StubWitness:
    """A witness with a server of its own.

    Attributes:
        name: In policy files; its key has that name too.
        behave: How it answers; at first as it should.
        size: Of the last checkpoint it cosigned.
        asked: The bodies it was sent.
    """

    def __init__(self, name: str = "w1", seed: int = 1) -> None:
        self.name = name
        self.size = 0
        self.asked: list[str] = []
        self.behave: Behave = self.cosign
        self._root = b""
        self.public = _private(seed).public_key().public_bytes_raw()
        self._seed = seed
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(body)
                reply = outer.behave(body) if self.path == "/add-checkpoint" else (404, b"")
                if reply is None:
                    outer.over.wait(60)
                    return
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(reply[1])))
                self.end_headers()
                self.wfile.write(reply[1])

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        """The witness, which answers until the end of the block."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of those who wait, and end."""
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def line(self) -> str:
        """Its line of a policy file."""
        vkey = cosignature.vkey(self.name, self.public)
        return f"witness {self.name} {vkey} http://127.0.0.1:{self._server.server_port}/\n"

    def key(self) -> note.Key:
        """What its cosignatures are verified with."""
        return cosignature.parse_vkey(cosignature.vkey(self.name, self.public))

    def cosign(self, body: str) -> Reply:
        """What a witness has to answer."""
        head, _, signed = body.partition("\n\n")
        first, *lines = head.split("\n")
        old = int(first.removeprefix("old "))
        text = note.parse(signed).text
        claimed = checkpoint.parse(text)
        if old != self.size:
            return 409, f"{self.size}\n".encode()
        try:
            if old:
                proof = [b64decode(each) for each in lines]
                check_consistency(old, claimed.size, proof, self._root, claimed.root)
        except VerificationError as error:
            return 422, error.message.encode()
        self.size, self._root = claimed.size, claimed.root
        return 200, signature(self.name, self._seed, text).encode()


def _private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def signature(name: str, seed: int, text: str, seconds: int = 1_800_000_000) -> str:
    """The line of a cosigner under a checkpoint."""
    private = _private(seed)
    made = private.sign(cosignature.message(text, seconds))
    return cosignature.line(name, private.public_key().public_bytes_raw(), seconds, made)


def text_in(body: str) -> str:
    """The checkpoint that a request asks to cosign."""
    return note.parse(body.partition("\n\n")[2]).text
