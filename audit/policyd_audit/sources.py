"""Sources: where the resources of a tiled log are, a folder or a running server."""

import http.client
import json
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from policyd_audit.errors import Malformed, Unreadable, shown
from policyd_audit.layout import CHECKPOINT

KEY = "POLICYD_KEY"

_TIMEOUT_S = 30
_MOST_SAID = 500
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Source(Protocol):
    """Resources by their path below the log's prefix; where it is sent, it is opened anew."""

    name: str

    def get(self, path: str, most: int) -> bytes:
        """Return the bytes of the resource at *path*.

        Raises:
            Malformed: it is not there (`resource-missing`), was there once (`records-lost`), or is
                longer than *most* bytes.
            Unreadable: it cannot be had now.
        """

    def close(self) -> None:
        """Give up what is held open."""


class Folder:
    """A folder with one file for each resource.

    Raises:
        Unreadable: it has no checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        if not (path / CHECKPOINT).is_file():
            why = f"{shown(str(path))} holds no log: there is no file `checkpoint` in it"
            raise Unreadable("file-missing", why)

    def get(self, path: str, most: int) -> bytes:
        """Return the content of a file."""
        try:
            with (self._path / path).open("rb") as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise missing(path) from None
        except OSError as error:
            why = f"{shown(path)} cannot be read: {error.strerror}"
            raise Unreadable("file-unreadable", why) from error
        return bounded(path, data, most)

    def close(self) -> None:
        """Nothing is held open."""


class Server:
    """A running server's log, over one connection that stays open.

    Args:
        url: Of the log, such as `https://policyd.example/log`.
        key: Of an auditor, for records; empty where only hashes are asked for.

    Raises:
        Unreadable: the URL is none, or would send the key unencrypted.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self.name = url
        parts = _parts(url)
        if key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            why = f"{shown(url)} would send the key unencrypted: use https"
            raise Unreadable("url-unencrypted", why)
        if not (key.isascii() and key.isprintable()):
            raise Unreadable("key-invalid", f"what {KEY} holds is no key: copy it again")
        self._key = key
        self._prefix = parts.path.rstrip("/")
        self._headers = {"User-Agent": "policyd-audit", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._line = _line(parts)

    def __reduce__(self) -> tuple[type["Server"], tuple[str, str]]:
        """Another process gets a connection of its own."""
        return Server, (self.name, self._key)

    def get(self, path: str, most: int) -> bytes:
        """Return what the server answers."""
        status, data = self._ask(path, most)
        if status in _GONE and path == CHECKPOINT:
            why = f"there is no log at {shown(self.name)}: its URL ends in `/log`"
            raise Unreadable("no-log", why)
        if status == HTTPStatus.GONE and (said := _detail(data)):
            raise Malformed("records-lost", said, tile=path)
        if status in _GONE:
            raise missing(path)
        if status in _DENIED:
            why = f"the server shows {shown(path)} to auditors only: put such a key into {KEY}"
            raise Unreadable("access-denied", why)
        if status != HTTPStatus.OK:
            raise Unreadable("server-trouble", f"the server answers {status} to {shown(path)}")
        return bounded(path, data, most)

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _ask(self, path: str, most: int) -> tuple[int, bytes]:
        was_open = self._line.sock is not None
        try:
            return self._ask_once(path, most)
        except (http.client.HTTPException, OSError) as error:
            self._line.close()
            # A server may close a connection that has been idle; a new one gets a second try.
            if was_open:
                return self._ask(path, most)
            why = f"no answer from {shown(self.name)}: {error}"
            raise Unreadable("server-unreachable", why) from error

    def _ask_once(self, path: str, most: int) -> tuple[int, bytes]:
        self._line.request("GET", f"{self._prefix}/{path}", headers=self._headers)
        response = self._line.getresponse()
        data = response.read(most + 1)
        if response.read(1):
            self._line.close()  # the rest of what is too long is not worth reading
        return response.status, data


def _detail(data: bytes) -> str:
    """Return what a problem document says of records that are lost, on one line."""
    try:
        problem = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    is_lost = isinstance(problem, dict) and problem.get("code") == "segment-lost"
    said = problem.get("detail") if is_lost else None
    return "".join(filter(str.isprintable, said))[:_MOST_SAID] if isinstance(said, str) else ""


def missing(path: str) -> Malformed:
    """Return the error for a resource that is not there."""
    return Malformed("resource-missing", f"{shown(path)} is missing", tile=path)


def bounded(path: str, data: bytes, most: int) -> bytes:
    """Return *data*, if it is not longer than *most* bytes."""
    if len(data) > most:
        why = f"{shown(path)} has more than the {most:,} bytes it may have"
        raise Malformed("resource-malformed", why, tile=path)
    return data


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set("?#@")
    if not (is_whole and is_plain and parts.scheme in {"http", "https"}):
        why = f"{shown(url)} is no log: write it like https://policyd.example/log"
        raise Unreadable("url-invalid", why)
    return parts


def _line(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
