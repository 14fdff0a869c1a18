"""One request to the server: bounded in time, and sent again only if it cannot count twice."""

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import Denied, Reason, Unavailable

ATTEMPTS = 3
_KEY = re.compile(r"[!-~]+")  # what fits into a header
_PAUSE_S = 0.05  # before a second attempt to connect
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MOST = 1 << 20  # bytes of an answer that are read
_RETRY, _TOO_MANY, _SERVER_ERROR, _REDIRECT = 503, 429, 500, 300


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is neither an error nor a redirect; `body` is None if it is no JSON."""

    headers: Mapping[str, str]  # names in lower case
    body: Any


class Transport:
    """Sends JSON to one server with one key, each request on a connection of its own."""

    def __init__(
        self, url: str, key: str, *, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises ValueError if the key is none, or would travel unencrypted to another machine."""
        if not _KEY.fullmatch(key or ""):  # os.environ.get may have found none
            # The key itself is not said: messages get into logs.
            raise ValueError("this is no key: send one `pd_…` without spaces or line breaks")
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or not host:
            raise ValueError(f"`{url}` is no URL of a server; write `https://policyd.example`")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ValueError(f"`{url}` would show the key to the network; use https")
        self._host, self._port = host, parts.port
        self._base = parts.path.rstrip("/")
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._key = key
        self._timeout = timeout

    def post(self, path: str, body: Mapping[str, Any], request_id: str) -> Response:
        """The response to *body*.

        A request is sent again if nothing of it had left, or the server asks for that with 503
        and `Retry-After`; always with the same *request_id*, and all within the timeout.

        Raises:
            Denied: the server refuses the request.
            Unavailable: no answer in time, or none that can be used.
        """
        deadline = time.monotonic() + self._timeout
        content = json.dumps(body).encode()
        attempt = 1
        while isinstance(got := self._once(path, content, request_id, deadline), _Again):
            pause = got.pause or _PAUSE_S * attempt
            if attempt == ATTEMPTS or time.monotonic() + pause >= deadline:
                raise Unavailable(got.why)
            time.sleep(pause)
            attempt += 1
        return got

    def _once(
        self, path: str, content: bytes, request_id: str, deadline: float
    ) -> "Response | _Again":
        line = self._line(deadline)
        try:
            try:
                line.connect()
            except ssl.SSLCertVerificationError as error:
                raise Denied([_untrusted(error.verify_message)]) from None
            except OSError as error:
                return _Again(f"the server cannot be reached: {error}")
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._key}",
                "X-Request-ID": request_id,
            }
            # From here on the server may have counted the call, so no error leads back to it.
            line.sock.settimeout(max(0.001, deadline - time.monotonic()))
            line.request("POST", self._base + path, content, headers)
            response = line.getresponse()
            said = response.read(_MOST)
        except TimeoutError:
            raise Unavailable(f"no answer within {self._timeout:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the connection broke: {type(error).__name__}") from None
        finally:
            line.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return _judged(response.status, named, _json(said))

    def _line(self, deadline: float) -> http.client.HTTPConnection:
        left = max(0.001, deadline - time.monotonic())
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=left)
        return http.client.HTTPSConnection(self._host, self._port, timeout=left, context=self._tls)


@dataclass(frozen=True, slots=True)
class _Again:
    """Why there is no response yet, and for how many seconds to wait; zero: as the client likes."""

    why: str
    pause: float = 0.0


def _judged(status: int, headers: Mapping[str, str], body: object) -> Response | _Again:
    """Tell answers, refusals and outages apart."""
    if status < _REDIRECT:
        return Response(headers, body)
    told = body if isinstance(body, dict) else {}
    detail = str(told.get("detail") or f"HTTP status {status}")
    after = headers.get("retry-after", "")
    if status == _RETRY and after.isascii() and after.isdigit():
        return _Again(f"the server cannot answer now: {detail}", max(float(after), _PAUSE_S))
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        raise Unavailable(f"the server cannot answer now: {detail}")
    raise Denied([Reason(str(told.get("code") or "request-refused"), detail)])


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _untrusted(why: str) -> Reason:
    return Reason(
        "server-not-trusted",
        f"the server's certificate is not good: {why}",
        "check the URL, or hand the client the `tls` context that trusts your authority",
    )
