"""Shelf: the folder of a log's segments, and what is known of each by its manifest.

A segment is sealed once its manifest is in place, which is written last. There is no second list
of segments that could say otherwise: a segment whose records have left the ledger's file and that
has no good manifest, or no good file, is lost.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from policyd.ledger.signing import Signer
from policyd_audit import note
from policyd_audit.errors import Contradiction, Malformed, Unreadable
from policyd_audit.segment import FOLDER, Segment, file_name, manifest_name, parse
from policyd_audit.tree import TILE_WIDTH

LEVEL = 2
"""Of the tile in which one hash stands for a whole segment: 256 ** 2 records."""

HALF = ".half"
"""How the name of a file ends that is not finished."""

SPILL = ".spill"
"""The folder for what does not fit into memory while a segment is made or read."""

_MOST = 1 << 16


class Shelf:
    """Segments as files.

    Args:
        data: The data folder.
        level: Of the tile that has one hash for each segment; only tests have a reason to
            depart from `LEVEL`.
    """

    def __init__(self, data: Path, level: int = LEVEL) -> None:
        self.folder = data / FOLDER
        self.level = level
        self.records = TILE_WIDTH**level
        """Records in one segment."""

    def file(self, number: int) -> Path:
        """The Parquet file of a segment."""
        return self.folder / file_name(number)

    def manifest(self, number: int) -> Path:
        """The manifest of a segment."""
        return self.folder / manifest_name(number)

    def range(self, number: int) -> range:
        """The numbers of the records in a segment."""
        return range(number * self.records, (number + 1) * self.records)

    def numbers(self) -> list[int]:
        """The segments of which there is a file or a manifest, in order."""
        names: set[str] = set()
        with suppress(FileNotFoundError):
            names.update(os.listdir(self.folder))  # noqa: PTH208 - for each question: no objects
        stems = (each.removeprefix("segment-").partition(".")[0] for each in names)
        numbers = {int(each) for each in stems if each.isascii() and each.isdecimal()}
        return sorted(each for each in numbers if not names.isdisjoint(_names(each)))

    def read(self, number: int, signer: Signer) -> Segment:
        """What the manifest of a segment says, which this log has signed.

        Raises:
            VerificationError: it is missing, not this log's, or about other records.
        """
        signed = self._note(number)
        signer.verify(signed)
        found = parse(signed.text)
        wanted = self.range(number)
        if (found.origin, found.first, found.end) != (signer.origin, wanted.start, wanted.stop):
            raise Contradiction("manifest-differs", f"the manifest of segment {number} is another")
        return found

    def is_signed_by(self, number: int, key: note.Key) -> bool:
        """Whether *key* has signed the manifest of a segment, truly or not."""
        return any(each.key_id == key.id for each in self._note(number).signatures)

    def _note(self, number: int) -> note.Note:
        try:
            with self.manifest(number).open("rb") as file:
                text = file.read(_MOST).decode()
        except FileNotFoundError:
            raise Malformed("manifest-missing", f"segment {number} has no manifest") from None
        except (OSError, ValueError) as error:
            why = f"the manifest of segment {number} cannot be read: {error}"
            raise Unreadable("manifest-unreadable", why) from error
        return note.parse(text)

    def clean(self) -> None:
        """Remove what a crash has left half made; whoever holds the folder's lock does it."""
        for each in self.folder.glob(f".*{HALF}"):
            each.unlink()
        spill = self.folder / SPILL
        spill.mkdir(exist_ok=True)
        for each in spill.iterdir():
            each.unlink()

    def remove_below(
        self, index: int, unlink: Callable[[Path], object] = lambda path: path.unlink()
    ) -> list[int]:
        """Remove the segments whose records are all below *index*, and give their numbers.

        The tree's hashes are not touched. The manifest goes first: a crash in between leaves a
        file without one, which the next call removes.
        """
        removed = [each for each in self.numbers() if self.range(each).stop <= index]
        for number in removed:
            for path in (self.manifest(number), self.file(number)):
                with suppress(FileNotFoundError):
                    unlink(path)
        if removed:
            sync(self.folder)
        return removed


def check_root(found: Segment, root: bytes) -> None:
    """Nothing, if a manifest is about the records that the tree has this hash for.

    Raises:
        Contradiction: it is about others.
    """
    if found.root != root:
        why = f"the manifest of segment {found.number} is about other records than the tree"
        raise Contradiction("manifest-differs", why)


def put(half: Path, path: Path) -> None:
    """Give a finished file its name; the name is on the disk on return."""
    half.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _names(number: int) -> tuple[str, str]:
    return file_name(number), manifest_name(number)
