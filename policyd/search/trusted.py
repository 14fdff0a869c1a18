"""Trust: which segments may be searched, since they are what their manifests say.

A segment is read from end to end once, and held to its signed manifest; after that a look at its
length, times and place tells whether it is still the same file.
"""

import os
from contextlib import suppress
from dataclasses import dataclass

from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd_audit.errors import VerificationError
from policyd_audit.segment import check_file, file_name, manifest_name

_Face = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What was found of a segment: whether it is good, and how its files looked then."""

    face: tuple[_Face, ...]
    is_good: bool


class Trusted:
    """The segments of one log, each checked once.

    Args:
        shelf: Where they lie.
        signer: Of the log.
    """

    def __init__(self, shelf: Shelf, signer: Signer) -> None:
        self.shelf = shelf
        self._folder = str(shelf.folder)
        self._signer = signer
        self._known: dict[int, Known] = {}

    def numbers(self) -> list[int]:
        """The segments that there are, good or not, in order."""
        return self.shelf.numbers()

    def prepare(self) -> bool:
        """Check the newest of the segments that were never checked; whether there was one."""
        unknown = [each for each in self.numbers() if each not in self._known]
        if unknown:
            self.is_good(unknown[-1])
        return bool(unknown)

    def is_good(self, number: int) -> bool:
        """Whether a segment is what its manifest says, which the log has signed."""
        return self.known(number).is_good

    def known(self, number: int) -> Known:
        """What is known of a segment: the same object, as long as it is the same file."""
        # What is replaced while it is read has another face the next time.
        face = self._face(number)
        known = self._known.get(number)
        if known is None or known.face != face:
            known = self._known[number] = Known(face, self._check(number))
        return known

    def doubt(self, number: int) -> None:
        """Check a segment again before it is trusted the next time."""
        self._known.pop(number, None)

    def _check(self, number: int) -> bool:
        with suppress(VerificationError):
            check_file(self.shelf.file(number), self.shelf.read(number, self._signer))
            return True
        return False

    def _face(self, number: int) -> tuple[_Face, ...]:
        names = (file_name(number), manifest_name(number))
        return tuple(_face(f"{self._folder}/{each}") for each in names)


def _face(path: str) -> _Face:
    try:
        found = os.stat(path)  # noqa: PTH116 - of every file for each question: no objects
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
