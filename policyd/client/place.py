"""Places: a URL in one spelling, and whether a decision covers it.

The server is the judge of spellings. Here only plain URLs are compared; any other is asked about.
"""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"https": 443, "sftp": 22, "mqtts": 8883, "smtps": 465}
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,=:@-]*)*")
_PLAIN_HOST = re.compile(r"[a-z0-9.-]*[a-z][a-z0-9-]*|[0-9.]+|[0-9a-f:]+")


class Place(NamedTuple):
    """Where a decision lets a call go; a path that ends in `/` stands for all below it."""

    scheme: str
    host: str
    port: int
    path: str
    method: str | None

    def covers(self, other: "Place") -> bool:
        """Whether a decision on this place is one on *other*, too."""
        below = self.path.endswith("/") and other.path.startswith(self.path)
        same = self[:3] == other[:3] and self.method == other.method
        return same and (below or other.path == self.path)


def place(url: str, method: str | None) -> Place | None:
    """The place that *url* names; None if it is not spelled plainly enough to be compared."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    host, path = parts.hostname or "", parts.path or "/"
    if port is None or parts.username is not None or not url.isascii():
        return None
    climbs = any(segment in {"", ".", ".."} for segment in path.split("/")[1:-1])
    climbs = climbs or path.endswith(("/.", "/.."))
    if climbs or not _PLAIN_PATH.fullmatch(path) or not _PLAIN_HOST.fullmatch(host):
        return None
    return Place(parts.scheme, host, port, path, method.upper() if method else None)


def without_query(url: str) -> str:
    """The URL without query and fragment, which take no part in a decision."""
    return url.partition("#")[0].partition("?")[0]


def has_secret(url: str) -> bool:
    """Whether a user name or password stands before the host; it must not get into a log."""
    return "@" in url.partition("://")[2].partition("/")[0]
