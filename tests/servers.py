"""A real server to ask: a process of its own, over a data folder of its own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from policyd.bootstrap import initialise
from policyd.ledger.reader import Reader
from policyd.policy.whole import read_whole
from tests import nursery

REPOSITORY = Path(__file__).parents[1]
POLICIES = REPOSITORY / "policies"
EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
JSON = {"Content-Type": "application/json"}

_URL = re.compile(rb"https?://127\.0\.0\.1:([0-9]+)")
_PATIENCE_S = 60.0  # a bound for what hangs; nothing is measured by it
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON is any of its types
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        code: str = self.json()["code"]
        return code


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder, the first admin key to it, and the key its log is verified with."""

    data: Path
    admin: str
    vkey: str

    @classmethod
    def make(cls, path: Path, policies: Path | None = None) -> Self:
        """A new data folder at *path*, in which the tree *policies* is published."""
        files = read_whole(policies) if policies else None
        made = initialise(path, "policyd.example/log", "test admin", files)
        return cls(path, made.key, made.vkey)

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Every record of the log, or those of one kind, oldest first; also of a server at work."""
        with closing(Reader(self.data / "ledger.db")) as reader:
            page = reader.page(limit=1 << 20, newest_first=False)
        records = [json.loads(found.leaf) for found in page.records]
        return [each for each in records if kind in {None, each["kind"]}]

    def verify(self) -> subprocess.CompletedProcess[str]:
        """What the auditor's tool says of the log, as a program without the server."""
        return self.audit("verify")

    def audit(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a command of the auditor's tool says of the ledger."""
        ledger = str(self.data / "ledger.db")
        command = [sys.executable, "-m", "policyd_audit", name, ledger, "--key", self.vkey]
        command += arguments
        return subprocess.run(command, capture_output=True, text=True, check=False, env=_env())


def _env() -> dict[str, str]:
    """The environment of a child: this one without settings, and no haste on a busy machine."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("POLICYD_")}
    return own | {"POLICYD_LEDGER_SECONDS": "60", "POLICYD_SEARCH_SECONDS": "60"}


def policyd(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The outcome of one `policyd` command that ends by itself."""
    return nursery.run(tuple(map(str, arguments)), _env() | environment, _PATIENCE_S)


class Connection:
    """A connection that stays open from one request to the next."""

    def __init__(self, port: int) -> None:
        """Connect to a server of this machine."""
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)

    def __enter__(self) -> Self:
        """The connection, to be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._line.close()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """The answer to one request; a body that is an iterator is sent in chunks."""
        self._line.request(method, path, body, dict(headers), encode_chunked=True)
        return answer_of(self._line.getresponse())


class Server:
    """A running server.

    Attributes:
        home: Its data folder.
        log: The file that has its standard output and standard error.
        port: Where it listens, on 127.0.0.1.
        process: The process.
    """

    def __init__(
        self,
        home: Home,
        policies: Path | None = POLICIES,
        variables: Mapping[str, str] = {},
    ) -> None:
        """Start one, also with these *variables*, and wait until it says where it listens.

        Without *policies* it decides by what was published.
        """
        self.home = home
        self.log = home.data.parent / f"{home.data.name}.log"
        where = ["--data", str(home.data), "--port", "0"]
        where += ["--policies", str(policies)] if policies else []
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as none:
            before = log.tell()
            files = none.fileno(), log.fileno(), log.fileno()
            self.process = nursery.spawn(("serve", *where), {**_env(), **variables}, files)
        self.port = self._await_port(before)

    def __enter__(self) -> Self:
        """The server, to be stopped at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, if it runs still."""
        self.stop()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """The answer to one request on a connection of its own."""
        with Connection(self.port) as line:
            return line.send(method, path, body, headers)

    def get(self, path: str, key: str | None = None) -> Answer:
        """The answer to a GET."""
        return self.send("GET", path, headers=bearer(key) if key else {})

    def check(self, call: object, key: str, **headers: str) -> Answer:
        """The answer to a check; `X_Request_ID="…"` sends a header of that name."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", EVALUATION, encode(call), JSON | bearer(key) | named)

    def raw(self, sent: bytes) -> Answer:
        """The answer to these very bytes."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=60)) as line:
            line.sendall(sent)
            response = http.client.HTTPResponse(line)
            response.begin()
            return answer_of(response)

    def leave(self, sent: bytes) -> None:
        """Send these bytes and go away without waiting for anything."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=60)) as line:
            line.sendall(sent)

    def make_key(self, *roles: str, **asked: object) -> dict[str, Any]:
        """A new key of a person: what the API shows of it, with its secret as `key`."""
        body = {"holder": "somebody", "roles": roles} | asked
        made = self.send("POST", "/v1/keys", encode(body), JSON | bearer(self.home.admin))
        assert made.status == 201, made
        shown: dict[str, Any] = made.json()
        return shown

    def pep(self, *units: str, **asked: object) -> str:
        """The secret of a new key that may ask for all integrations of *units*."""
        secret: str = self.make_key("pep", units=units, **asked)["key"]
        return secret

    def log_lines(self) -> list[dict[str, Any]]:
        """The server's own log, line by line."""
        return [json.loads(line) for line in self.log.read_bytes().splitlines()]

    def ready(self) -> Answer:
        """What it says of its readiness to an admin."""
        return self.get("/health/ready", self.home.admin)

    def writer(self) -> int:
        """Process id of the ledger's writer."""
        return self._child("policyd.ledger.writer")

    def builder(self) -> int:
        """Process id of the policy builder."""
        return self._child("policyd.policy.builder")

    def _child(self, module: str) -> int:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        (found,) = [child for child, line in lines.items() if module.encode() in line.split(b"\0")]
        return found

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self, *, with_writer: bool = False) -> None:
        """End it at once, as a crash would; *with_writer*, so that not even that goes on."""
        if with_writer:
            writer = self.writer()
            self.process.send_signal(signal.SIGSTOP)  # it shall answer nothing in between
            os.kill(writer, signal.SIGKILL)
        self.process.kill()
        self.process.wait(_PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def _await_port(self, before: int) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            found = _URL.search(self.log.read_bytes(), before)
            if found and self._listens(int(found[1])):
                return int(found[1])
            time.sleep(_POLL_S)
        self.kill()
        raise AssertionError(f"the server did not start:\n{self.log.read_text('utf-8')[before:]}")

    @staticmethod
    def _listens(port: int) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False


def answer_of(response: http.client.HTTPResponse) -> Answer:
    """What a response says."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def bearer(key: str) -> dict[str, str]:
    """The header that presents *key*."""
    return {"Authorization": f"Bearer {key}"}


def encode(value: object) -> bytes:
    """The value as JSON."""
    return json.dumps(value).encode()
