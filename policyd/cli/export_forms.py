"""The forms of an export: what its files look like, and how far they are on the disk.

Whatever the form, what `settle` says to be there is there after a crash or a full disk, and
`restore` brings the files back to it.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from policyd.cli.cells import csv_row, safe
from policyd.cli.export_source import Begun, Taken
from policyd.forms import cloudevents, ocsf
from policyd.forms.entry import Entry
from policyd.forms.openlineage import Hours
from policyd_audit.layout import ENTRIES, Resource, bundle, resource_at
from policyd_audit.tree import TILE_WIDTH, Tree, split

PART = 65_536  # records in one Parquet file


class Settled(NamedTuple):
    """How far an export is on the disk: the next record, and the length of the file, if any."""

    next: int
    size: int = 0


class Form(Protocol):
    """One form of export, in a folder of its own."""

    def restore(self, settled: Settled) -> None:
        """Go on from there; what is beyond is taken away."""

    def take(self, taken: Taken) -> None:
        """Add the records of a bundle; lost ones are left out."""

    def settle(self, after: int) -> Settled:
        """Bring to the disk what there is of the records before *after*."""

    def finish(self) -> None:
        """Write what can only be written at the end."""


class Lines:
    """One file with a line for each record."""

    def __init__(self, path: Path, head: bytes, line: Callable[[int, bytes], bytes]) -> None:
        self._head = head
        self._line = line
        self._path = path

    def restore(self, settled: Settled) -> None:
        """Cut the file off where it was settled; without it, begin with the head."""
        with self._path.open("ab") as file:
            file.truncate(settled.size)
            if not settled.size:
                file.write(self._head)

    def take(self, taken: Taken) -> None:
        """Add a line for each record."""
        pairs = zip(taken.records, taken.leaves or (), strict=False)
        with self._path.open("ab") as file:
            file.write(b"".join(self._line(seq, leaf) for seq, leaf in pairs))

    def settle(self, after: int) -> Settled:
        """Sync the file."""
        sync(self._path)
        return Settled(after, self._path.stat().st_size)

    def finish(self) -> None:
        """All is written."""


class Log:
    """The resources of a tiled log, which any tool for such logs reads."""

    def __init__(self, folder: Path, begun: Begun) -> None:
        self._folder = folder
        self._begun = begun
        self._unsynced: list[Path] = []

    def restore(self, settled: Settled) -> None:
        """Files of bundles beyond are written again as a whole."""

    def take(self, taken: Taken) -> None:
        """Write the bundle, and the tile of its hashes."""
        number, width = taken.records.start // TILE_WIDTH, len(taken.hashes)
        if taken.leaves is not None:
            self._write(Resource(ENTRIES, number, width).path, bundle(taken.leaves))
        self._write(Resource(0, number, width).path, b"".join(taken.hashes))

    def settle(self, after: int) -> Settled:
        """Sync what was written since."""
        for path in self._unsynced:
            sync(path)
        for folder in {path.parent for path in self._unsynced}:
            sync(folder)
        self._unsynced.clear()
        return Settled(after)

    def finish(self) -> None:
        """Write the upper tiles, the checkpoint and the key that it is verified with."""
        size, tree = self._begun.tree_size, Tree()
        for number in self._begun.bundles:
            resource = resource_at(size, 0, number)
            assert resource  # noqa: S101 - the log has as many
            hashes = split((self._folder / resource.path).read_bytes())
            for tile in tree.extend(hashes):
                self._write(Resource(tile.level, tile.index, TILE_WIDTH).path, tile.data)
        for level, hashes in enumerate(tree.edge):
            if hashes:
                number = (size >> 8 * level) // TILE_WIDTH
                self._write(Resource(level, number, len(hashes)).path, b"".join(hashes))
        self._write("checkpoint", self._begun.checkpoint.encode())
        self._write("log.vkey", f"{self._begun.verifier_keys[0]}\n".encode())
        self.settle(size)

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._unsynced.append(path)


class Parquet:
    """Files of 65,536 records each, with the columns of a sealed segment."""

    def __init__(self, folder: Path, aside: Path) -> None:
        self._folder = folder
        self._aside = aside
        self._next = 0
        self._records: Any = None

    def restore(self, settled: Settled) -> None:
        """Begin a new part there."""
        self._aside.mkdir(exist_ok=True)
        for each in self._aside.iterdir():
            each.unlink()
        self._next = settled.next

    def take(self, taken: Taken) -> None:
        """Keep the records until a part is full."""
        from policyd.ledger import parquet

        if self._records is None:
            self._records = parquet.Taken(self._aside)
        self._records.add(list(zip(taken.records, taken.leaves or (), strict=False)))
        if taken.records.stop % PART == 0:
            self._write(taken.records.stop)

    def settle(self, after: int) -> Settled:
        """The parts that are full are there; the rest is taken again."""
        del after
        return Settled(self._next)

    def finish(self) -> None:
        """Write the last part."""
        if self._records is not None:
            self._write(self._next)
        self._aside.rmdir()

    def _write(self, after: int) -> None:
        path = self._folder / f"records-{self._next // PART:06d}.parquet"
        path.unlink(missing_ok=True)
        self._records.write(path)
        self._records.close()
        self._records = None
        sync(path)
        self._next = after


class Flows:
    """One file with a line for each hour of each flow.

    What is settled ends with a whole hour; the records of the one behind it are taken again.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._origin = origin
        self._path = path
        self._hours = Hours()
        self._next = 0
        self._size = 0

    def restore(self, settled: Settled) -> None:
        """Cut the file off where it was settled."""
        with self._path.open("ab") as file:
            file.truncate(settled.size)
        self._hours = Hours()
        self._next, self._size = settled

    def take(self, taken: Taken) -> None:
        """Gather the records; add the lines of the hours that end among them."""
        for seq, leaf in zip(taken.records, taken.leaves or (), strict=False):
            if seq >= self._next:
                self._write(self._hours.add(Entry.of(self._origin, seq, leaf)), seq)

    def settle(self, after: int) -> Settled:
        """Sync the file."""
        del after
        sync(self._path)
        return Settled(self._next, self._size)

    def finish(self) -> None:
        """Add the last hour."""
        self._write(self._hours.end(), self._next)

    def _write(self, events: Sequence[object], after: int) -> None:
        if events:
            with self._path.open("ab") as file:
                file.writelines(map(_json_line, events))
                self._next, self._size = after, file.tell()


def form_of(name: str, folder: Path, begun: Begun) -> Form:
    """The form of that name, whose files lie in *folder*."""
    path = folder / f"records.{name}.ndjson"
    if name == "openlineage":
        return Flows(path, begun.origin)
    if name in _EVENTS:
        return Lines(path, b"", partial(_EVENTS[name], begun.origin))
    if name == "log":
        return Log(folder, begun)
    if name == "parquet":
        return Parquet(folder, folder / ".spill")
    if name == "csv":
        return Lines(folder / "records.csv", csv_row(["seq", *_CELLS]).encode(), _csv_line)
    return Lines(folder / "records.ndjson", b"", lambda _seq, leaf: leaf + b"\n")


def _ocsf_line(origin: str, seq: int, leaf: bytes) -> bytes:
    return _json_line(ocsf.event(Entry.of(origin, seq, leaf)))


def _cloudevents_line(origin: str, seq: int, leaf: bytes) -> bytes:
    return cloudevents.event(Entry.of(origin, seq, leaf)) + b"\n"


def _json_line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


_EVENTS = {"ocsf": _ocsf_line, "cloudevents": _cloudevents_line}
_CELLS: dict[str, tuple[str, ...]] = {
    "ts": ("ts",),
    "id": ("id",),
    "kind": ("kind",),
    "decision": ("decision",),
    "would": ("would",),
    "key": ("caller", "key"),
    "address": ("caller", "address"),
    "unit": ("call", "unit"),
    "subject": ("call", "subject"),
    "action": ("call", "action"),
    "system": ("call", "system"),
    "dataset": ("call", "dataset"),
    "fields": ("call", "fields"),
    "sources": ("call", "sources"),
    "labels": ("call", "labels", "effective"),
    "endpoint": ("call", "destination", "sent"),
    "destination": ("call", "destination", "name"),
    "zone": ("call", "destination", "zone"),
    "purpose": ("call", "purpose"),
    "volume_rows": ("call", "volume", "rows"),
    "volume_bytes": ("call", "volume", "bytes"),
    "reasons": ("reasons", "code"),
    "rules": ("reasons", "rule"),
    "exemptions": ("reasons", "exemption"),
    "obligations": ("obligations", "type"),
    "snapshot": ("snapshot",),
    "status": ("status",),
    "rows": ("rows",),
    "bytes": ("bytes",),
    "error": ("error",),
    "text": ("text",),
    "act": ("act",),
    "target": ("target",),
    "by": ("by",),
    "reason": ("reason",),
}
"""Columns of a CSV export, and where a record has them."""


def csv_of(records: Iterable[tuple[int, dict[str, Any]]]) -> str:
    """Records with their numbers as CSV with a head, as an export has them."""
    rows = ([str(seq), *(cell(each, path) for path in _CELLS.values())] for seq, each in records)
    return csv_rows(["seq", *_CELLS], rows)


def csv_rows(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with a head, no cell of which a spreadsheet takes for a formula."""
    return "".join([csv_row(head), *(csv_row([cell(each, ()) for each in row]) for row in rows)])


def _csv_line(seq: int, leaf: bytes) -> bytes:
    record = json.loads(leaf)
    return csv_row([str(seq), *(cell(record, path) for path in _CELLS.values())]).encode()


def cell(value: Any, path: Sequence[str]) -> str:  # noqa: ANN401 - JSON is any of its types
    """What a record has at *path*, as a cell that no spreadsheet takes for a formula.

    >>> cell({"call": {"fields": ["name", "email"]}}, ("call", "fields"))
    'name;email'
    >>> cell({"text": "=1+1"}, ("text",))
    "'=1+1"
    """
    for at, name in enumerate(path):
        if isinstance(value, list):
            return safe(";".join(filter(None, (cell(each, path[at:]) for each in value))))
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = ";".join(map(str, value))
    return "" if value is None else safe(str(value))


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
