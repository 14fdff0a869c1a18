"""Cosignatures: signatures over a checkpoint and a time (C2SP tlog-cosignature, Ed25519).

A log cosigns what it publishes with its own key, so that a checkpoint that does not change still
says when the log last stood by it. A cosignature's key id differs from that of the plain signature
by its type, and what is signed begins otherwise, so that neither can be taken for the other.
"""

from base64 import b64encode

from policyd_audit import ed25519, note
from policyd_audit.errors import SignatureError, shown
from policyd_audit.note import Key, Note

_TYPE = b"\x04"
_TIME_BYTES = 8


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the 4 bytes by which lines of cosignatures name a key."""
    return note.key_id(name, public_key, _TYPE)


def vkey(name: str, public_key: bytes) -> str:
    """Return the verifier key of its cosignatures, `name+id+base64`."""
    blob = b64encode(_TYPE + public_key).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{blob}"


def parse_vkey(text: str) -> Key:
    """Return the key of a cosigner; raises as `note.parse_vkey` does."""
    return note.parse_vkey(text, _TYPE)


def message(text: str, seconds: int) -> bytes:
    """Return the bytes to sign: that the checkpoint *text* was the newest at that time.

    Args:
        text: Of the note, with its final newline.
        seconds: Since 1970, in UTC.
    """
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def line(name: str, public_key: bytes, seconds: int, signature: bytes) -> str:
    """Return the signature line to put under a note."""
    blob = key_id(name, public_key) + seconds.to_bytes(_TIME_BYTES) + signature
    return f"\u2014 {name} {b64encode(blob).decode()}\n"


def time_of(signed: Note, key: Key) -> int | None:
    """Return when *key* last cosigned the note, in seconds since 1970; None if it did not.

    Raises:
        SignatureError: a cosignature in its name is false.
    """
    named = (key.name, key_id(key.name, key.public))
    times = []
    for name, stated, data in signed.signatures:
        if (name, stated) != named:
            continue
        seconds = int.from_bytes(data[:_TIME_BYTES])
        if not ed25519.verify(key.public, message(signed.text, seconds), data[_TIME_BYTES:]):
            why = f"the cosignature of {shown(key.name)} is false"
            raise SignatureError("cosignature-invalid", why)
        times.append(seconds)
    return max(times, default=None)
