"""The signer of checkpoints: an Ed25519 key in the file format of Go's signed notes."""

import os
import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policyd.model.errors import DataFolderError, UsageError
from policyd_audit import checkpoint, cosignature, note
from policyd_audit.errors import SignatureError

RETIRING = "retiring.key"
"""The file beside a signing key that has the one before it."""

_PREFIX = "PRIVATE+KEY+"
_ED25519 = b"\x01"
_SEED_BYTES = 32
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without `+`


class Signer:
    """Signs in the name of one log; the key's name is the log's origin.

    Attributes:
        origin: The log's name.
        retiring: Of the same log, with the key from before; while there is one, both sign.

    Args:
        origin: Printable ASCII without spaces and `+`.
        seed: 32 random bytes, the secret itself.

    Raises:
        UsageError: *origin* cannot be the name of a key.
    """

    def __init__(self, origin: str, seed: bytes, retiring: Self | None = None) -> None:
        if not _ORIGIN.fullmatch(origin):
            raise UsageError(
                f"`{origin}` cannot name a log: use printable ASCII without spaces and `+`, "
                "such as policyd.example.com/log",
                code="origin-invalid",
            )
        self.origin = origin
        self.retiring = retiring
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    @classmethod
    def load(cls, path: Path) -> Self:
        """The signer whose key lies in *path*, with the one that retires beside it.

        Raises:
            DataFolderError: a file cannot be read or is no such key.
        """
        signer = cls._read(path)
        beside = path.with_name(RETIRING)
        # A crash of a rotation may have left the same key twice: then nothing has been rotated.
        if beside.exists() and (old := cls._read(beside)).vkey != signer.vkey:
            signer.retiring = old
        return signer

    def save(self, path: Path) -> None:
        """Write the key to a new file that is its owner's alone; it is on the disk on return."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(f"{self.skey}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def _read(cls, path: Path) -> Self:
        try:
            signer = cls._parsed(path.read_text("ascii").strip())
        except (OSError, ValueError, UsageError):
            signer = None
        if signer is None:
            raise DataFolderError(
                f"`{path}` is not a signing key: restore it from a backup of the data folder",
                code="data-folder-damaged",
            )
        return signer

    @property
    def key(self) -> note.Key:
        """The public key, to hold notes to."""
        return note.Key(self.origin, note.key_id(self.origin, self._public), self._public)

    @property
    def vkeys(self) -> list[str]:
        """The verifier keys of all that sign now, the newest first."""
        return [self.vkey] + ([self.retiring.vkey] if self.retiring else [])

    @property
    def vkey(self) -> str:
        """The verifier key, to be published."""
        return note.vkey(self.origin, self._public)

    @property
    def cosigner_vkey(self) -> str:
        """The verifier key of its cosignatures, for tools that read their times."""
        return cosignature.vkey(self.origin, self._public)

    @property
    def skey(self) -> str:
        """The secret as its file has it: `PRIVATE+KEY+name+id+base64`."""
        blob = b64encode(_ED25519 + self._seed).decode()
        return f"{_PREFIX}{self.origin}+{self.key.id.hex()}+{blob}"

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note that the log had *size* records and the hash *root*."""
        text = checkpoint.body(self.origin, size, root)
        signed = note.signed(text, self.origin, self._public, self._key.sign(text.encode()))
        return signed + (self.retiring.line(text) if self.retiring else "")

    def line(self, text: str) -> str:
        """The line with this key's signature of a note's *text*."""
        signed = note.signed(text, self.origin, self._public, self._key.sign(text.encode()))
        return signed.removeprefix(f"{text}\n")

    def verify(self, signed: note.Note) -> None:
        """Nothing, if this log has signed that note.

        Raises:
            SignatureError: neither its key nor the retiring one did.
        """
        try:
            note.verify(signed, self.key)
        except SignatureError as error:
            # After a rotation the newest checkpoint is the old key's, until the next record.
            if self.retiring is None or error.code != "signature-missing":
                raise
            note.verify(signed, self.retiring.key)

    def cosigned(self, signed: str, seconds: int) -> str:
        """The checkpoint *signed* with this log's word that it was the newest at that time."""
        text = note.parse(signed).text
        signature = self._key.sign(cosignature.message(text, seconds))
        return signed + cosignature.line(self.origin, self._public, seconds, signature)

    @classmethod
    def _parsed(cls, text: str) -> Self | None:
        """The signer of an skey; None where its parts do not belong together."""
        origin, _, blob = text.removeprefix(_PREFIX).split("+", 2)
        data = b64decode(blob, validate=True)
        if data[:1] != _ED25519 or len(data) != 1 + _SEED_BYTES:
            return None
        signer = cls(origin, data[1:])
        return signer if signer.skey == text else None
