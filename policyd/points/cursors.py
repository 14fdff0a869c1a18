"""Cursors: where a search goes on, signed, so that it stays the same search.

A cursor holds which question it is of, the size of the log that the first page froze, the moment
that relative times count from, and the last record shown. It says nothing that its holder has not
been told, and opens nothing: who may ask is looked at each time.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec

from policyd.model.errors import QuestionRefused

_TAG_BYTES = 16
_DIGEST_BYTES = 16
LONGEST = 256


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in the answer to one question.

    Attributes:
        question: Digest of the question.
        size: Of the log that is asked about.
        now: The moment of asking, RFC 3339 in UTC.
        last: Number of the last record before this place; None at the beginning.
    """

    question: bytes
    size: int
    now: str
    last: int | None = None


_decode = msgspec.msgpack.Decoder(Cursor).decode


class Cursors:
    """Makes and reads cursors.

    Args:
        secret: Known to this server alone.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, cursor: Cursor) -> str:
        """The cursor as its holder gets it."""
        said = msgspec.msgpack.encode(cursor)
        return urlsafe_b64encode(self._tag(said) + said).decode().rstrip("=")

    def read(self, text: str, question: bytes) -> Cursor:
        """The cursor that *text* is, which must be of that question.

        Raises:
            QuestionRefused: it is none of this server, or of another question.
        """
        try:
            data = urlsafe_b64decode(text[:LONGEST].encode("ascii") + b"==")
            said = data[_TAG_BYTES:]
            cursor = _decode(said) if hmac.compare_digest(data, self._tag(said) + said) else None
        except (ValueError, msgspec.DecodeError):
            cursor = None
        if cursor is None or self.write(cursor) != text:
            raise QuestionRefused(
                "the cursor is not one that this server has given: copy it whole, or begin anew"
                " without it",
                code="cursor-invalid",
            )
        if cursor.question != question:
            raise QuestionRefused(
                "the cursor belongs to another query, order, stretch of time or key's bounds:"
                " ask as before, or begin anew without it",
                code="cursor-of-another-query",
            )
        return cursor

    def _tag(self, said: bytes) -> bytes:
        return hmac.digest(self._secret, said, "sha256")[:_TAG_BYTES]


def digest(*parts: object) -> bytes:
    """The digest of a question's parts."""
    return sha256(msgspec.msgpack.encode(parts)).digest()[:_DIGEST_BYTES]
