"""Signed notes: a text, an empty line, and one line for each signature (C2SP signed-note).

Only Ed25519 keys, type 1, are used. Signing happens where the private key is; here a note is put
together from a signature, taken apart, and verified.
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

from policyd_audit import ed25519
from policyd_audit.errors import Malformed, SignatureError, shown

MAX_SIGNATURES = 100

_ED25519 = b"\x01"
_ID_BYTES = 4
_VKEY_PARTS = 3
_DASH = "\u2014 "


class Key(NamedTuple):
    """A public key that may sign notes: its name, 4-byte id and 32 bytes."""

    name: str
    id: bytes
    public: bytes


class Signature(NamedTuple):
    """One signature line: who is said to have signed, and the bytes (of any algorithm)."""

    name: str
    key_id: bytes
    data: bytes


class Note(NamedTuple):
    """A note taken apart, nothing verified yet; `text` is what was signed."""

    text: str
    signatures: tuple[Signature, ...]


def key_id(name: str, public_key: bytes, kind: bytes = _ED25519) -> bytes:
    """Return the 4 bytes by which signature lines name a key of that type."""
    return sha256(name.encode() + b"\n" + kind + public_key).digest()[:_ID_BYTES]


def vkey(name: str, public_key: bytes) -> str:
    """Return the verifier key to publish: `name+id+base64`."""
    blob = b64encode(_ED25519 + public_key).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{blob}"


def parse_vkey(text: str, kind: bytes = _ED25519) -> Key:
    """Return the key that `name+id+base64` stands for.

    Args:
        text: The line.
        kind: The type of its signatures, one byte; the key is an Ed25519 one all the same.

    Raises:
        Malformed: it is no such line, the id is of another key, or the key is of another type.
    """
    parts = text.strip().split("+", _VKEY_PARTS - 1)
    blob = decoded(parts[-1])
    if len(parts) != _VKEY_PARTS or not _is_name(parts[0]) or not blob:
        raise _bad_key(text, "is not `name+id+base64`")
    name, stated = parts[0], parts[1]
    if blob[:1] != kind or len(blob) != 1 + ed25519.KEY_BYTES:
        raise _bad_key(text, f"is not an Ed25519 key (type {kind[0]})")
    key = Key(name, key_id(name, blob[1:], kind), blob[1:])
    if stated != key.id.hex():
        raise _bad_key(text, "does not match its own id; copy it again from its source")
    return key


def signed(text: str, name: str, public_key: bytes, signature: bytes) -> str:
    """Return the note of *text* with one Ed25519 signature over its UTF-8 bytes.

    Args:
        text: Ends with a newline.
        name: Of the key; for a log, its origin.
        public_key: 32 bytes.
        signature: 64 bytes.
    """
    blob = b64encode(key_id(name, public_key) + signature).decode()
    return f"{text}\n{_DASH}{name} {blob}\n"


def parse(note: str) -> Note:
    """Return the note taken apart; verifies nothing.

    Raises:
        Malformed: it does not keep to the format.
    """
    if any(character < " " and character != "\n" for character in note):
        raise Malformed("note-malformed", "the note contains a control character")
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise Malformed("note-malformed", "the note is not a text, an empty line and signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Malformed("note-malformed", f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(head + "\n", tuple(map(_parse_signature, lines)))


def verify(note: Note, key: Key) -> None:
    """Hold the note to *key*; signatures of other keys are ignored.

    Raises:
        SignatureError: *key* did not sign it, or a signature in its name is false.
    """
    theirs = [s for s in note.signatures if (s.name, s.key_id) == (key.name, key.id)]
    who = f"{key.name}+{key.id.hex()}"
    if not theirs:
        raise SignatureError("signature-missing", f"there is no signature of the key {shown(who)}")
    if not all(ed25519.verify(key.public, note.text.encode(), s.data) for s in theirs):
        raise SignatureError("signature-invalid", f"the signature of {shown(who)} is false")


def decoded(text: str) -> bytes | None:
    """Return what *text* is the standard base64 of, or None if it is not canonical."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if b64encode(data).decode() == text else None


def _parse_signature(line: str) -> Signature:
    name, _, text = line.removeprefix(_DASH).rpartition(" ")
    blob = decoded(text)
    if not line.startswith(_DASH) or not _is_name(name) or not blob or len(blob) <= _ID_BYTES:
        raise Malformed("note-malformed", f"the note has a malformed signature line {shown(line)}")
    return Signature(name, blob[:_ID_BYTES], blob[_ID_BYTES:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def _bad_key(text: str, why: str) -> Malformed:
    return Malformed("key-malformed", f"the verifier key {shown(text)} {why}")
