"""The running server, as the command line asks it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

import typer

from policyd.model.errors import PolicydError, UsageError

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL = "http://127.0.0.1:8321"
KEY = "POLICYD_KEY"
TIMEOUT_S = 30.0

Url = Annotated[str, typer.Option(envvar="POLICYD_URL", metavar="URL", help="The server.")]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FIRST_REFUSAL, _FIRST_FAULT = 300, 500
_WAYS_OUT = {
    401: f"put a live key into {KEY}; an admin makes one with `policyd keys create`",
    403: f"put a key into {KEY} that has the role, unit or integration for this",
}
_TRY_AGAIN = "nothing was decided, so do not go on; ask again, and look at the server's log"


class ServerTrouble(PolicydError):
    """The server did not do it; `hint` says what to do next, where there is more to say.

    `place` is where in a query it shows: 1-based column, and characters.
    """

    def __init__(
        self, message: str, *, code: str, hint: str = "", place: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.hint = hint
        self.place = place


class Refused(ServerTrouble):
    """The server will not do what was asked."""


class Unanswered(ServerTrouble):
    """The server cannot be reached or could not decide, so nothing is allowed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent back; `decision_id` names the record that was made for it, if any."""

    body: dict[str, Any]
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class Server:
    """A server at a URL without a final `/`, asked with a key."""

    url: str
    key: str

    @classmethod
    def at(cls, url: str, environment: Mapping[str, str] = os.environ) -> Self:
        """The server at *url*, asked with the key in *environment*.

        The key is not taken from the command line, where every user of the machine could read it.

        Raises:
            UsageError: there is no key, or it would travel where others can read it.
        """
        _check_url(url)
        key = environment.get(KEY, "").strip()
        if not key:
            raise UsageError(f"there is no key: put yours into {KEY}", code="key-missing")
        if not (key.isascii() and key.isprintable()):
            raise UsageError(f"what {KEY} holds is no key: copy it again", code="key-invalid")
        return cls(url.rstrip("/"), key)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """The server's reply to one request.

        Raises:
            Refused: it will not do that.
            Unanswered: it cannot be reached, or could not do it.
        """
        reply = self._send(method, path, body)
        read = _read(self.url, reply.status_code, reply.content)
        return Reply(read, reply.headers.get("x-decision-id"))

    def text(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        """The server's reply to one request, where that is plain text; raises as `ask`."""
        reply = self._send(method, path, body)
        if reply.status_code >= _FIRST_REFUSAL:
            _read(self.url, reply.status_code, reply.content)
        return str(reply.text)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> "httpx2.Response":
        import httpx2

        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        # A proxy is a way to other machines; on the way to this one it would only see the key.
        trust_env = urlsplit(self.url).hostname not in _LOOPBACK
        try:
            with httpx2.Client(timeout=TIMEOUT_S, trust_env=trust_env) as client:
                return client.request(method, self.url + path, json=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unanswered(
                f"no answer from {self.url}: {error}",
                code="server-unreachable",
                hint="is the server running? `policyd serve --policies DIR`",
            ) from None


def _check_url(url: str) -> None:
    if not _names_server(url):
        said = url.rpartition("@")[2]  # what stands before it may be a password
        raise UsageError(
            f"`{said}` is no server: write it like {DEFAULT_URL}, in --url or POLICYD_URL",
            code="url-invalid",
        )
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"`{url}` would send the key unencrypted: use https", code="url-unencrypted"
        )


def _names_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    has_more = parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in {"http", "https"} and has_place and not has_more


def _read(url: str, status: int, content: bytes) -> dict[str, Any]:
    """The JSON object in a reply, if it is one that lets us go on."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or (status >= _FIRST_REFUSAL and "code" not in body):
        raise Unanswered(
            f"{url} does not answer like policyd (HTTP {status})",
            code="not-policyd",
            hint="correct --url or POLICYD_URL",
        )
    if status < _FIRST_REFUSAL:
        return body
    told, code = str(body.get("detail") or body.get("title")), str(body["code"])
    if status >= _FIRST_FAULT:
        raise Unanswered(told, code=code, hint=_TRY_AGAIN)
    raise Refused(told, code=code, hint=_WAYS_OUT.get(status, ""), place=_place(body))


def _place(body: Mapping[str, Any]) -> tuple[int, int] | None:
    """Where in a query it shows, if the problem says so."""
    column, length = body.get("column"), body.get("length")
    return (column, length) if isinstance(column, int) and isinstance(length, int) else None
