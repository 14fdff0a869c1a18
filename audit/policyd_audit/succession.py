"""Succession: proof, without the log, that a later checkpoint goes on from an earlier one.

It is the text that a witness is sent (C2SP tlog-witness, add-checkpoint), so it serves both:

    old <size>
    <base64>                one line for each hash of the consistency proof
    (an empty line)
    <checkpoint>            the later one, the signed note
"""

import re
from base64 import b64encode
from typing import NamedTuple

from policyd_audit import checkpoint, note
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import check_succession
from policyd_audit.errors import Contradiction, Malformed
from policyd_audit.note import Key, decoded
from policyd_audit.proof import check_consistency
from policyd_audit.tree import HASH_BYTES

_OLD = re.compile("old (0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_HASHES = 63


class Succession(NamedTuple):
    """A proof of consistency taken apart, nothing verified yet."""

    old: int
    proof: tuple[bytes, ...]
    note: str


def render(succession: Succession) -> str:
    """Return the text of a proof."""
    hashes = [b64encode(each).decode() for each in succession.proof]
    return "\n".join([f"old {succession.old}", *hashes, "", succession.note])


def parse(text: str) -> Succession:
    """Return the proof taken apart.

    Raises:
        Malformed: it is not one; the message names the line.
    """
    head, _, signed = text.partition("\n\n")
    first, *rest = head.split("\n")
    found = _OLD.fullmatch(first)
    if not found:
        raise _bad(1, "it is not `old` and a number")
    if len(rest) > _MAX_HASHES:
        raise _bad(2, f"more than {_MAX_HASHES} hashes follow")
    proof = []
    for number, line in enumerate(rest, 2):
        data = decoded(line)
        if data is None or len(data) != HASH_BYTES:
            raise _bad(number, "it is not the base64 of a 32-byte hash")
        proof.append(data)
    return Succession(int(found[1]), tuple(proof), signed)


def check(succession: Succession, key: Key, seen: Checkpoint) -> Checkpoint:
    """Return the later checkpoint, if the log with this *key* goes on to it from *seen*.

    Raises:
        Malformed: its checkpoint is malformed.
        SignatureError: *key* did not sign it.
        Contradiction: it is of another log, or does not go on from *seen*.
    """
    signed = note.parse(succession.note)
    note.verify(signed, key)
    claimed = checkpoint.parse(signed.text)
    check_succession(seen, claimed)
    if succession.old != seen.size:
        why = f"the proof begins at {succession.old} records, the checkpoint has {seen.size}"
        raise Contradiction("proof-invalid", why)
    check_consistency(seen.size, claimed.size, succession.proof, seen.root, claimed.root)
    return claimed


def _bad(number: int, why: str) -> Malformed:
    message = f"line {number} of the proof is malformed: {why}"
    return Malformed("proof-malformed", message, line=number)
