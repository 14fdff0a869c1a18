"""Personal fields: members of a record that are kept apart from it, so that they can be erased.

The leaf has their salted digests, the disclosures lie beside it (RFC 9901; see
`policyd_audit.disclosure`). Only what no decision reads can be kept so: a decision can be taken
again from its record, whatever was erased of it.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from policyd.ledger.record import bounded
from policyd_audit.disclosure import DIGESTS, NAMES, digest

FIELDS = ("address", "on_behalf_of", "purpose", "request_id", "subject", "text")
"""What can be named: a caller's network address; the persons an integration acts for; the purpose
and the request id as sent; a subject that is no integration; what somebody searched the log for."""

_SALT_BYTES = 16
_DRAW = 4096  # bytes of randomness drawn from the system at a time
_encode = msgspec.json.Encoder(order="sorted").encode


class Personal:
    """Hides the named members of every record that goes into the log.

    Args:
        fields: Some of `FIELDS`.
        entropy: As `os.urandom`.
    """

    def __init__(
        self, fields: Collection[str], entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._fields = tuple(sorted(fields))
        # The subject of a hold is whoever may be named in what is hidden.
        self._of_scope = ("subject",) if {"subject", "on_behalf_of"} & set(fields) else ()
        marks = ("subject_type" if each == "subject" else each for each in self._fields)
        self._marks = tuple(f'"{each}":'.encode() for each in (*marks, "scope"))
        self._entropy = entropy
        self._pool = b""
        self._at = 0

    def hide(self, leaf: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        """The leaf without the values of what is personal in it, and their disclosures.

        Raises:
            RecordTooLarge: its digests make the record too long.
        """
        if not any(mark in leaf for mark in self._marks):
            return leaf, ()
        record: dict[str, Any] = msgspec.json.decode(leaf)
        names: set[str] = set()
        disclosures: list[bytes] = []
        for part, fields in self._parts(record):
            hidden = [self._disclose(part, each) for each in fields if _is_personal(part, each)]
            if hidden:
                names.update(each for each, _ in hidden)
                part[DIGESTS] = sorted(digest(data) for _, data in hidden)
                disclosures += [data for _, data in hidden]
        if not disclosures:
            return leaf, ()
        record[NAMES] = sorted(names)
        return bounded(_encode(record)), tuple(disclosures)

    def _parts(self, record: dict[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
        """The objects of a record in which something personal can be, and what that is."""
        for name in ("caller", "call"):
            if name in record:
                yield record[name], self._fields
        if "scope" in record:
            yield record["scope"], self._of_scope
        for each in record.get("counts", ()):
            yield each, self._fields
        yield record, self._fields

    def _disclose(self, part: dict[str, Any], name: str) -> tuple[str, bytes]:
        salt = urlsafe_b64encode(self._salt()).rstrip(b"=").decode()
        return name, _encode([salt, name, part.pop(name)])

    def _salt(self) -> bytes:
        """Random bytes for one salt; drawing many at once spares a system call each."""
        if len(self._pool) - self._at < _SALT_BYTES:
            self._pool, self._at = self._entropy(_DRAW), 0
        self._at += _SALT_BYTES
        return self._pool[self._at - _SALT_BYTES : self._at]


def _is_personal(part: dict[str, Any], name: str) -> bool:
    """Whether the member is there and may be hidden; the id of an integration is nobody's name."""
    is_integration = name == "subject" and "action" in part and "subject_type" not in part
    return name in part and not is_integration
