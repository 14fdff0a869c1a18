"""Exports: an auditor takes records away. That is on record before the first of them leaves.

Nothing is kept between the requests of one export but that record, so a server that was started
again goes on with it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import moment
from policyd.model.errors import Conflict, NotFound
from policyd.points.decision import Sender
from policyd.points.publication import Publication
from policyd_audit import export
from policyd_audit.layout import ENTRIES, Resource
from policyd_audit.tree import TILE_WIDTH

LASTS = timedelta(days=7)
"""How long an export may be gone on with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records are wanted: by number, and of these by time; all there are by default."""

    form: str
    first: int = 0
    end: int | None = None
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """An export: its id, its records, and the checkpoint of the log they are taken from."""

    id: str
    first: int
    end: int
    size: int
    note: str


class ExportPoint:
    """Gives records away, to auditors, on the record."""

    def __init__(
        self, reader: Reader, ledger: Ledger, publication: Publication, signer: Signer
    ) -> None:
        self._reader = reader
        self._ledger = ledger
        self._publication = publication
        self._signer = signer

    async def begin(self, by: Sender, asked: Asked) -> Begun:
        """Record that records are taken away, and say which.

        Raises:
            Conflict: there are none of these.
            LedgerUnavailable: the log cannot be read, or the export not recorded.
        """
        published = await self._publication.covering(self._ledger.size)
        span = await asyncio.to_thread(self._reader.span, asked.after, asked.before)
        first = max(span.start, asked.first)
        end = min(span.stop, published.size, published.size if asked.end is None else asked.end)
        if first >= end:
            raise Conflict(
                f"of {published.size} records none is in that range: name an earlier beginning "
                "or a later end",
                code="export-empty",
            )
        stamp = self._ledger.stamp()
        said = record.Export(
            **record.stamped(stamp),
            caller=record.Caller(key=by.key.id, address=by.address),
            form=asked.form,
            first=first,
            end=end,
            size=published.size,
        )
        await self._ledger.append([record.encode(said)])
        return Begun(stamp.id, first, end, published.size, published.note)

    async def bundle(self, by: Sender, export_id: str, number: int) -> bytes:
        """The records of one entry bundle that are in the export, each behind its length.

        Raises:
            NotFound: no such export of this key, or none of its records are there.
            RecordsLost: they cannot be read.
            LedgerUnavailable: the log cannot be read.
        """
        begun = await self._begun(by, export_id)
        first = max(begun.first, number * TILE_WIDTH)
        end = min(begun.end, (number + 1) * TILE_WIDTH)
        if first >= end:
            raise NotFound(f"the export has records {begun.first} to {begun.end - 1} only")
        resource = Resource(ENTRIES, number, end - number * TILE_WIDTH)
        data = await asyncio.to_thread(self._reader.content, resource) or b""
        for _ in range(first - number * TILE_WIDTH):
            data = data[2 + int.from_bytes(data[:2]) :]
        return data

    async def manifest(
        self,
        by: Sender,
        export_id: str,
        files: Sequence[export.File],
        left_out: Sequence[tuple[int, int]],
    ) -> str:
        """The signed manifest of an export, with the files its taker says it was put into.

        Raises:
            NotFound: no such export of this key.
            LedgerUnavailable: the log cannot be read.
        """
        begun = await self._begun(by, export_id)
        root = await asyncio.to_thread(self._reader.root, begun.size)
        said = export.Export(
            origin=self._signer.origin,
            id=export_id,
            by=by.key.id,
            form=begun.form,
            size=begun.size,
            root=root,
            records=(begun.first, begun.end),
            left_out=tuple(left_out),
            files=tuple(files),
        )
        return self._signer.signed(export.body(said))

    async def _begun(self, by: Sender, export_id: str) -> record.Export:
        found = await asyncio.to_thread(self._reader.record_by_id, export_id)
        try:
            begun = msgspec.json.decode(found.leaf, type=record.Export) if found else None
        except msgspec.ValidationError:  # a record of another kind
            begun = None
        if begun is None or begun.caller.key != by.key.id:
            raise NotFound(f"there is no export `{export_id[:64]}` of this key: begin a new one")
        if moment(begun.ts) + LASTS < self._ledger.stamp().at:
            raise NotFound(
                f"the export `{export_id}` is older than {LASTS.days} days: begin a new one",
                code="export-over",
            )
        return begun
