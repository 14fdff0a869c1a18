"""Sealing: full stretches of the log become segments, and damaged segments are made good.

The durable steps of one segment, in order:

    taken      its records are read from the ledger
    written    the Parquet file is written, under another name in the same folder
    synced     it is on the disk
    compared   it is read back: every record adds up to the hash that the tree has for them
    named      the file gets its name
    signed     the manifest is written under another name, and is on the disk
    sealed     the manifest gets its name: from here on the segment counts

A crash before `named` leaves a half-made file, which the next run removes. One between `named`
and `sealed` leaves a file without a manifest, which the next run compares again and signs. The
records are in the ledger's file all that time, and leave it only later.
"""

import errno
import hashlib
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from policyd.ledger.parquet import Files, Taken, Unusable
from policyd.ledger.reader import Reader
from policyd.ledger.record import time_of
from policyd.ledger.shelf import HALF, SPILL, Shelf, check_root, put, sync
from policyd.ledger.signing import Signer
from policyd.ledger.trouble import DAMAGED
from policyd.model.errors import PolicydError
from policyd_audit import segment
from policyd_audit.errors import Contradiction, VerificationError
from policyd_audit.segment import FOLDER, Segment, check_file
from policyd_audit.tree import Tree, leaf_hash

Step = Callable[[str], None]

_CHUNK = 4096  # records read from the ledger at a time, so that no reader holds it up for long


class SealingFailed(PolicydError):
    """A segment could not be made; its records stay in the ledger's file."""

    code = "sealing-failed"


class Shelved(NamedTuple):
    """How it stands with a segment: what was done to it, and why.

    `did` is `kept` where there was nothing to do, and `renewed` if only the manifest was signed
    again, with a new key.
    """

    number: int
    did: Literal["kept", "sealed", "rebuilt", "renewed", "lost"]
    why: str = ""
    segment: Segment | None = None


class _Times(NamedTuple):
    earliest: str
    latest: str


class Sealer:
    """Seals what is full and looks after what is sealed; there is one at a time.

    Args:
        shelf: Where segments lie.
        reader: Of the ledger.
        signer: Of the same log.
        step: Told the name of each durable step before it is taken.
    """

    def __init__(
        self, shelf: Shelf, reader: Reader, signer: Signer, step: Step = lambda _name: None
    ) -> None:
        self._shelf = shelf
        self._reader = reader
        self._signer = signer
        self._step = step

    def run(self, thoroughly: Container[int] | None = None) -> Iterable[Shelved]:
        """Look at every full stretch of the log, oldest first, and do what it needs.

        Args:
            thoroughly: Segments whose every byte is read, all by default; of the others the
                length must do.

        Raises:
            SealingFailed: one could not be sealed; what came before it is done.
        """
        self._shelf.folder.mkdir(exist_ok=True, mode=0o700)
        self._shelf.clean()
        first, kept_from = self._reader.first(), self._reader.kept_from()
        self._shelf.remove_below(first)
        begin = first // self._shelf.records
        if first % self._shelf.records and begin not in self._shelf.numbers():
            begin += 1  # what was pruned of it is gone, so it can never be sealed
        for number in range(begin, self._reader.state().size // self._shelf.records):
            is_read = thoroughly is None or number in thoroughly
            yield self._look_after(number, kept_from, thoroughly=is_read)

    def _look_after(self, number: int, kept_from: int, *, thoroughly: bool) -> Shelved:
        root = self._reader.subtree(self._shelf.level, number)
        has_leaves = kept_from <= self._shelf.range(number).start
        why = ""
        if not has_leaves or number in self._shelf.numbers():
            try:
                return self._check(number, root, thoroughly=thoroughly)
            except VerificationError as error:
                why = error.message
        if has_leaves:
            records = self._from_ledger(number)
        elif self._holds(number, root):
            # Only columns or manifest are damaged. What the tree vouches for is written anew.
            records = self._from_file(number)
        else:
            return Shelved(number, "lost", why)
        try:
            made = self._seal(number, root, records)
        except (OSError, Unusable, VerificationError) as error:
            raise _failed(number, error) from error
        return Shelved(number, "rebuilt" if why else "sealed", why, made)

    def _from_ledger(self, number: int) -> Iterator[list[tuple[int, bytes]]]:
        records = self._shelf.range(number)
        for first in range(records.start, records.stop, _CHUNK):
            found = self._reader.leaves(first, min(first + _CHUNK, records.stop))
            yield [(each.seq, each.leaf) for each in found]

    def _from_file(self, number: int) -> Iterator[list[tuple[int, bytes]]]:
        records = self._shelf.range(number)
        with closing(Files(self._spill)) as files:
            for first in range(records.start, records.stop, _CHUNK):
                end = min(first + _CHUNK, records.stop)
                yield list(files.leaves(self._shelf.file(number), first, end))

    def _holds(self, number: int, root: bytes) -> bool:
        """Whether the file has all records of the segment, whatever else is wrong with it."""
        try:
            self._compare(self._shelf.file(number), number, root)
        except (OSError, Unusable, VerificationError):
            return False
        return True

    def _check(self, number: int, root: bytes, *, thoroughly: bool) -> Shelved:
        """How it stands with a segment that is in order.

        Raises:
            VerificationError: it is not.
        """
        found = self._shelf.read(number, self._signer)
        check_root(found, root)
        path = self._shelf.file(number)
        if thoroughly or not path.exists() or path.stat().st_size != found.size:
            check_file(path, found)
        if self._signer.retiring and not self._shelf.is_signed_by(number, self._signer.key):
            check_file(path, found)
            self._put_manifest(found)
            return Shelved(number, "renewed", "the log has a new key", found)
        return Shelved(number, "kept", "", found)

    def _seal(
        self, number: int, root: bytes, records: Iterable[list[tuple[int, bytes]]]
    ) -> Segment:
        path = self._shelf.file(number)
        half = path.with_name(f".{path.name}{HALF}")
        with Taken(self._spill) as taken:
            self._step("taken")
            for some in records:
                taken.add(some)
            self._step("written")
            half.touch(0o600)
            taken.write(half)
        self._step("synced")
        sync(half)
        self._step("compared")
        times = self._compare(half, number, root)
        self._step("named")
        put(half, path)
        made = self._described(number, root, times)
        self._put_manifest(made)
        return made

    def _compare(self, path: Path, number: int, root: bytes) -> _Times:
        """Hold the records in a file to the tree; the times of the first and last.

        Raises:
            Contradiction: they do not add up to *root*.
            Unusable: they cannot be read.
        """
        records = self._shelf.range(number)
        tree, ends = Tree(), []
        with closing(Files(self._spill)) as files:
            expected = iter(records)
            for seq, leaf in files.leaves(path, records.start, records.stop):
                if seq != next(expected, None):
                    raise Contradiction("segment-damaged", f"record {seq} is out of order")
                tree.extend([leaf_hash(leaf)])
                if seq in {records[0], records[-1]}:
                    ends.append(time_of(leaf))
        if tree.size != len(records) or tree.root() != root:
            why = f"the records in `{path.name}` do not add up to the hash of the tree"
            raise Contradiction("segment-damaged", why)
        return _Times(ends[0], ends[-1])

    def _described(self, number: int, root: bytes, times: _Times) -> Segment:
        path, records = self._shelf.file(number), self._shelf.range(number)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Segment(
            origin=self._signer.origin,
            number=number,
            first=records.start,
            end=records.stop,
            earliest=times.earliest,
            latest=times.latest,
            root=root,
            size=path.stat().st_size,
            sha256=digest,
        )

    def _put_manifest(self, made: Segment) -> None:
        manifest = self._shelf.manifest(made.number)
        half = manifest.with_name(f".{manifest.name}{HALF}")
        self._step("signed")
        half.write_text(self._signer.signed(segment.body(made)), encoding="utf-8")
        sync(half)
        self._step("sealed")
        put(half, manifest)

    @property
    def _spill(self) -> Path:
        return self._shelf.folder / SPILL


def _failed(number: int, error: Exception) -> SealingFailed:
    """What went wrong with a segment, and what to do about it."""
    name = f"segment {number} cannot be sealed"
    kind = error.errno if isinstance(error, OSError) else None
    if kind in {errno.ENOSPC, errno.EDQUOT} or getattr(error, "code", "") == "disk-full":
        code, said = "disk-full", "the disk is full: free some space; it is tried again by itself"
    elif isinstance(error, OSError):
        code = "disk-error"
        said = f"{error.strerror}: check the disk and who may write the folder `{FOLDER}`"
    elif isinstance(error, VerificationError):
        code, said = "ledger-damaged", f"{error}: {DAMAGED}"
    else:
        code, said = SealingFailed.code, f"{error}; it is tried again by itself"
    return SealingFailed(f"{name}: {said}", code=code)
