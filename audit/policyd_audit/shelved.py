"""A ledger whose older records have left its file for segments, read as one piece of evidence.

A segment is a Parquet file, which this program does not read: it holds the file to the SHA-256 in
the segment's manifest, the manifest to the log's key, and the manifest's hash of the records to
the tree. Whoever wants every byte of the records looked at asks the server, or an export.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from policyd_audit import note
from policyd_audit.errors import Contradiction, Malformed, VerificationError, shown
from policyd_audit.evidence import Absent, Shared
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.note import Key
from policyd_audit.proof import perfect_root
from policyd_audit.segment import FOLDER, RECORDS, Segment, check_file, parse
from policyd_audit.tree import TILE_WIDTH, split

_MAX_NOTE_BYTES = 1 << 16
_ENDING = ".manifest"


class _Vouched(NamedTuple):
    """A stretch of records, and what is wrong with the segment that should have them, if it is."""

    first: int
    end: int
    trouble: VerificationError | None


class ShelvedLedger:
    """A ledger's file with the segments beside it.

    Args:
        ledger: The file.
        folder: Where its segments lie.
        key: The log's; None leaves the manifests' signatures unchecked.
    """

    def __init__(self, ledger: LedgerFile, folder: Path, key: Key | None) -> None:
        self._ledger = ledger
        self._folder = folder
        self._key = key

    def leaves(
        self, first: int = 0, end: int | None = None
    ) -> Iterator[tuple[int, object, object]]:
        """Yield the records in order; in place of those that are in segments, `Absent`."""
        oldest = self._ledger.oldest()
        shelved = oldest if end is None else min(oldest, end)
        if first < shelved:
            for stretch in self._stretches(first, shelved):
                yield from self._absent(stretch)
        yield from self._ledger.leaves(max(first, oldest) if oldest > 0 else first, end)

    def leaf(self, seq: int) -> tuple[object, object] | None:
        """Return bytes and stored leaf hash of one record, or None."""
        return self._ledger.leaf(seq)

    def first(self) -> int:
        """Return the number of the record that the log begins at; what was before was pruned."""
        return self._ledger.first()

    def beside(self, seq: int) -> Sequence[bytes]:
        """Return what is kept apart of a record, and what stands where some of it was erased."""
        return self._ledger.beside(seq)

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a full tile."""
        return self._ledger.tile(level, index)

    def shared(self) -> Shared | None:
        """Return how other processes can read what is in the file."""
        return self._ledger.shared()

    def has_only(self, first: int, size: int) -> bool:
        """Return whether the file has so many records."""
        return self._ledger.has_only(first, size)

    def _stretches(self, first: int, oldest: int) -> Iterator[_Vouched]:
        """Yield what the segments have of the records from *first* to below *oldest*."""
        for segment, trouble in self._segments():
            if segment.end <= first or segment.first >= oldest:
                continue
            if segment.first > first:
                yield from _unvouched(first, segment.first)
            end = min(segment.end, oldest)
            yield _Vouched(max(first, segment.first), end, trouble)
            first = end
        yield from _unvouched(first, oldest)

    def _segments(self) -> Iterator[tuple[Segment, VerificationError | None]]:
        """Yield what manifests say, and what is wrong; those that cannot be read say nothing."""
        for path in sorted(self._folder.glob(f"segment-*{_ENDING}")):
            try:
                with path.open("rb") as file:
                    signed = note.parse(file.read(_MAX_NOTE_BYTES).decode())
                segment = parse(signed.text)
            except (OSError, ValueError, Malformed):
                continue
            try:
                self._check(segment, signed)
            except VerificationError as error:
                yield segment, error
            else:
                yield segment, None

    def _check(self, segment: Segment, signed: note.Note) -> None:
        if self._key:
            note.verify(signed, self._key)
            if segment.origin != self._key.name:
                why = f"the manifest of {shown(segment.file)} is of the log {shown(segment.origin)}"
                raise Contradiction("manifest-differs", why)
        tiles = range(segment.first // TILE_WIDTH, segment.end // TILE_WIDTH)
        roots = [perfect_root(split(self._ledger.tile(0, each))) for each in tiles]
        if perfect_root(roots) != segment.root:
            why = f"the manifest of {shown(segment.file)} is about other records than the tree"
            raise Contradiction("manifest-differs", why)
        check_file(self._folder / segment.file, segment)

    def _absent(self, stretch: _Vouched) -> Iterator[tuple[int, object, object]]:
        for number in range(stretch.first // TILE_WIDTH, -(-stretch.end // TILE_WIDTH)):
            hashes = split(self._ledger.tile(0, number))
            start = number * TILE_WIDTH
            for seq in range(max(start, stretch.first), min(start + TILE_WIDTH, stretch.end)):
                yield seq, Absent(stretch.trouble), hashes[seq - start]


def segments_beside(ledger: Path) -> Path:
    """Return the folder where the segments of a ledger's file lie, if it has any."""
    return ledger.parent / FOLDER


def _unvouched(first: int, end: int) -> Iterator[_Vouched]:
    """Yield the records from *first* to below *end*, for which there is no readable manifest."""
    while first < end:
        number = first // RECORDS
        stop = min(end, (number + 1) * RECORDS)
        why = (
            f"records {first} to {stop - 1} are not in the ledger's file, and segment {number},"
            f" which should have them, has no readable manifest in `{FOLDER}` beside it"
        )
        yield _Vouched(first, stop, Malformed("segment-lost", why, segment=number))
        first = stop
