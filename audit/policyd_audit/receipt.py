"""Receipts: proof, without the log, that a record is in it (C2SP tlog-proof).

A receipt is a text of these lines; the checkpoint is the signed note, to its end:

    c2sp.org/tlog-proof@v1
    extra <base64>          the record's bytes; left out where its reader may not see them
    index <number>
    <base64>                one line for each hash, from the leaf's sibling up
    (an empty line)
    <checkpoint>

What it holds of a record is not taken on trust: the proof begins with the hash of these bytes.
"""

import re
from base64 import b64encode
from typing import NamedTuple

from policyd_audit import checkpoint, cosignature, note
from policyd_audit.checkpoint import MAX_SIZE, Checkpoint
from policyd_audit.errors import Contradiction, Malformed, shown
from policyd_audit.note import Key, decoded
from policyd_audit.proof import check_inclusion
from policyd_audit.tree import HASH_BYTES, leaf_hash

HEADER = "c2sp.org/tlog-proof@v1"

_EXTRA = "extra "
_INDEX = re.compile("index (0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_HASHES = 63


class Receipt(NamedTuple):
    """A receipt taken apart, nothing verified yet; `record` is None where it is not in it."""

    position: int
    proof: tuple[bytes, ...]
    note: str
    record: bytes | None = None


class Shown(NamedTuple):
    """What a receipt proves: that the record with this leaf hash is in the tree of a checkpoint.

    `cosigned` is when the log last said that this checkpoint is its newest, in seconds since 1970.
    """

    checkpoint: Checkpoint
    leaf: bytes
    cosigned: int | None


def render(receipt: Receipt) -> str:
    """Return the text of a receipt."""
    lines = [HEADER]
    if receipt.record is not None:
        lines.append(_EXTRA + b64encode(receipt.record).decode())
    lines.append(f"index {receipt.position}")
    lines += [b64encode(each).decode() for each in receipt.proof]
    return "\n".join([*lines, "", receipt.note])


def parse(text: str) -> Receipt:
    """Return the receipt taken apart, with its one spelling.

    Raises:
        Malformed: it is not one; the message names the line.
    """
    head, _, signed = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != HEADER:
        raise _bad(1, f"it is not `{HEADER}`")
    at, record = 1, None
    if len(lines) > at and lines[at].startswith(_EXTRA):
        record = decoded(lines[at].removeprefix(_EXTRA))
        if record is None:
            raise _bad(at + 1, "what follows `extra` is not base64")
        at += 1
    found = _INDEX.fullmatch(lines[at]) if len(lines) > at else None
    if not found or int(found[1]) >= MAX_SIZE:
        raise _bad(at + 1, "it is not `index` and a number")
    proof = [_hash(line, number) for number, line in enumerate(lines[at + 1 :], at + 2)]
    if len(proof) > _MAX_HASHES:
        raise _bad(at + 2, f"more than {_MAX_HASHES} hashes follow")
    return Receipt(int(found[1]), tuple(proof), signed, record)


def check(receipt: Receipt, key: Key, record: bytes | None = None) -> Shown:
    """Return what the receipt shows, held to the log's *key*.

    Args:
        receipt: As parsed.
        key: The log's.
        record: The record's bytes, where the receipt does not have them.

    Raises:
        Malformed: its checkpoint is malformed, or nobody has the record.
        SignatureError: *key* did not sign its checkpoint.
        Contradiction: the record is not at its place in that tree, or not the one in the receipt.
    """
    leaf = receipt.record if record is None else record
    if leaf is None:
        why = "the receipt does not hold the record: give its bytes with --record"
        raise Malformed("record-missing", why)
    if receipt.record is not None and receipt.record != leaf:
        why = f"record {receipt.position}: the receipt holds other bytes"
        raise Contradiction("record-differs", why, record=receipt.position)
    signed = note.parse(receipt.note)
    note.verify(signed, key)
    claimed = checkpoint.parse(signed.text)
    if claimed.origin != key.name:
        why = f"the receipt is of the log {shown(claimed.origin)}, not {shown(key.name)}"
        raise Contradiction("checkpoint-origin", why)
    found = leaf_hash(leaf)
    check_inclusion(receipt.position, claimed.size, found, receipt.proof, claimed.root)
    return Shown(claimed, found, cosignature.time_of(signed, key))


def _hash(line: str, number: int) -> bytes:
    data = decoded(line)
    if data is None or len(data) != HASH_BYTES:
        raise _bad(number, "it is not the base64 of a 32-byte hash")
    return data


def _bad(number: int, why: str) -> Malformed:
    message = f"line {number} of the receipt is malformed: {why}"
    return Malformed("receipt-malformed", message, line=number)
