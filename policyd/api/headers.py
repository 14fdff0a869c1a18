"""The headers of a request, read in one way for every endpoint, and the request id among them.

Source: RFC 9110, section 5.3; OpenID AuthZEN Authorization API 1.0, section 10.1.3.
"""

from collections.abc import Mapping
from typing import Any

from policyd.model.errors import CallTooLarge

Headers = dict[bytes, bytes]
MAX_REQUEST_ID = 128
REQUEST_ID = b"x-request-id"


def headers_of(scope: Mapping[str, Any]) -> Headers:
    """The headers by name; one that was sent more than once is a list with commas between.

    So no endpoint goes by the first of two keys while another goes by the last.
    """
    sent = scope["headers"]
    headers = dict(sent)
    if len(headers) < len(sent):
        headers = {
            name: b", ".join(value for other, value in sent if other == name) for name in headers
        }
    return headers


def request_id(headers: Headers) -> str | None:
    """The id that the caller gave to its request, if it gave one.

    Raises:
        CallTooLarge: it is not what a record holds.
    """
    sent = headers.get(REQUEST_ID)
    if sent is None:
        return None
    text = sent.decode("latin-1")
    if len(text) > MAX_REQUEST_ID or not (text.isascii() and text.isprintable()):
        raise CallTooLarge(
            f"X-Request-ID takes at most {MAX_REQUEST_ID} printable ASCII characters"
        )
    return text


def echo(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that say which request it is to: as it was sent, good or not."""
    sent = headers.get(REQUEST_ID)
    return [] if sent is None else [(REQUEST_ID, sent)]
